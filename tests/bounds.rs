//! What one connection may cost before its login: commands are counted, and none of them leaves anything behind.

mod support;

use std::fs;

use support::mock::{Act, Mock};
use support::{Gateway, Smtp, free_port, plain, wait_until};

#[test]
fn commands_are_counted_in_every_protocol() {
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
    for (port, command, heard) in [
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
        let mut client = Smtp::connect(port);
        client.send(command.repeat(5).as_bytes());
        assert_eq!(client.rest(), heard);
    }
    let line = "client sent too many commands while in auth state";
    assert_eq!(gateway.log().matches(line).count(), 3, "{}", gateway.log());
}

#[test]
fn whoever_finds_no_room_is_told_so_in_every_protocol() {
    let ports = [free_port(), free_port(), free_port()];
    let [smtp, imap, pop3] = ports;
    // Three listening sockets, and two connections of one session.
    let gateway = Gateway::start_with(
        "events { worker_connections 5; }",
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
    let mut inside = Smtp::connect(imap);
    inside.expect("* OK");
    for (port, heard) in [
        (smtp, "421 4.3.2 Too many connections\r\n"),
        (imap, "* BYE Too many connections\r\n"),
        (pop3, "-ERR Too many connections\r\n"),
    ] {
        assert_eq!(Smtp::connect(port).rest(), heard);
    }
    inside.say("a NOOP");
    inside.expect("a OK");
    drop(inside);
    wait_until("a place", || Smtp::connect(pop3).hear().starts_with("+OK"));
    gateway.wait_for_log(": 5 worker_connections are not enough\n");
}

/// Bytes of memory that the process holds.
fn resident(gateway: &Gateway) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/statm", gateway.pid())).expect("its memory");
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).expect("the page's size");
    pages.expect("pages") * u64::try_from(page.expect("a size")).expect("a small one")
}

#[test]
fn commands_leave_nothing_behind() {
    // Refuses each login of a long conversation.
    let mut acts = vec![
        Act::Send(b"220 b\r\n"),
        Act::Line,
        Act::Send(b"250-b\r\n250 AUTH PLAIN LOGIN\r\n"),
    ];
    for _ in 0..10_000 {
        acts.extend([Act::Line, Act::Send(b"535 no\r\n")]);
    }
    acts.push(Act::Stall);
    let backend = Mock::new(&acts);
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
    let mut client = Smtp::connect(port);
    client.expect("220");
    let burst = format!(
        "NOOP\r\nEHLO {}\r\nMAIL FROM:<a>\r\nVRFY x\r\nDATA\r\nAUTH LOGIN ?\r\nAUTH LOGIN {}\r\n?\r\nRSET\r\n",
        "a".repeat(300),
        "YQ".repeat(100),
    );
    let login = format!(
        "AUTH PLAIN {}\r\n",
        plain(&"joe".repeat(30), &"x".repeat(100))
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
    let grown = resident(&gateway).saturating_sub(before);
    // A hundred thousand commands: were ten bytes of each kept, it would be a megabyte.
    assert!(grown < 1_000_000, "{grown} bytes more");
}
