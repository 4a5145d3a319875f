//! Limits before the login: `max_commands`, `worker_connections`, and no memory kept per command.

use std::fs;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use socket2::SockRef;
use support::load::{Client, Peers};
use support::mail_log::{fields, wait_for_lines};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port, wait_until};

#[test]
fn max_commands_in_every_protocol() {
    let ports = [free_port(), free_port(), free_port()];
    let [smtp, imap, pop3] = ports;
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            max_commands 3;
            proxy_pass 127.0.0.1:9;
            server {{ listen 127.0.0.1:{smtp}; protocol smtp; }}
            server {{ listen 127.0.0.1:{imap}; protocol imap; }}
            server {{ listen 127.0.0.1:{pop3}; protocol pop3; }}
        }}"
    ));
    for (port, command, expected) in [
        (
            smtp,
            "NOOP\r\n",
            "220 gate.test ESMTP ready\r\n250 2.0.0 OK\r\n250 2.0.0 OK\r\n250 2.0.0 OK\r\n500 5.5.1 Invalid command\r\n",
        ),
        (
            imap,
            "a NOOP\r\n",
            "* OK IMAP4 ready\r\na OK completed\r\na OK completed\r\na OK completed\r\na BAD invalid command\r\n",
        ),
        (
            pop3,
            "NOOP\r\n",
            "+OK POP3 ready\r\n+OK\r\n+OK\r\n+OK\r\n-ERR invalid command\r\n",
        ),
    ] {
        let mut client = LineClient::connect(port);
        client.send(command.repeat(5).as_bytes());
        assert_eq!(client.read_to_end(), expected);
    }
    let line = "client sent too many commands while in auth state";
    assert_eq!(gateway.log().matches(line).count(), 3, "{}", gateway.log());
}

#[test]
fn worker_connections_in_every_protocol() {
    let ports = [free_port(), free_port(), free_port()];
    let [smtp, imap, pop3] = ports;
    // Three listening sockets, the channel to the master, and the two connections of one session.
    let gateway = Gateway::start_with(
        "events { worker_connections 6; }",
        &format!(
            "mail {{
                server_name gate.test;
                proxy_pass 127.0.0.1:9;
                server {{ listen 127.0.0.1:{smtp}; protocol smtp; }}
                server {{ listen 127.0.0.1:{imap}; protocol imap; }}
                server {{ listen 127.0.0.1:{pop3}; protocol pop3; }}
            }}"
        ),
    );
    let mut first = LineClient::connect(imap);
    first.expect("* OK");
    let mut second = LineClient::connect(smtp);
    second.expect("220");
    for (port, expected) in [
        (smtp, "421 4.3.2 Too many connections\r\n"),
        (imap, "* BYE Too many connections\r\n"),
        (pop3, "-ERR Too many connections\r\n"),
    ] {
        assert_eq!(LineClient::connect(port).read_to_end(), expected);
    }
    first.send_line("a NOOP");
    first.expect("a OK");
    drop(first);
    wait_until("a free connection", || {
        LineClient::connect(pop3).read_reply().starts_with("+OK")
    });
    gateway.wait_for_log(": 6 worker_connections are not enough\n");
}

/// As in nginx a client counts once before its login, and twice with a backend.
#[test]
fn worker_connections_are_counted_as_in_nginx() {
    let (port, peers) = (free_port(), Peers::start());
    // Ten connections: two threads of one listening socket, one channel and five others.
    let gateway = Gateway::start_with(
        "worker_processes 2; events { worker_connections 7; }",
        &format!(
            "mail {{ server_name gate.test; auth_http 127.0.0.1:{}/; xclient off; smtp_auth plain; auth_http_keepalive off;
                     server {{ listen 127.0.0.1:{port}; protocol smtp; mail_log mail.log; }} }}",
            peers.auth
        ),
    );
    let mut proxied: Vec<_> = (0..4)
        .map(|_| Client::connect(port).expect("a connection"))
        .collect();
    for client in &mut proxied {
        client.log_in("joe").expect("a login");
    }
    let mut plain: Vec<_> = (0..2).map(|_| LineClient::connect(port)).collect();
    for client in &mut plain {
        client.expect("220");
    }
    assert_eq!(
        LineClient::connect(port).read_to_end(),
        "421 4.3.2 Too many connections\r\n"
    );
    // A client has its place, and there is none for its backend.
    let login = format!("AUTH PLAIN {}", auth_plain("joe", "secret"));
    plain[0].send_line(&login);
    assert_eq!(
        plain[0].read_to_end(),
        "451 4.3.2 Internal server error\r\n"
    );
    gateway.wait_for_log(&format!(
        " 7 worker_connections are not enough while in http auth state, client: 127.0.0.1, server: 127.0.0.1:{port}, login: \"joe\"\n"
    ));
    let session = fields(&wait_for_lines(&gateway.folder().join("mail.log"), 1)[0]);
    assert_eq!(session["result"], "limited");
    let configuration = gateway.folder().join("gateway.conf");
    assert_eq!(session["by"], format!("{}:4", configuration.display()));
    drop((proxied, plain));
    wait_until("all places", || {
        let mut clients: Vec<_> = (0..10).map(|_| LineClient::connect(port)).collect();
        clients
            .iter_mut()
            .all(|client| client.read_reply().starts_with("220"))
    });
}

/// The resident memory of the process, in bytes.
fn resident(gateway: &Gateway) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/statm", gateway.worker())).expect("its memory");
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).expect("the page's size");
    pages.expect("pages") * u64::try_from(page.expect("a size")).expect("a small one")
}

#[test]
fn commands_do_not_accumulate_memory() {
    // A backend that refuses each of many logins.
    let mut script = vec![
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250-b\r\n250 AUTH PLAIN LOGIN\r\n"),
    ];
    for _ in 0..10_000 {
        script.extend([Step::ReadLine, Step::Send(b"535 no\r\n")]);
    }
    script.push(Step::Stall);
    let backend = ScriptedPeer::start(&script);
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            smtp_capabilities DSN;
            timeout 1h;
            max_commands 100000000;
            max_errors 100000000;
            error_log /dev/null error;
            proxy_pass 127.0.0.1:{};
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        backend.port
    ));
    let mut client = LineClient::connect(port);
    client.expect("220");
    let burst = format!(
        "NOOP\r\nEHLO {}\r\nMAIL FROM:<a>\r\nVRFY x\r\nDATA\r\nAUTH LOGIN ?\r\nAUTH LOGIN {}\r\n?\r\nRSET\r\n",
        "a".repeat(300),
        "YQ".repeat(100),
    );
    let login = format!(
        "AUTH PLAIN {}\r\n",
        auth_plain(&"joe".repeat(30), &"x".repeat(100))
    );
    let mut round = |logins: usize, bursts: usize| {
        for _ in 0..logins {
            client.send(login.as_bytes());
            client.expect("535");
        }
        for _ in 0..bursts {
            client.send(burst.as_bytes());
            for reply in [
                "250", "250", "530", "500", "500", "500", "334", "500", "250",
            ] {
                client.expect(reply);
            }
        }
    };
    round(500, 1_000);
    let before = resident(&gateway);
    round(4_500, 11_000);
    let growth = resident(&gateway).saturating_sub(before);
    // At ten bytes kept per command, 100,000 commands would take 1 MB.
    assert!(growth < 1_000_000, "{growth} bytes more");
}

#[test]
fn client_that_resets_its_connection_leaves_no_descriptors() {
    let auth = ScriptedPeer::start(&[Step::ReadHeader, Step::Stall]);
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:{};
            auth_http_timeout 1h;
            timeout 1h;
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        auth.port
    ));
    let open = || {
        let folder = format!("/proc/{}/fd", gateway.worker());
        fs::read_dir(folder).expect("the descriptors").count()
    };
    let before = open();
    for (more, half_closed) in [(900, false), (10, true)] {
        let login = format!("AUTH PLAIN {}\r\n", auth_plain("joe", "secret"));
        let commands = login + &"NOOP\r\n".repeat(more);
        let mut streams = Vec::new();
        for _ in 0..20 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
            stream.write_all(commands.as_bytes()).expect("to send");
            streams.push(stream);
        }
        // A client that leaves before its request is sent would leave the server waiting for it.
        for _ in &streams {
            auth.received();
        }
        for stream in streams {
            if half_closed {
                stream.shutdown(Shutdown::Write).expect("to half-close");
            }
            // Closing sends a reset.
            let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            linger.expect("SO_LINGER");
        }
        wait_until("the end of their sessions", || open() <= before);
    }
}
