//! Backends that authenticate clients and offer no usable mechanism: clients are not told of one, and the log says what to set.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use support::scripted::{ScriptedPeer, Step};
use support::tls_backend::{Backend, setup};
use support::{Certificate, Gateway, LineClient, auth_plain, free_port, wait_until};

/// A protocol with a backend that has these capabilities.
struct Case {
    protocol: &'static str,
    more: &'static str,
    capabilities: &'static str,
    /// The request for the gateway's capabilities, and lines that the answer must not have.
    ask: &'static str,
    absent: &'static [&'static str],
    /// The lines of the login, and the last reply.
    login: Vec<String>,
    refusal: &'static str,
    /// The log line after `upstream `.
    logged: &'static str,
}

impl Case {
    fn backend(&self) -> ScriptedPeer {
        let capabilities = Step::Send(self.capabilities.as_bytes());
        let greeting: &[u8] = match self.protocol {
            "smtp" => b"220 b\r\n",
            "imap" => b"* OK b\r\n",
            _ => b"+OK b\r\n",
        };
        ScriptedPeer::start(&[
            Step::Send(greeting),
            Step::ReadLine,
            capabilities,
            Step::Stall,
        ])
    }
}

fn cases() -> Vec<Case> {
    let smtp = || vec![format!("AUTH PLAIN {}", auth_plain("joe", "secret"))];
    let pop3 = || vec!["USER joe".to_owned(), "PASS secret".to_owned()];
    vec![
        Case {
            protocol: "smtp",
            more: "",
            capabilities: "250-b\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
            ask: "EHLO c.test",
            absent: &["AUTH"],
            login: smtp(),
            refusal: "504 5.5.4",
            logged: "does not offer \"PLAIN LOGIN\" before TLS, it offers no authentication, but STARTTLS: \
                     set \"proxy_ssl starttls;\"",
        },
        Case {
            protocol: "smtp",
            more: "smtp_auth plain;",
            capabilities: "250-b\r\n250-8BITMIME\r\n250-AUTH=NTLM\r\n250 AUTH NTLM GSSAPI\r\n",
            ask: "EHLO c.test",
            absent: &["AUTH"],
            login: smtp(),
            refusal: "504 5.5.4",
            logged: "does not offer \"PLAIN LOGIN\" before TLS, it offers \"NTLM GSSAPI\": \
                     enable one of them on the upstream, or set \"smtp_auth\" to what it offers",
        },
        Case {
            protocol: "imap",
            more: "",
            capabilities: "* CAPABILITY IMAP4rev1 IDLE STARTTLS LOGINDISABLED\r\ngw OK\r\n",
            ask: "a CAPABILITY",
            absent: &["AUTH="],
            login: vec!["a LOGIN joe secret".to_owned()],
            refusal: "a NO ",
            logged: "does not offer \"PLAIN LOGIN\" before TLS, it offers no authentication, but STARTTLS: \
                     set \"proxy_ssl starttls;\"",
        },
        Case {
            protocol: "pop3",
            more: "",
            capabilities: "+OK\r\nTOP\r\nSTLS\r\n.\r\n",
            ask: "CAPA",
            absent: &["USER", "SASL"],
            login: pop3(),
            refusal: "-ERR ",
            logged: "does not offer \"PLAIN LOGIN\" before TLS, it offers no authentication, but STLS: \
                     set \"proxy_ssl starttls;\"",
        },
    ]
}

/// The gateway's capabilities; `None` while it does not know the backend's.
fn capabilities(case: &Case, port: u16) -> Option<String> {
    let mut client = LineClient::connect(port);
    client.read_reply();
    let mut reply = client.ask(case.ask);
    if case.protocol == "pop3" {
        while !reply.ends_with("\r\n.\r\n") {
            reply.push_str(&client.read_reply());
        }
    }
    let learned = ["8BITMIME", "IDLE", "TOP"];
    learned
        .iter()
        .any(|word| reply.contains(word))
        .then_some(reply)
}

#[test]
fn mechanism_that_the_backend_lacks_is_not_announced() {
    for case in cases() {
        let backend = case.backend();
        let port = free_port();
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; server {{ listen 127.0.0.1:{port}; protocol {}; {}
                proxy_pass 127.0.0.1:{}; }} }}",
            case.protocol, case.more, backend.port
        ));
        let logged = case.logged;
        let mut reply = None;
        wait_until("the backend's capabilities", || {
            reply = capabilities(&case, port);
            reply.is_some()
        });
        let reply = reply.expect("a reply");
        for word in case.absent {
            assert!(!reply.contains(word), "{word}: {reply}");
        }
        assert_eq!(case.protocol == "imap", reply.contains("LOGINDISABLED"));
        let mut client = LineClient::connect(port);
        client.read_reply();
        let replies = case.login.iter().map(|line| client.ask(line));
        let last = replies.last().expect("a line");
        assert!(last.starts_with(case.refusal), "{last}");
        gateway.wait_for_log(&format!(
            "upstream {logged} while reading response from upstream, client: 127.0.0.1, \
             server: 127.0.0.1:{port}, login: \"joe\", upstream: 127.0.0.1:{}\n",
            backend.port
        ));
        // At start: once, however often the backend is asked.
        let log = gateway.log();
        assert_eq!(
            log.matches("no client can log in: upstream").count(),
            1,
            "{log}"
        );
        assert!(!log.contains("login failed"), "{log}");
    }
}

#[test]
fn what_is_offered_after_tls_counts() {
    let certificate = Certificate::new();
    let backend = Backend::start(setup(&(certificate.chain(), certificate.key()), false));
    let port = free_port();
    // The backend offers CRAM-MD5 before TLS, and PLAIN after it.
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; smtp_auth plain cram-md5; proxy_ssl starttls;
            server {{ listen 127.0.0.1:{port}; protocol smtp; proxy_pass 127.0.0.1:{}; }} }}",
        backend.port
    ));
    let mut reply = String::new();
    wait_until("the backend's capabilities", || {
        let mut client = LineClient::connect(port);
        client.read_reply();
        reply = client.ask("EHLO c.test");
        reply.contains("SECRET")
    });
    assert!(reply.ends_with("250 AUTH PLAIN\r\n"), "{reply}");
    let mut client = LineClient::connect(port);
    client.read_reply();
    assert!(client.ask("AUTH CRAM-MD5").starts_with("504"));
    gateway.wait_for_log(
        "upstream does not offer \"CRAM-MD5\" after TLS, it offers \"PLAIN\": \
         enable one of them on the upstream, or set \"smtp_auth\" to what it offers",
    );
    assert!(!gateway.log().contains("no client can log in"));
}

/// The backend learns of the client's TLS from the header of each connection.
#[test]
fn probe_does_not_decide_with_proxy_protocol_v2() {
    let case = cases().remove(0);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let backend = listener.local_addr().expect("its number");
    let (answer, port) = (case.capabilities, free_port());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut start = [0; 16];
            stream.read_exact(&mut start).expect("a header");
            let mut rest = vec![0; usize::from(u16::from_be_bytes([start[14], start[15]]))];
            stream.read_exact(&mut rest).expect("its rest");
            stream.write_all(b"220 b\r\n").expect("to send");
            let mut reader = BufReader::new(&stream);
            reader.read_line(&mut String::new()).expect("EHLO");
            (&stream).write_all(answer.as_bytes()).expect("to send");
        }
    });
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; proxy_protocol v2;
            server {{ listen 127.0.0.1:{port}; protocol smtp; proxy_pass {backend}; }} }}"
    ));
    let mut reply = None;
    wait_until("the backend's capabilities", || {
        reply = capabilities(&case, port);
        reply.is_some()
    });
    let reply = reply.expect("a reply");
    assert!(reply.ends_with("250 AUTH PLAIN LOGIN\r\n"), "{reply}");
    assert!(!gateway.log().contains("no client can log in"));
}
