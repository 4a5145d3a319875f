//! `limit_conn`, `limit_session`, `limit_auth`, `allow` and `deny`: what clients, logs and backends see of them, in all protocols.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::mail_log::{fields, wait_for_lines};
use support::password_auth::PasswordAuth;
use support::scripted::{ScriptedPeer, Step};
use support::{Certificate, Gateway, LineClient, auth_plain, free_port, wait_until};

/// A protocol, and how its clients and servers speak.
struct Protocol {
    name: &'static str,
    greeting: &'static str,
    /// The start of a refusal before the login, and at the login.
    early: &'static str,
    late: &'static str,
    denied: &'static str,
    accepted: &'static str,
    failed: &'static str,
}

const SMTP: Protocol = Protocol {
    name: "smtp",
    greeting: "220",
    early: "421 4.7.0 ",
    late: "454 4.7.0 ",
    denied: "554 5.7.1 Access denied\r\n",
    accepted: "235",
    failed: "535",
};
const IMAP: Protocol = Protocol {
    name: "imap",
    greeting: "* OK",
    early: "* BYE [UNAVAILABLE] ",
    late: "a NO [UNAVAILABLE] ",
    denied: "* BYE Access denied\r\n",
    accepted: "a OK",
    failed: "a NO",
};
const POP3: Protocol = Protocol {
    name: "pop3",
    greeting: "+OK",
    early: "-ERR [SYS/TEMP] ",
    late: "-ERR [SYS/TEMP] ",
    denied: "-ERR Access denied\r\n",
    accepted: "+OK",
    failed: "-ERR",
};
const ALL: [Protocol; 3] = [SMTP, IMAP, POP3];

impl Protocol {
    /// Connects and reads the greeting.
    fn greeted(&self, port: u16) -> LineClient {
        let mut client = LineClient::connect(port);
        client.expect(self.greeting);
        client
    }

    fn log_in(&self, client: &mut LineClient, user: &str, password: &str) -> String {
        match self.name {
            "smtp" => client.ask(&format!("AUTH PLAIN {}", auth_plain(user, password))),
            "imap" => client.ask(&format!("a LOGIN {user} {password}")),
            _ => {
                client.ask(&format!("USER {user}"));
                client.ask(&format!("PASS {password}"))
            }
        }
    }

    /// The reply to a login on a new connection.
    fn reply(&self, port: u16, user: &str, password: &str) -> String {
        let mut client = self.greeted(port);
        self.log_in(&mut client, user, password)
    }

    /// A backend that accepts the login of an auth server's choice.
    fn backend(&self) -> ScriptedPeer {
        let steps: &[Step] = match self.name {
            "smtp" => &[
                Step::Send(b"220 b\r\n"),
                Step::ReadLine,
                Step::Send(b"250 b\r\n"),
                Step::Stall,
            ],
            "imap" => &[
                Step::Send(b"* OK b\r\n"),
                Step::ReadLine,
                Step::Send(b"+ go\r\n"),
                Step::ReadLine,
                Step::Send(b"+ go\r\n"),
                Step::ReadLine,
                Step::Send(b"a OK in\r\n"),
                Step::Stall,
            ],
            _ => &[
                Step::Send(b"+OK b\r\n"),
                Step::ReadLine,
                Step::Send(b"+OK\r\n"),
                Step::ReadLine,
                Step::Send(b"+OK in\r\n"),
                Step::Stall,
            ],
        };
        ScriptedPeer::start(steps)
    }
}

/// A server of a protocol whose auth server and backend accept the password `right`.
struct Fixture {
    gateway: Gateway,
    port: u16,
    auth: PasswordAuth,
    _backend: ScriptedPeer,
    block: String,
}

impl Fixture {
    fn start(protocol: &Protocol, mail: &str, server: &str) -> Self {
        let backend = protocol.backend();
        let auth = PasswordAuth::start(backend.port);
        let port = free_port();
        let name = protocol.name;
        let block = format!(
            "mail {{\nxclient off; mail_log mail.log;\nauth_http 127.0.0.1:{}/;\n{mail}\nserver {{ listen 127.0.0.1:{port}; protocol {name}; \
             server_name gate.test;\n{server}\n}} }}",
            auth.port
        );
        Self {
            gateway: Gateway::start(&block),
            port,
            auth,
            _backend: backend,
            block,
        }
    }

    /// The `mail_log` line of this number, from 0.
    fn mail_log(&self, number: usize) -> support::mail_log::Fields {
        let file = self.gateway.folder().join("mail.log");
        fields(&wait_for_lines(&file, number + 1)[number])
    }
}

#[test]
fn connections_of_an_address() {
    for protocol in ALL {
        let zone = "limit_conn_zone $binary_remote_addr zone=addr:32k;";
        let fixture = Fixture::start(&protocol, zone, "limit_conn addr 2;");
        let port = fixture.port;
        let first = protocol.greeted(port);
        // It counts in the tunnel too.
        let mut second = protocol.greeted(port);
        let reply = protocol.log_in(&mut second, "joe", "right");
        assert!(reply.starts_with(protocol.accepted), "{reply}");
        let refused = |name: &str| {
            let mut client = LineClient::connect(port);
            let reply = client.read_to_end();
            let expected = format!("{}Too many connections\r\n", protocol.early);
            assert_eq!(reply, expected, "{name}");
        };
        refused("the third");
        fixture
            .gateway
            .wait_for_log("limiting connections by zone \"addr\", key \"127.0.0.1\", by=");
        let line = fixture.mail_log(0);
        assert_eq!(line["result"], "limited");
        assert!(line["by"].ends_with("gateway.conf:11"), "{line:?}");
        assert_eq!(
            line["reason"],
            "limiting connections by zone \\x22addr\\x22"
        );
        assert_eq!(line["ended_by"], "gateway");
        // A reload keeps what is counted.
        fixture.gateway.reload();
        refused("after a reload");
        drop(second);
        wait_until("the end of the second", || {
            let mut client = LineClient::connect(port);
            client.read_reply().starts_with(protocol.greeting)
        });
        drop(first);
    }
}

/// A zone that gets another key keeps the old configuration in force, as in nginx; another name or size makes a new zone.
#[test]
fn another_key_for_a_zone() {
    let zone = "limit_conn_zone $remote_addr zone=one:32k;";
    let fixture = Fixture::start(&SMTP, zone, "limit_conn one 1;");
    let _first = SMTP.greeted(fixture.port);
    let other = fixture
        .block
        .replace("$remote_addr zone", "$remote_user zone");
    fixture.gateway.rewrite(&other);
    fixture.gateway.signal(nix::sys::signal::Signal::SIGHUP);
    fixture.gateway.wait_for_log(
        "limit_conn \"one\" uses the \"$remote_user\" key while previously it used the \"$remote_addr\" key",
    );
    assert!(
        LineClient::connect(fixture.port)
            .read_to_end()
            .starts_with("421")
    );
    fixture
        .gateway
        .rewrite(&fixture.block.replace("one:32k", "one:64k"));
    fixture.gateway.reload();
    let _second = SMTP.greeted(fixture.port);
}

#[test]
fn a_dry_run_only_logs() {
    let zones = "limit_conn_zone $remote_addr zone=c:32k; limit_session_zone $remote_addr zone=s:32k rate=1r/m;
        limit_auth_zone $remote_addr zone=a:32k rate=1r/m;";
    let rules = "limit_conn c 1; limit_session zone=s; limit_auth zone=a action=drop; limit_conn_dry_run on; limit_session_dry_run on;
        limit_auth_dry_run on; limit_conn_log_level notice;";
    let fixture = Fixture::start(&POP3, zones, rules);
    let _first = POP3.greeted(fixture.port);
    for _ in 0..3 {
        assert_eq!(POP3.reply(fixture.port, "joe", "wrong"), "-ERR wrong\r\n");
    }
    assert!(POP3.reply(fixture.port, "joe", "right").starts_with("+OK"));
    for line in [
        "[notice] ",
        "limiting connections, dry run, by zone \"c\", key \"127.0.0.1\", by=",
        "limiting sessions, dry run, excess: ",
        " by zone \"s\", key \"127.0.0.1\", by=",
        "limiting logins, dry run, by zone \"a\", key \"127.0.0.1\", by=",
    ] {
        fixture.gateway.wait_for_log(line);
    }
    assert_eq!(fixture.auth.asked(), 4);
}

/// The key is known once the login is accepted: it is refused before the backend is connected.
#[test]
fn connections_of_a_login() {
    for protocol in ALL {
        let zone = "limit_conn_zone $remote_user zone=user:32k;";
        let fixture = Fixture::start(&protocol, zone, "limit_conn user 1;");
        let mut first = protocol.greeted(fixture.port);
        let reply = protocol.log_in(&mut first, "joe", "right");
        assert!(reply.starts_with(protocol.accepted), "{reply}");
        let mut second = protocol.greeted(fixture.port);
        let reply = protocol.log_in(&mut second, "joe", "right");
        assert_eq!(reply, format!("{}Too many connections\r\n", protocol.late));
        assert_eq!(second.read_to_end(), "");
        let line = fixture.mail_log(0);
        assert_eq!((&*line["result"], &*line["login"]), ("limited", "joe"));
        assert!(line["by"].ends_with("gateway.conf:11"), "{line:?}");
        // A wrong password takes no place, and another login has its own.
        let reply = protocol.reply(fixture.port, "ann", "wrong");
        assert!(reply.starts_with(protocol.failed), "{reply}");
        let reply = protocol.reply(fixture.port, "ann", "right");
        assert!(reply.starts_with(protocol.accepted), "{reply}");
        // The end of a session frees its place.
        drop(first);
        wait_until("the place of the first", || {
            let reply = protocol.reply(fixture.port, "joe", "right");
            reply.starts_with(protocol.accepted)
        });
    }
}

/// A login by SASL in IMAP and POP3 takes the same places as one by plain commands, and gets the same refusal.
#[test]
fn connections_of_a_login_by_sasl() {
    let response = auth_plain("joe", "right");
    for (protocol, command) in [(IMAP, "a AUTHENTICATE PLAIN"), (POP3, "AUTH PLAIN")] {
        let zone = "limit_conn_zone $remote_user zone=user:32k;";
        let server = format!("limit_conn user 2; {}_auth plain;", protocol.name);
        let fixture = Fixture::start(&protocol, zone, &server);
        let mut first = protocol.greeted(fixture.port);
        let reply = protocol.log_in(&mut first, "joe", "right");
        assert!(reply.starts_with(protocol.accepted), "{reply}");
        let line = format!("{command} {response}");
        let mut second = protocol.greeted(fixture.port);
        let reply = second.ask(&line);
        assert!(reply.starts_with(protocol.accepted), "{reply}");
        let mut third = protocol.greeted(fixture.port);
        let reply = third.ask(&line);
        assert_eq!(reply, format!("{}Too many connections\r\n", protocol.late));
        assert_eq!(third.read_to_end(), "");
    }
}

#[test]
fn implicit_tls_gets_no_clear_text() {
    let certificate = Certificate::new();
    let ports = [free_port(), free_port()];
    let gateway = Gateway::start(&format!(
        "mail {{ auth_http 127.0.0.1:9/; {certificate}
         limit_conn_zone $remote_addr zone=a:32k;
         server {{ listen 127.0.0.1:{} ssl; protocol imap; limit_conn a 1; }}
         server {{ listen 127.0.0.1:{} ssl; protocol imap; deny all; }} }}",
        ports[0],
        ports[1],
        certificate = format_args!(
            "ssl_certificate {}; ssl_certificate_key {};",
            certificate.chain().display(),
            certificate.key().display()
        ),
    ));
    let _first = TcpStream::connect(("127.0.0.1", ports[0])).expect("to connect");
    for port in ports {
        wait_until("a closed connection", || {
            let mut client = LineClient::connect(port);
            client.send(b"\x16");
            client.read_to_end().is_empty()
        });
    }
    gateway.wait_for_log("limiting connections by zone \"a\"");
    gateway.wait_for_log("access forbidden by rule, by=");
}

#[test]
fn the_first_rule_about_an_address_decides() {
    for protocol in ALL {
        let mail = "allow all;";
        let server = "allow 127.0.0.2;\ndeny 127.0.0.0/8;\nallow all;";
        let fixture = Fixture::start(&protocol, mail, server);
        let mut client = LineClient::connect(fixture.port);
        assert_eq!(client.read_to_end(), protocol.denied);
        fixture.gateway.wait_for_log("[error] ");
        fixture
            .gateway
            .wait_for_log("access forbidden by rule, by=");
        let line = fixture.mail_log(0);
        assert_eq!(line["result"], "refused");
        assert!(line["by"].ends_with("gateway.conf:12"), "{line:?}");
        // The rules of `mail {}` hold where the server has none.
        let inherited = fixture
            .block
            .replace(server, "")
            .replace(mail, "deny 127.0.0.1;");
        fixture.gateway.rewrite(&inherited);
        fixture.gateway.reload();
        let mut client = LineClient::connect(fixture.port);
        assert_eq!(client.read_to_end(), protocol.denied);
        // Behind a proxy, the client's own address counts.
        let port = fixture.port;
        let proxied = fixture.block.replace(
            &format!("listen 127.0.0.1:{port};"),
            &format!("listen 127.0.0.1:{port} proxy_protocol; set_real_ip_from 127.0.0.1;"),
        );
        fixture
            .gateway
            .rewrite(&proxied.replace("deny 127.0.0.0/8", "deny 192.0.2.0/24"));
        fixture.gateway.reload();
        for (address, start) in [
            ("192.0.2.7", protocol.denied),
            ("192.0.3.7", protocol.greeting),
        ] {
            let mut client = LineClient::connect(port);
            client.send(format!("PROXY TCP4 {address} 192.0.2.1 1 2\r\n").as_bytes());
            client.expect(start);
        }
    }
}

#[test]
fn sessions_above_the_rate() {
    for protocol in ALL {
        let zone = "limit_session_zone $remote_addr zone=rate:32k rate=2r/s;";
        let fixture = Fixture::start(&protocol, zone, "limit_session zone=rate burst=2 delay=1;");
        let begun = Instant::now();
        let mut clients: Vec<_> = (0..4).map(|_| LineClient::connect(fixture.port)).collect();
        let refused = format!("{}Too many sessions\r\n", protocol.early);
        // The threads of the gateway decide about the order.
        let replies: Vec<_> = clients.iter_mut().map(LineClient::read_reply).collect();
        let count = |text: &str| {
            replies
                .iter()
                .filter(|reply| reply.starts_with(text))
                .count()
        };
        assert_eq!(
            (count(protocol.greeting), count(&refused)),
            (3, 1),
            "{replies:?}"
        );
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(450), "{took:?}");
        fixture.gateway.wait_for_log("[warn] ");
        fixture
            .gateway
            .wait_for_log(", by zone \"rate\", key \"127.0.0.1\", by=");
        fixture.gateway.wait_for_log("limiting sessions, excess: ");
        assert_eq!(fixture.mail_log(0)["result"], "limited");
    }
}

/// A client that leaves while it is delayed ends its session at once.
#[test]
fn a_delayed_client_leaves() {
    let zones = "limit_session_zone $remote_addr zone=rate:32k rate=1r/m;";
    let fixture = Fixture::start(&SMTP, zones, "limit_session zone=rate burst=9;");
    let _first = SMTP.greeted(fixture.port);
    drop(LineClient::connect(fixture.port));
    assert_eq!(fixture.mail_log(0)["ended_by"], "client");
}

#[test]
fn failed_logins_of_an_address() {
    for protocol in ALL {
        let zone = "limit_auth_zone $remote_addr zone=fail:32k rate=3r/m;";
        let fixture = Fixture::start(&protocol, zone, "limit_auth zone=fail action=refuse;");
        let (port, auth) = (fixture.port, &fixture.auth);
        let failed = |user: &str| {
            let reply = protocol.reply(port, user, "wrong");
            assert!(
                reply.starts_with(protocol.failed) && reply.contains("wrong"),
                "{reply}"
            );
        };
        failed("joe");
        failed("joe");
        // A success removes the failures of the login.
        let reply = protocol.reply(port, "joe", "right");
        assert!(reply.starts_with(protocol.accepted), "{reply}");
        failed("joe");
        failed("ann");
        let reply = protocol.reply(port, "joe", "right");
        assert!(reply.starts_with(protocol.accepted), "{reply}");
        failed("bob");
        failed("bob");
        let asked = auth.asked();
        let refused = format!("{}Too many failed logins\r\n", protocol.late);
        let mut client = protocol.greeted(port);
        assert_eq!(protocol.log_in(&mut client, "joe", "right"), refused);
        fixture.gateway.reload();
        // The session goes on.
        assert_eq!(protocol.log_in(&mut client, "eve", "wrong"), refused);
        assert_eq!(protocol.reply(port, "eve", "wrong"), refused);
        assert_eq!(auth.asked(), asked);
        drop(client);
        fixture
            .gateway
            .wait_for_log("limiting logins by zone \"fail\", key \"127.0.0.1\", by=");
        let file = fixture.gateway.folder().join("mail.log");
        wait_until("the line of the refused", || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let mut lines = text.lines().map(fields);
            lines.any(|line| line["result"] == "limited" && line["by"].ends_with("gateway.conf:11"))
        });
    }
}

#[test]
fn failed_logins_at_a_backend() {
    let refuses = ScriptedPeer::start(&[
        Step::Send(b"+OK b\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK\r\nUSER\r\n.\r\n"),
        Step::ReadLine,
        Step::Send(b"+OK\r\n"),
        Step::ReadLine,
        Step::Send(b"-ERR [AUTH] no\r\n"),
        Step::Stall,
    ]);
    let port = free_port();
    let _gateway = Gateway::start(&format!(
        "mail {{ limit_auth_zone $remote_user zone=u:32k rate=2r/m;
         server {{ listen 127.0.0.1:{port}; protocol pop3; proxy_pass 127.0.0.1:{}; limit_auth zone=u action=refuse; }} }}",
        refuses.port
    ));
    for _ in 0..2 {
        assert!(POP3.reply(port, "joe", "x").starts_with("-ERR [AUTH]"));
    }
    assert!(
        POP3.reply(port, "joe", "x")
            .starts_with("-ERR [SYS/TEMP] Too many failed logins")
    );
    assert!(POP3.reply(port, "ann", "x").starts_with("-ERR [AUTH]"));
}

/// 50 users behind one address, three of whose phones have stale passwords: nobody is refused.
#[test]
fn stale_passwords_behind_one_address() {
    for protocol in ALL {
        let zone = "limit_auth_zone $remote_addr zone=nat:1m rate=5r/m distinct=on;";
        let fixture = Fixture::start(&protocol, zone, "limit_auth zone=nat action=refuse;");
        for round in 0..3 {
            for user in 0..50 {
                let reply = protocol.reply(fixture.port, &format!("user{user}"), "right");
                assert!(reply.starts_with(protocol.accepted), "{round}: {reply}");
                let phone = user % 3;
                let reply = protocol.reply(fixture.port, &format!("phone{phone}"), "stale");
                assert!(reply.contains("wrong"), "{round}: {reply}");
            }
        }
        // Someone who guesses is.
        let guess = |n: usize| protocol.reply(fixture.port, "user1", &format!("guess{n}"));
        let guesses: Vec<_> = (0..3).map(guess).collect();
        assert!(guesses[1].contains("wrong"), "{guesses:?}");
        assert!(guesses[2].contains("Too many failed logins"), "{guesses:?}");
        let reply = protocol.reply(fixture.port, "user7", "right");
        assert!(reply.starts_with(protocol.accepted), "known: {reply}");
        assert!(!fixture.gateway.log().contains("guess"));
    }
}

/// Many attempts at once do not get past the limit.
#[test]
fn guesses_at_once() {
    let zone = "limit_auth_zone $remote_user zone=u:32k rate=5r/m distinct=on;";
    let fixture = Fixture::start(&IMAP, zone, "limit_auth zone=u action=refuse;");
    let port = fixture.port;
    let guesses: Vec<_> = (0..40)
        .map(|n| std::thread::spawn(move || IMAP.reply(port, "joe", &format!("guess{n}"))))
        .collect();
    let replies: Vec<_> = guesses
        .into_iter()
        .map(|guess| guess.join().expect("a reply"))
        .collect();
    let wrong = replies
        .iter()
        .filter(|reply| reply.contains("wrong"))
        .count();
    assert_eq!((wrong, fixture.auth.asked()), (5, 5), "{replies:?}");
}

#[test]
fn too_many_failures_delay_or_drop() {
    let zone = "limit_auth_zone $remote_user zone=u:32k rate=2r/s;";
    let rules = "limit_auth zone=u burst=1;";
    let fixture = Fixture::start(&SMTP, zone, rules);
    let failed = |count| (0..count).for_each(|_| drop(SMTP.reply(fixture.port, "joe", "wrong")));
    failed(2);
    let begun = Instant::now();
    assert!(SMTP.reply(fixture.port, "joe", "right").starts_with("235"));
    assert!(
        begun.elapsed() >= Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
    fixture
        .gateway
        .wait_for_log("delaying login by zone \"u\", key \"joe\", by=");
    let dropping = fixture
        .block
        .replace(rules, "limit_auth zone=u burst=1 action=drop;");
    fixture.gateway.rewrite(&dropping);
    fixture.gateway.reload();
    failed(2);
    let mut client = SMTP.greeted(fixture.port);
    assert_eq!(SMTP.log_in(&mut client, "joe", "right"), "");
    fixture
        .gateway
        .wait_for_log("limiting logins by zone \"u\", key \"joe\", by=");
}

/// What counts for an address counts for its network in IPv6, and by `limit_prefix`.
#[test]
fn a_network_is_one_client() {
    let zone = "limit_conn_zone $remote_addr zone=net:32k;\nlimit_prefix ipv4=24 ipv6=56;";
    let server = "limit_conn net 1; set_real_ip_from 127.0.0.1;";
    let fixture = Fixture::start(&SMTP, zone, server);
    let port = fixture.port;
    let listen = format!("listen 127.0.0.1:{port};");
    let proxied = format!("listen 127.0.0.1:{port} proxy_protocol;");
    fixture
        .gateway
        .rewrite(&fixture.block.replace(&listen, &proxied));
    fixture.gateway.reload();
    let client = |address: &str| {
        let family = if address.contains(':') {
            "TCP6"
        } else {
            "TCP4"
        };
        let mut client = LineClient::connect(port);
        client.send(format!("PROXY {family} {address} {address} 1 2\r\n").as_bytes());
        let reply = client.read_reply();
        (client, reply.starts_with("220"))
    };
    let cases = [
        ("192.0.2.1", true),
        ("192.0.2.200", false),
        ("192.0.3.1", true),
        ("2001:db8::1", true),
        ("2001:db8:0:ff::2", false),
        ("2001:db8:0:100::1", true),
    ];
    let mut open = Vec::new();
    for (address, expected) in cases {
        let (client, is_greeted) = client(address);
        assert_eq!(is_greeted, expected, "{address}");
        open.push(client);
    }
    fixture.gateway.wait_for_log("key \"2001:db8::\"");
}

/// `--dump-config` shows the zones, the lines that use them and the rules in their order, and can be loaded again.
#[test]
fn the_configuration_is_shown() {
    let folder = support::TempDir::new("dump");
    let run = |mail: &str| {
        support::write_configuration(folder.path(), mail);
        let mut command = support::command(folder.path());
        let output = command.arg("--dump-config").output().expect("its output");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    let port = free_port();
    let server = "auth_http 127.0.0.1:9/; protocol smtp;\nallow 127.0.0.1;\ndeny 127.0.0.0/8;\nallow all;\nlimit_conn a 5;\n";
    let (shown, faults) = run(&format!(
        "mail {{ limit_conn_zone $remote_addr zone=a:1m;\nlimit_auth_zone $remote_addr zone=b:1m rate=5r/m;
         server {{ listen 127.0.0.1:{port};\n{server} }} }}"
    ));
    assert!(shown.contains("limit_conn_zone"), "{shown}{faults}");
    let line = |text: &str| {
        let found = shown
            .lines()
            .position(|line| line.trim_start().starts_with(text));
        found.unwrap_or_else(|| panic!("no {text}: {shown}"))
    };
    let words = |at: usize| {
        let line = shown.lines().nth(at).expect("a line");
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let zone = words(line("limit_conn_zone"));
    assert!(
        zone.contains("zone=a:1m; # mail, ") && zone.contains(", used in "),
        "{zone}"
    );
    assert!(words(line("limit_auth_zone")).ends_with("not used"));
    let rules = line("allow");
    let rules: Vec<_> = (rules..rules + 3).map(words).collect();
    for (rule, start) in rules
        .iter()
        .zip(["allow 127.0.0.1;", "deny 127.0.0.0/8;", "allow all;"])
    {
        assert!(rule.starts_with(start), "{rules:?}");
    }
    let again = folder.path().join("again.conf");
    std::fs::write(&again, &shown).expect("a file");
    let mut command = std::process::Command::new(support::binary().expect("is built"));
    let output = command
        .args(["-t", "-q", "-c"])
        .arg(&again)
        .output()
        .expect("its end");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // A zone that nobody defines.
    let (_, faults) = run(&format!(
        "mail {{ server {{ listen 127.0.0.1:{port};\n{server} limit_session zone=none; }} }}"
    ));
    assert!(
        faults.contains("zero size shared memory zone \"a\""),
        "{faults}"
    );
}
