//! `smtp_bare_newline`: messages that mail servers read in different ways, through Postfix.

use std::io::Write;
use std::net::TcpStream;

use support::mail_log::{Fields, fields, wait_for_lines};
use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::smtp_gateway::gateway;
use support::{Gateway, LineClient, auth_plain, free_port};

/// What has been taken for the end of a message, and its name in a subject.
const ENDS: &[(&str, &[u8])] = &[
    ("lf-dot-lf", b"\n.\n"),
    ("lf-dot-crlf", b"\n.\r\n"),
    ("crlf-dot-lf", b"\r\n.\n"),
    ("cr-dot-cr", b"\r.\r"),
    ("crlf-dot-cr", b"\r\n.\r"),
    ("cr-dot-crlf", b"\r.\r\n"),
    ("cr-dot-lf", b"\r.\n"),
    ("lf-dot-cr", b"\n.\r"),
    ("crlf-dot-cr-crlf", b"\r\n.\r\r\n"),
    ("nul-dot", b"\r\n\0.\r\n"),
    ("dot-nul", b"\r\n.\0\r\n"),
    ("cr-nul-lf-dot", b"\r\0\n.\r\n"),
];

/// How a client's bytes are cut into packets.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Whole,
    ByByte,
}

/// A gateway with a server for each policy, in front of one Postfix.
struct Setup {
    postfix: Postfix,
    gateway: Gateway,
    /// `pass`, `normalize`, `reject`.
    ports: [u16; 3],
}

impl Setup {
    fn new(more: &str) -> Self {
        let postfix = Postfix::start_with(more);
        let ports = [free_port(), free_port(), free_port()];
        let server = |port, policy| {
            format!(
                "server {{ listen 127.0.0.1:{port}; protocol smtp; mail_log {policy}.log;
                    smtp_bare_newline {policy};
                }}\n"
            )
        };
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; smtp_auth plain; proxy_pass 127.0.0.1:{};\n{}{}{} }}",
            postfix.port,
            server(ports[0], "pass"),
            server(ports[1], "normalize"),
            server(ports[2], "reject"),
        ));
        Self {
            postfix,
            gateway,
            ports,
        }
    }

    fn lines(&self, policy: &str, count: usize) -> Vec<Fields> {
        let file = self.gateway.folder().join(format!("{policy}.log"));
        let lines = wait_for_lines(&file, count);
        lines.iter().map(|line| fields(line)).collect()
    }

    /// Whether a message with this mark has been delivered, of those that came before the last one.
    fn has(&self, mark: &str) -> bool {
        self.postfix.delivered().iter().any(|path| {
            let text = std::fs::read(path).unwrap_or_default();
            text.windows(mark.len()).any(|part| part == mark.as_bytes())
        })
    }
}

/// A client that has logged in and may send content.
fn at_data(port: u16) -> (LineClient, TcpStream) {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    let raw = stream.try_clone().expect("the stream");
    let mut client = LineClient::over(stream);
    client.expect("220");
    let plain = format!("AUTH PLAIN {}", auth_plain(USER, PASSWORD));
    client.converse(&[
        ("EHLO client.test", "250"),
        (&plain, "235"),
        (&format!("MAIL FROM:<{USER}>"), "250"),
        (&format!("RCPT TO:<{RECIPIENT}>"), "250"),
        ("DATA", "354"),
    ]);
    (client, raw)
}

fn send(stream: &mut TcpStream, bytes: &[u8], cut: Cut) {
    match cut {
        Cut::Whole => stream.write_all(bytes).expect("to send"),
        Cut::ByByte => {
            for byte in bytes {
                // A gateway that refuses closes before all is sent.
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
            }
        }
    }
}

/// A message with another one behind what some servers take for its end.
fn message(name: &str, end: &[u8]) -> Vec<u8> {
    let head = format!("Subject: outer {name}\r\n\r\ntext");
    let forged = format!(
        "MAIL FROM:<{USER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\nSubject: forged {name}\r\n\r\nforged\r\n.\r\n"
    );
    [head.as_bytes(), end, forged.as_bytes()].concat()
}

#[test]
fn no_message_is_delivered_out_of_another() {
    // By default, this Postfix takes several of them for the end.
    let mut deceived = 0;
    for more in [
        "smtpd_forbid_bare_newline = no\n",
        "smtpd_forbid_bare_newline = normalize\n",
    ] {
        let setup = Setup::new(more);
        for (name, end) in ENDS {
            for cut in [Cut::Whole, Cut::ByByte] {
                let mark = format!("{name}-{cut:?}");
                let bytes = message(&mark, end);

                let (mut client, mut raw) = at_data(setup.ports[1]);
                send(&mut raw, &bytes, cut);
                client.expect("250 2.0.0");
                // A command inside the message would have a reply.
                client.converse(&[("QUIT", "221")]);
                setup.postfix.message(&format!("Subject: outer {mark}"));

                let (mut client, mut raw) = at_data(setup.ports[2]);
                let rejected = format!("rejected-{mark}");
                send(&mut raw, &message(&rejected, end), cut);
                client.expect("550 5.5.2 ");
                assert_eq!(client.read_reply(), "", "{mark}");
            }
            // The same without a policy, to see that the message is one that deceives.
            let (mut client, mut raw) = at_data(setup.ports[0]);
            send(&mut raw, &message("pass", end), Cut::Whole);
            client.expect("250 2.0.0");
            client.send_line("QUIT");
            deceived += usize::from(client.expect("2").starts_with("250"));
        }
        // What was sent last is delivered last.
        let messages = 2 * ENDS.len();
        let normalized = setup.lines("normalize", 2 * messages);
        let bodies = normalized.iter().filter(|line| line.contains_key("code"));
        assert!(
            bodies.clone().all(|line| line["code"] == "250"),
            "{normalized:?}"
        );
        assert_eq!(bodies.count(), messages);
        let log = setup.postfix.log();
        let queue_ids = normalized.iter().filter_map(|line| line.get("queue_id"));
        for id in queue_ids {
            assert!(log.contains(id.as_str()), "{id}");
        }

        let rejected = setup.lines("reject", 2 * messages);
        for line in &rejected {
            match line.get("code") {
                Some(code) => {
                    assert_eq!(code, "550");
                    assert!(line["reply"].starts_with("5.5.2 "), "{line:?}");
                }
                None => {
                    assert_eq!(line["result"], "login");
                    assert!(line["by"].ends_with("gateway.conf:14"), "{line:?}");
                    assert_eq!(line["ended_by"], "gateway");
                }
            }
        }
        assert!(!setup.has("rejected-"));
        let log = setup.gateway.log();
        let advice = "\"smtp_bare_newline normalize\" would repair it, \"smtp_bare_newline pass\" would allow it";
        assert_eq!(log.matches(advice).count(), messages, "{log}");
        assert!(
            log.contains("[info]") && log.contains("client sent bare LF in a message"),
            "{log}"
        );
        assert!(log.contains("client sent bare LF in a message, passed on as CRLF"));
    }
    assert!(deceived >= 4, "{deceived}");
}

#[test]
fn repaired_lines_arrive() {
    let setup = Setup::new("");
    let (mut client, mut raw) = at_data(setup.ports[1]);
    let sent = b"Subject: repaired\n\nbare LF\nbare CR\rhere\r\nCR CR LF\r\r\n\n.\n..stuffed\r\nend\r\n.\r\n";
    send(&mut raw, sent, Cut::Whole);
    client.expect("250 2.0.0");
    let text = setup.postfix.message("Subject: repaired");
    let text = String::from_utf8_lossy(&text);
    let want = "\n\nbare LF\nbare CR here\nCR CR LF\n\n.\n.stuffed\nend\n";
    assert!(text.ends_with(want), "{text:?}");
}

#[test]
fn chunks_are_refused() {
    let setup = Setup::new("");
    for port in [setup.ports[1], setup.ports[2]] {
        let mut client = LineClient::connect(port);
        client.expect("220");
        let plain = format!("AUTH PLAIN {}", auth_plain(USER, PASSWORD));
        let mail = format!("MAIL FROM:<{USER}>");
        let rcpt = format!("RCPT TO:<{RECIPIENT}>");
        client.converse(&[
            ("EHLO client.test", "250"),
            (&plain, "235"),
            (&mail, "250"),
            (&rcpt, "250"),
            ("BDAT 21 LAST\r\nSubject: whole\r\n\r\na", "250 2.0.0"),
            (&mail, "250"),
            (&rcpt, "250"),
            ("BDAT 23\r\nSubject: chunk\r\n\r\none", "250"),
        ]);
        client.send(b"BDAT 8 LAST\r\na\nb\r\nc\r\n");
        client.expect("550 5.5.2 Bare LF in the message");
        assert_eq!(client.read_reply(), "");
    }
    setup.postfix.message("Subject: whole");
    assert!(!setup.has("Subject: chunk"));
    setup.gateway.wait_for_log("in a BDAT chunk");
}

#[test]
fn a_server_that_reads_no_messages_follows_none() {
    // XCLIENT passes, as in a tunnel that looks at nothing; with a policy the gateway answers.
    for (policy, reply) in [("pass", "503"), ("normalize", "550 5.7.0")] {
        let postfix = Postfix::start_with("smtpd_authorized_xclient_hosts =\n");
        let (_gateway, port) = gateway(&format!(
            "proxy_pass 127.0.0.1:{}; smtp_bare_newline {policy};",
            postfix.port
        ));
        let mut client = LineClient::connect(port);
        client.expect("220");
        let plain = format!("AUTH PLAIN {}", auth_plain(USER, PASSWORD));
        client.converse(&[("EHLO client.test", "250"), (&plain, "235")]);
        let answer = client.ask("XCLIENT ADDR=192.0.2.1");
        let is_own = answer.starts_with("550 5.7.0 Command not permitted");
        assert_eq!(is_own, reply == "550 5.7.0", "{policy}: {answer}");
        // Commands may end in LF.
        client.send(b"NOOP\n");
        client.expect("250");
    }
}
