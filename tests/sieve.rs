//! ManageSieve (RFC 5804) with real peers: sieve-connect, Net_Sieve, sievelib and a client with every mechanism, in front of Dovecot with
//! Pigeonhole; scripted peers for what it does not do on demand.

use std::fs;
use std::path::{Path, PathBuf};

use support::auth_server::accepted_with;
use support::authority::{Authority, CertificateOptions};
use support::dovecot::PASSWORD;
use support::imap_clients::describe;
use support::scripted::{ScriptedPeer, Step};
use support::sieve::{Pigeonhole, client, net_sieve, sieve_connect, sievelib};
use support::{
    Certificate, Gateway, LineClient, TempDir, auth_plain, free_address, free_port, wait_until,
};

/// How a client connects, in the order of [`Setup::ports`].
const KINDS: [&str; 3] = ["clear", "starttls", "tls"];
const METHODS: &str = "plain login cram-md5 xoauth2 oauthbearer scram-sha-1 scram-sha-256";

/// A gateway in front of Pigeonhole. The port for STARTTLS allows logins only after it, and has `proxy_pass_error_message on`.
struct Setup {
    gateway: Gateway,
    pigeonhole: Pigeonhole,
    _certificate: Certificate,
    ports: [u16; 3],
}

impl Setup {
    /// Pigeonhole decides about logins.
    fn start() -> Self {
        let pigeonhole = Pigeonhole::start();
        let proxy = format!("proxy_pass 127.0.0.1:{};", pigeonhole.port);
        Self::in_front_of(pigeonhole, METHODS, &proxy)
    }

    /// An auth server accepts all logins and provides the password for Pigeonhole.
    fn with_auth_server() -> (Self, ScriptedPeer) {
        let pigeonhole = Pigeonhole::start();
        let password = format!("Auth-Pass: {PASSWORD}\r\n");
        let response = accepted_with("127.0.0.1", pigeonhole.port, &password);
        let auth = ScriptedPeer::auth_server(response);
        let auth_http = format!("auth_http 127.0.0.1:{}/auth;", auth.port);
        let methods = "plain login cram-md5 xoauth2 oauthbearer";
        (Self::in_front_of(pigeonhole, methods, &auth_http), auth)
    }

    fn in_front_of(pigeonhole: Pigeonhole, methods: &str, backend: &str) -> Self {
        let certificate = Certificate::new();
        let ports = [(); 3].map(|()| free_port());
        let [clear, starttls, tls] = ports;
        let gateway = Gateway::start(&format!(
            "mail {{
                server_name gate.test;
                sieve_auth {methods};
                {backend}
                ssl_certificate {cert};
                ssl_certificate_key {key};
                server {{ listen 127.0.0.1:{clear}; protocol sieve; }}
                server {{ listen 127.0.0.1:{starttls}; protocol sieve; starttls only;
                          proxy_pass_error_message on; }}
                server {{ listen 127.0.0.1:{tls} ssl; protocol sieve; }}
            }}",
            cert = certificate.chain().display(),
            key = certificate.key().display(),
        ));
        Self {
            gateway,
            pigeonhole,
            _certificate: certificate,
            ports,
        }
    }

    /// The kinds of connections with their ports.
    fn kinds(&self) -> impl Iterator<Item = (&'static str, u16)> {
        KINDS.into_iter().zip(self.ports)
    }

    /// The logs of the gateway and of Dovecot, for messages.
    fn logs(&self) -> String {
        format!("{}\n{}", self.gateway.log(), self.pigeonhole.dovecot.log())
    }

    /// Checks that a client can log in, and see the backend's capabilities.
    fn check_login(&self, kind: &str, port: u16, mechanism: &str) {
        let output = client(kind, port, PASSWORD, mechanism, None);
        let text = describe(&output);
        assert!(
            output.status.success() && text.contains("inside"),
            "{kind} {mechanism}: {text}\n{}",
            self.logs()
        );
        assert!(text.contains("\"MAXREDIRECTS\""), "{text}");
    }
}

/// A script with so many rules, and with lines that look like commands and strings.
fn script(folder: &TempDir, rules: usize) -> PathBuf {
    let path = folder.path().join(format!("{rules} rules"));
    let mut text = "require \"fileinto\";\r\n# OK \"x\" {9+}\r\n# BYE\r\n".to_owned();
    for number in 0..rules {
        text.push_str(&format!(
            "if header :is \"x-a\" \"\u{e9}{number}\\\\\\\"{{5}}\" {{ fileinto \"f{number}\"; }}\r\n"
        ));
    }
    fs::write(&path, text).expect("a script");
    path
}

#[test]
fn every_mechanism_on_every_port() {
    let setup = Setup::start();
    let mechanisms = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    for (at, mechanism) in mechanisms.into_iter().enumerate() {
        // Each mechanism in each form, and on each port.
        let forms = ["", "again-", "literal-"].iter().cycle().skip(at);
        for ((kind, port), form) in setup.kinds().zip(forms) {
            setup.check_login(kind, port, &format!("{form}{mechanism}"));
        }
    }
    let log = setup.gateway.log();
    assert_eq!(log.matches("client logged in").count(), 15, "{log}");
    assert_eq!(log.matches("client login failed").count(), 5, "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn backend_checks_tokens() {
    let setup = Setup::start();
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        for (kind, port) in setup.kinds() {
            setup.check_login(kind, port, mechanism);
            let output = client(kind, port, "wrong", mechanism, None);
            let text = describe(&output);
            assert_eq!(output.status.code(), Some(1), "{text}\n{}", setup.logs());
            assert!(text.contains("NO \"Authentication failed"), "{text}");
        }
    }
}

#[test]
fn backend_refuses_wrong_passwords() {
    let setup = Setup::start();
    let [clear, starttls, _] = setup.ports;
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"] {
        // With proxy_pass_error_message the backend's own text, which ends in a dot.
        for (kind, port, want) in [
            ("clear", clear, "NO \"Authentication failed\""),
            ("starttls", starttls, "NO \"Authentication failed.\""),
        ] {
            let output = client(kind, port, "wrong", mechanism, None);
            let text = describe(&output);
            assert_eq!(output.status.code(), Some(1), "{text}\n{}", setup.logs());
            assert!(text.contains(want), "{text}");
        }
    }
}

#[test]
fn every_mechanism_with_an_auth_server() {
    let (setup, auth) = Setup::with_auth_server();
    for (mechanism, method) in [
        ("PLAIN", "plain"),
        ("LOGIN", "plain"),
        ("literal-PLAIN", "plain"),
        ("CRAM-MD5", "cram-md5"),
        ("XOAUTH2", "xoauth2"),
        ("OAUTHBEARER", "oauthbearer"),
    ] {
        for (kind, port) in setup.kinds() {
            setup.check_login(kind, port, mechanism);
            let request = auth.received();
            for line in [
                &*format!("Auth-Method: {method}\r\n"),
                "Auth-Protocol: sieve\r\n",
                "Auth-User: alice@example.test\r\n",
                "Auth-Login-Attempt: 1\r\n",
            ] {
                assert!(request.contains(line), "{line}: {request}");
            }
        }
    }
}

/// Uploads, activates, lists, fetches and deletes a script with sieve-connect, which uses one connection for each.
fn check_sieve_connect(setup: &Setup, kind: &str, port: u16, file: &Path) {
    let fetched = file.with_extension("fetched");
    let [local, remote] = [file, &fetched].map(|path| path.to_str().expect("a name"));
    let name = ["--remotesieve", "a script"];
    let run = |arguments: &[&str]| {
        let output = sieve_connect(kind, port, arguments);
        let text = describe(&output);
        assert!(
            output.status.success(),
            "{arguments:?}: {text}\n{}",
            setup.logs()
        );
        text
    };
    run(&[&["--upload", "--localsieve", local], &name[..]].concat());
    run(&[&["--activate"], &name[..]].concat());
    assert!(run(&["--list"]).contains("\"a script\" ACTIVE"));
    run(&[&["--download", "--localsieve", remote], &name[..]].concat());
    let read = |path| fs::read(path).expect("a script");
    assert!(read(file) == read(&*fetched), "another script");
    run(&["--deactivate"]);
    run(&[&["--delete"], &name[..]].concat());
    assert!(!run(&["--list"]).contains("script"));
}

#[test]
fn real_clients_manage_their_scripts() {
    let folder = TempDir::new("scripts");
    // Larger than all buffers. sievelib reads a script in one packet only.
    let [short, file] = [3, 5000].map(|rules| script(&folder, rules));
    let (with_auth_server, _auth) = Setup::with_auth_server();
    for setup in [Setup::start(), with_auth_server] {
        for (kind, port) in setup.kinds() {
            let mut outputs = vec![
                client(kind, port, PASSWORD, "PLAIN", Some(&file)),
                net_sieve(kind, port, PASSWORD, "PLAIN", &file),
                net_sieve(kind, port, PASSWORD, "LOGIN", &file),
            ];
            if kind != "tls" {
                // They know STARTTLS only.
                check_sieve_connect(&setup, kind, port, &file);
                outputs.push(sievelib(kind, port, PASSWORD, "PLAIN", &short));
                outputs.push(sievelib(kind, port, PASSWORD, "LOGIN", &short));
            }
            for output in outputs {
                let text = describe(&output);
                assert!(
                    output.status.success() && text.contains("a script"),
                    "{kind} {text}\n{}",
                    setup.logs()
                );
            }
        }
    }
}

/// Reads the capabilities and the response after them.
fn capabilities(client: &mut LineClient) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let line = client.read_reply();
        let is_last = !line.starts_with(['"', '{']);
        lines.push(line.trim_end().to_owned());
        if is_last {
            return lines;
        }
    }
}

#[test]
fn capabilities_of_the_backend_are_announced() {
    let setup = Setup::start();
    let [clear, starttls, _] = setup.ports;
    let mut lines = Vec::new();
    wait_until("the backend's capabilities", || {
        lines = capabilities(&mut LineClient::connect(clear));
        lines.iter().any(|line| line.contains("Pigeonhole"))
    });
    let begins = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    for name in ["IMPLEMENTATION", "SIEVE", "NOTIFY", "VERSION", "SASL"] {
        assert_eq!(begins(&format!("\"{name}\" ")), 1, "{name}: {lines:?}");
    }
    assert!(lines.iter().any(|line| line.contains(" vacation ")));
    assert_eq!(begins("\"STARTTLS\""), 0, "{lines:?}");
    let sasl = "\"SASL\" \"PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER SCRAM-SHA-1 SCRAM-SHA-256\"";
    let end = lines.len() - 2;
    assert_eq!(lines[end..], [sasl, "OK \"ManageSieve ready\""]);
    let clear = lines;
    let lines = capabilities(&mut LineClient::connect(starttls));
    assert_eq!(lines[..end], clear[..end]);
    let end = lines.len() - 3;
    assert_eq!(
        lines[end..],
        ["\"SASL\" \"\"", "\"STARTTLS\"", "OK \"ManageSieve ready\""]
    );
}

/// The gateway uses STARTTLS towards the backend, which accepts no login without it. Clients see the capabilities inside TLS.
#[test]
fn the_backend_requires_tls() {
    let ca = Authority::new("CA");
    let own = ca.sign(
        "backend",
        CertificateOptions {
            names: &["127.0.0.1"],
            ..CertificateOptions::default()
        },
    );
    let pigeonhole = Pigeonhole::with_tls(&own);
    let trusted = format!(
        "proxy_ssl starttls; proxy_ssl_verify on; proxy_ssl_trusted_certificate {};",
        ca.certificate().display()
    );
    let auth = ScriptedPeer::auth_server(accepted_with("127.0.0.1", pigeonhole.port, ""));
    let [direct, with_auth, wrong] = [(); 3].map(|()| free_port());
    let server =
        |port, more: &str| format!("server {{ listen 127.0.0.1:{port}; protocol sieve; {more} }}");
    let proxy = format!("proxy_pass 127.0.0.1:{};", pigeonhole.port);
    let gateway = Gateway::start(&format!(
        "mail {{ sieve_auth {METHODS}; {trusted} {} {} {} }}",
        server(direct, &proxy),
        server(
            with_auth,
            &format!("sieve_auth plain; auth_http 127.0.0.1:{}/;", auth.port)
        ),
        server(wrong, &format!("{proxy} proxy_ssl_name other.test;")),
    ));
    for mechanism in ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"] {
        let output = client("clear", direct, PASSWORD, mechanism, None);
        let text = describe(&output);
        assert!(output.status.success(), "{text}\n{}", gateway.log());
    }
    let output = client("clear", with_auth, PASSWORD, "PLAIN", None);
    let text = describe(&output);
    assert!(output.status.success(), "{text}\n{}", gateway.log());
    let text = describe(&client("clear", wrong, PASSWORD, "PLAIN", None));
    assert!(text.contains("NO (TRYLATER)"), "{text}");
    gateway.wait_for_log("upstream SSL certificate does not match \"other.test\"");
    let log = pigeonhole.dovecot.log();
    let inside = |line: &&str| line.contains("Login: user=") && line.contains(", TLS,");
    assert_eq!(log.lines().filter(inside).count(), 4, "{log}");
}

const GREETING: &str = "\"SASL\" \"PLAIN\"\r\nOK \"ready\"\r\n";
const REFERRAL: &str = "BYE (REFERRAL \"sieve://other.test\") \"Try there\"\r\n";

/// A backend that refers its clients to another server, in its greeting or after AUTHENTICATE: a client that follows would pass by the
/// gateway.
#[test]
fn referrals_are_refused() {
    let at_once = [Step::send(REFERRAL)];
    let later = [Step::send(GREETING), Step::ReadLine, Step::send(REFERRAL)];
    for steps in [&at_once[..], &later] {
        let backend = ScriptedPeer::start(steps);
        let auth = ScriptedPeer::auth_server(accepted_with("127.0.0.1", backend.port, ""));
        let [direct, with_auth] = [(); 2].map(|()| free_port());
        let gateway = Gateway::start(&format!(
            "mail {{ proxy_pass_error_message on; sieve_capabilities SIEVE fileinto;
                server {{ listen 127.0.0.1:{direct}; protocol sieve; proxy_pass 127.0.0.1:{}; }}
                server {{ listen 127.0.0.1:{with_auth}; protocol sieve; auth_http 127.0.0.1:{}/; }} }}",
            backend.port, auth.port
        ));
        for port in [direct, with_auth] {
            let mut client = LineClient::connect(port);
            capabilities(&mut client);
            let login = auth_plain("joe", "secret");
            let reply = client.ask(&format!("AUTHENTICATE \"PLAIN\" \"{login}\""));
            assert!(
                ["NO (TRYLATER) ", "BYE (TRYLATER) "]
                    .iter()
                    .any(|start| reply.starts_with(start)),
                "{reply}\n{}",
                gateway.log()
            );
            assert!(
                !reply.contains("REFERRAL") && !reply.contains("other"),
                "{reply}"
            );
        }
        let log = gateway.log();
        assert_eq!(log.matches("REFERRAL").count(), 2, "{log}");
        assert!(!log.contains("client logged in"), "{log}");
    }
}

/// Neither `listen` nor `proxy_pass` of a server on port 4190 needs more.
#[test]
fn the_port_stands_for_the_protocol() {
    let [own, backend] = [(); 2].map(|()| free_address());
    let peer = ScriptedPeer::start_at(
        (backend.as_str(), 4190),
        &[
            Step::send(GREETING),
            Step::ReadLine,
            Step::send("OK \"in\"\r\n"),
            Step::Stall,
        ],
    );
    let _gateway = Gateway::start(&format!(
        "mail {{ server {{ listen {own}:4190; proxy_pass {backend}; sieve_capabilities SIEVE x; }} }}"
    ));
    let stream = std::net::TcpStream::connect((own.as_str(), 4190)).expect("to connect");
    let mut client = LineClient::over(stream);
    let lines = capabilities(&mut client);
    assert_eq!(lines[0], "\"SIEVE\" \"x\"");
    let login = format!("AUTHENTICATE \"PLAIN\" \"{}\"", auth_plain("joe", "secret"));
    assert_eq!(client.ask(&login), "OK \"in\"\r\n");
    assert_eq!(peer.received(), login);
}

#[test]
fn how_sessions_end() {
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{ proxy_pass 127.0.0.1:{}; sieve_capabilities SIEVE x; timeout 2s;
            server {{ listen 127.0.0.1:{port}; protocol sieve; }} }}",
        free_port()
    ));
    let connect = || {
        let mut client = LineClient::connect(port);
        capabilities(&mut client);
        client
    };
    let mut waiting = connect();
    let mut client = connect();
    let login = format!("AUTHENTICATE \"PLAIN\" \"{}\"", auth_plain("joe", "secret"));
    client.converse(&[
        ("NOOP", "OK \"NOOP completed\""),
        (
            &login,
            "NO (TRYLATER) \"Mail server temporarily unavailable",
        ),
        ("LISTSCRIPTS", "NO \"Authentication required\""),
        ("LOGOUT", "OK \"Logout completed\""),
    ]);
    assert_eq!(client.read_to_end(), "");
    // QUIT belongs to other protocols.
    let mut client = connect();
    assert_eq!(client.ask("QUIT"), "NO \"invalid command\"\r\n");
    client.shutdown_write();
    assert_eq!(client.read_to_end(), "");
    assert_eq!(waiting.read_to_end(), "BYE \"timeout\"\r\n");
    gateway.wait_for_log("client timed out");
}

/// The most that a client can send before its login is bounded; after it, nothing is.
#[test]
fn long_commands() {
    let setup = Setup::start();
    let [clear, ..] = setup.ports;
    let connect = || {
        let mut client = LineClient::connect(clear);
        capabilities(&mut client);
        client
    };
    for command in [
        "x".repeat(5000),
        format!("NOOP \"{}\"", "x".repeat(5000)),
        format!("PUTSCRIPT \"a\" {{5000+}}\r\n{}", "x".repeat(5000)),
        "PUTSCRIPT \"a\" {99999999999999999999+}".to_owned(),
        "NOOP {3}".to_owned(),
    ] {
        let mut client = connect();
        client.send_line(&command);
        let reply = client.read_to_end();
        assert_eq!(reply, "BYE \"invalid command\"\r\n", "{command:.40}");
    }
    let mut client = connect();
    let login = auth_plain("alice@example.test", PASSWORD);
    // Pipelined, with a script that is larger than all buffers.
    let script = format!("# {}\r\nkeep;\r\n", "x".repeat(300_000));
    client.send(
        format!(
            "AUTHENTICATE \"PLAIN\" \"{login}\"\r\nPUTSCRIPT \"a\" {{{}+}}\r\n{script}\r\nGETSCRIPT \"a\"\r\nLOGOUT\r\n",
            script.len()
        )
        .as_bytes(),
    );
    let rest = client.read_to_end();
    let want = format!(
        "OK \"Logged in.\"\r\nOK \"PUTSCRIPT completed.\"\r\n{{{}}}\r\n{script}\r\nOK \"Getscript completed.\"\r\nOK \"Logout completed.\"\r\n",
        script.len()
    );
    assert!(rest == want, "{:.300}\n{}", rest, setup.logs());
}
