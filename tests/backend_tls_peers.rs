//! TLS towards real backends: Postfix and Dovecot, from the first byte and by STARTTLS and STLS.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use support::dovecot::{self, Dovecot};
use support::mock::{Act, Mock};
use support::postfix::{PASSWORD, Postfix, RECIPIENT, USER};
use support::tls::{Authority, Wish, pair, s_client};
use support::{Gateway, Smtp, free_port};

const WORDS: [&str; 2] = ["on", "starttls"];

/// A CA and a backend's certificate for 127.0.0.1.
fn certificate() -> (Authority, (PathBuf, PathBuf)) {
    let ca = Authority::new("CA");
    let wish = Wish {
        names: &["127.0.0.1"],
        ..Wish::default()
    };
    let own = ca.sign("backend", wish);
    (ca, own)
}

/// What follows `proxy_ssl` where the backend is the right one, and where it is not.
fn settings(ca: &Authority) -> [String; 2] {
    let trusted = format!(
        "proxy_ssl_verify on; proxy_ssl_trusted_certificate {};",
        ca.certificate().display()
    );
    let wrong = format!("{trusted} proxy_ssl_name other.test;");
    [trusted, wrong]
}

fn postfix(word: &str, (certificate, key): &(PathBuf, PathBuf)) -> Postfix {
    let mut more = format!(
        "smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\nsmtpd_tls_security_level = encrypt\n\
         smtpd_tls_auth_only = yes\nsmtpd_tls_loglevel = 1\nsmtpd_upstream_proxy_protocol = haproxy\n",
        certificate.display(),
        key.display()
    );
    if word == "on" {
        more.push_str("smtpd_tls_wrappermode = yes\n");
    }
    Postfix::start_with(&more)
}

#[test]
fn postfix_takes_mail_through_tls() {
    let (ca, own) = certificate();
    let [right, wrong] = settings(&ca);
    for word in WORDS {
        let postfix = postfix(word, &own);
        let answer = format!(
            "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n\r\n",
            postfix.port
        );
        let auth = Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())]);
        let [judged, vouched, refused] = [(); 3].map(|()| free_port());
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; smtp_auth plain login cram-md5; proxy_ssl {word}; proxy_protocol on;
                server {{ listen 127.0.0.1:{judged}; protocol smtp; proxy_pass 127.0.0.1:{port}; {right} }}
                server {{ listen 127.0.0.1:{vouched}; protocol smtp; auth_http 127.0.0.1:{auth}/; {right}
                          proxy_smtp_auth on; }}
                server {{ listen 127.0.0.1:{refused}; protocol smtp; proxy_pass 127.0.0.1:{port}; {wrong} }} }}",
            port = postfix.port,
            auth = auth.port,
        ));
        for (port, mechanism) in [(judged, "PLAIN"), (judged, "CRAM-MD5"), (vouched, "LOGIN")] {
            let mark = format!("mark-{word}-{port}-{mechanism}");
            let output = Command::new("swaks")
                .args(["--server", "127.0.0.1", "--port", &port.to_string()])
                .args(["--ehlo", "client.test", "--from", USER, "--to", RECIPIENT])
                .args(["--auth", mechanism, "--auth-user", USER])
                .args(["--auth-password", PASSWORD, "--body", &mark])
                .output()
                .expect("swaks");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success(),
                "{said}\n{}\n{}",
                gateway.log(),
                postfix.log()
            );
            postfix.message(&mark);
        }
        let mut client = Smtp::connect(refused);
        client.expect("220");
        client.say(&format!("AUTH PLAIN {}", support::plain(USER, PASSWORD)));
        client.expect("451 4.4.1 ");
        gateway.wait_for_log("upstream SSL certificate does not match \"other.test\"");
        let log = postfix.log();
        assert!(log.contains("TLS connection established from"), "{log}");
        assert!(log.contains(&format!("sasl_username={USER}")), "{log}");
    }
}

/// A client of IMAP or POP3.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
        let mut this = Client(BufReader::new(stream));
        this.hear();
        this
    }

    /// Says a line, and hears the one that begins with `end`.
    fn ask(&mut self, line: &str, end: &str) -> String {
        let said = self.0.get_mut().write_all(format!("{line}\r\n").as_bytes());
        said.expect("to say it");
        loop {
            let heard = self.hear();
            assert!(!heard.is_empty(), "closed after {line}");
            if heard.starts_with(end) {
                return heard;
            }
        }
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line
    }
}

#[test]
fn dovecot_is_read_through_tls() {
    let (ca, own) = certificate();
    let [right, wrong] = settings(&ca);
    let (user, password) = (dovecot::USER, dovecot::PASSWORD);
    for word in WORDS {
        let dovecot = Dovecot::with_tls(&own, word == "on");
        dovecot.deliver("one", "From: a@example.test\r\n\r\nhello\r\n");
        let named = |port: u16| {
            let answer = format!(
                "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {port}\r\n\r\n"
            );
            Mock::new(&[Act::Header, Act::Send(answer.leak().as_bytes())])
        };
        let (imap_auth, pop3_auth) = (named(dovecot.imap), named(dovecot.pop3));
        let ports = [(); 6].map(|()| free_port());
        let mut servers = String::new();
        for (port, protocol, more) in [
            (
                ports[0],
                "imap",
                format!("proxy_pass 127.0.0.1:{}; {right}", dovecot.imap),
            ),
            (
                ports[1],
                "imap",
                format!("auth_http 127.0.0.1:{}/; {right}", imap_auth.port),
            ),
            (
                ports[2],
                "imap",
                format!("proxy_pass 127.0.0.1:{}; {wrong}", dovecot.imap),
            ),
            (
                ports[3],
                "pop3",
                format!("proxy_pass 127.0.0.1:{}; {right}", dovecot.pop3),
            ),
            (
                ports[4],
                "pop3",
                format!("auth_http 127.0.0.1:{}/; {right}", pop3_auth.port),
            ),
            (
                ports[5],
                "pop3",
                format!("proxy_pass 127.0.0.1:{}; {wrong}", dovecot.pop3),
            ),
        ] {
            servers.push_str(&format!(
                "server {{ listen 127.0.0.1:{port}; protocol {protocol}; {more} }}\n"
            ));
        }
        let gateway = Gateway::start(&format!(
            "mail {{ server_name gate.test; imap_auth plain; pop3_auth plain; proxy_ssl {word};\n{servers} }}"
        ));
        for port in &ports[..2] {
            let mut client = Client::connect(*port);
            let reply = client.ask(&format!("a LOGIN {user} \"{password}\""), "a ");
            assert!(
                reply.starts_with("a OK"),
                "{reply}\n{}\n{}",
                gateway.log(),
                dovecot.log()
            );
            let found = client.ask("b SELECT INBOX", "b ");
            assert!(found.starts_with("b OK"), "{found}");
            client.ask("c LOGOUT", "c OK");
        }
        let reply = Client::connect(ports[2]).ask(&format!("a LOGIN {user} \"{password}\""), "a ");
        assert!(reply.starts_with("a NO [UNAVAILABLE]"), "{reply}");
        for port in &ports[3..5] {
            let mut client = Client::connect(*port);
            client.ask(&format!("USER {user}"), "+OK");
            let reply = client.ask(&format!("PASS {password}"), "");
            assert!(
                reply.starts_with("+OK"),
                "{reply}\n{}\n{}",
                gateway.log(),
                dovecot.log()
            );
            let found = client.ask("STAT", "");
            assert!(found.starts_with("+OK 1 "), "{found}");
            client.ask("QUIT", "+OK");
        }
        let mut client = Client::connect(ports[5]);
        client.ask(&format!("USER {user}"), "+OK");
        let reply = client.ask(&format!("PASS {password}"), "");
        assert!(reply.starts_with("-ERR [SYS/TEMP]"), "{reply}");
        let log = gateway.log();
        assert!(log.contains("does not match \"other.test\""), "{log}");
        // What Dovecot offers was learned through TLS.
        support::wait_until("what Dovecot offers", || {
            let mut client = Client::connect(ports[0]);
            client.ask("a CAPABILITY", "* CAPABILITY").contains("IDLE")
        });
        support::wait_until("what Dovecot offers", || {
            let mut client = Client::connect(ports[3]);
            client.ask("CAPA", "+OK");
            let list: Vec<String> = std::iter::from_fn(|| Some(client.hear()))
                .take_while(|line| line != ".\r\n" && !line.is_empty())
                .collect();
            list.contains(&"RESP-CODES\r\n".to_string())
        });
    }
}

/// A certificate is the login all the way: the client shows its own to the gateway, the gateway shows its own to Dovecot and names
/// the client. Nobody ever says a password.
#[test]
fn dovecot_takes_a_login_by_certificate() {
    let (ca, own) = certificate();
    let inner = Authority::new("Inner CA");
    let gate = inner.sign("gate", Wish::default());
    let dovecot = Dovecot::by_certificate(&own, &inner.certificate());
    let outer = Authority::new("Outer CA");
    let front = pair(&outer.sign("own", Wish::default()));
    let holder = outer.sign(dovecot::USER, Wish::default());
    let other = outer.sign("joe", Wish::default());
    let [imap, pop3] = [free_port(), free_port()];
    let [right, _] = settings(&ca);
    let gateway = Gateway::start(&format!(
        "mail {{ server_name gate.test; {front} ssl_client_certificate {clients}; ssl_verify_client optional;
            imap_auth plain external; pop3_auth plain external;
            proxy_ssl on; {right} proxy_ssl_certificate {certificate}; proxy_ssl_certificate_key {key};
            server {{ listen 127.0.0.1:{imap} ssl; protocol imap; proxy_pass 127.0.0.1:{to_imap}; }}
            server {{ listen 127.0.0.1:{pop3} ssl; protocol pop3; proxy_pass 127.0.0.1:{to_pop3}; }} }}",
        clients = outer.certificate().display(),
        certificate = gate.0.display(),
        key = gate.1.display(),
        to_imap = dovecot.imap,
        to_pop3 = dovecot.pop3,
    ));
    let name = base64(dovecot::USER);
    let [holder, other] =
        [&holder, &other].map(|pair| [&pair.0, &pair.1].map(|path| path.display().to_string()));
    let shown = ["-cert", &holder[0], "-key", &holder[1]];
    let wrong = ["-cert", &other[0], "-key", &other[1]];
    let imap_lines = format!("a AUTHENTICATE EXTERNAL {name}\r\nb SELECT INBOX\r\nc LOGOUT\r\n");
    let pop3_lines = format!("AUTH EXTERNAL {name}\r\nSTAT\r\nQUIT\r\n");
    for (port, lines, inside, no) in [
        (imap, &imap_lines, "b OK", "a NO"),
        (pop3, &pop3_lines, "+OK 0 0", "-ERR"),
    ] {
        let said = s_client(port, &shown, lines).out;
        assert!(
            said.contains(inside),
            "{said}\n{}\n{}",
            gateway.log(),
            dovecot.log()
        );
        // Who has shown none, or another's, is not who he says.
        for shown in [&[][..], &wrong] {
            let said = s_client(port, shown, lines).out;
            assert!(said.contains(no) && !said.contains(inside), "{said}");
        }
    }
    assert_eq!(gateway.log().matches("client logged in").count(), 2);
    let log = dovecot.log();
    let login = format!("user=<{}>, method=EXTERNAL", dovecot::USER);
    assert_eq!(log.matches(&login).count(), 2, "{log}");
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}
