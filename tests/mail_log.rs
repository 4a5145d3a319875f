//! `mail_log`: the line of a session, for every result and every directive that can end a session.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use support::auth_server::{REFUSED, accepted, accepted_with};
use support::authority::s_client;
use support::mail_log::{Fields, fields, wait_for_lines};
use support::scripted::{ScriptedPeer, Step};
use support::{Certificate, Gateway, LineClient, auth_plain, free_port};

/// One server, a client, and what the session's line must say.
struct Case {
    name: &'static str,
    protocol: &'static str,
    /// Options of `listen`.
    listen: &'static str,
    /// Lines of the server.
    lines: String,
    act: fn(u16),
    result: &'static str,
    /// The directive that `by` points at, or `default`; empty: no directive decided.
    by: &'static str,
    ended_by: &'static str,
    /// A part of the reason.
    reason: &'static str,
}

fn ask(port: u16, lines: &[&str]) -> LineClient {
    let mut client = LineClient::connect(port);
    client.read_reply();
    for line in lines {
        client.ask(line);
    }
    client
}

fn plain() -> String {
    format!("AUTH PLAIN {}", auth_plain("joe", "secret-pw"))
}

/// Sends lines and reads to the end.
fn to_the_end(port: u16, lines: &[&str]) {
    let mut client = ask(port, lines);
    client.read_to_end();
}

fn smtp_login_and_quit(port: u16) {
    to_the_end(port, &["EHLO c.test", &plain(), "QUIT"]);
}

fn imap_login_and_logout(port: u16) {
    to_the_end(port, &["a LOGIN joe secret-pw", "b LOGOUT"]);
}

/// A backend that refuses the login with this reply.
fn refusing(replies: &[&'static [u8]]) -> u16 {
    let mut script = Vec::new();
    for (n, reply) in replies.iter().enumerate() {
        if n > 0 {
            script.push(Step::ReadLine);
        }
        script.push(Step::Send(reply));
    }
    script.push(Step::Stall);
    ScriptedPeer::start(&script).port
}

fn cases(certificate: &Certificate) -> Vec<Case> {
    let no_one = free_port();
    let auth = |response: String| {
        format!(
            "auth_http 127.0.0.1:{}/;",
            ScriptedPeer::auth_server(response).port
        )
    };
    let denies = || auth(REFUSED.into());
    let waits =
        || auth("HTTP/1.0 200 OK\r\nAuth-Status: wrong password\r\nAuth-Wait: 1\r\n\r\n".into());
    let smtp = refusing(&[
        b"220 b\r\n",
        b"250-b\r\n250 AUTH PLAIN\r\n",
        b"535 5.7.8 no: secret-pw\r\n",
    ]);
    let temporary = refusing(&[
        b"220 b\r\n",
        b"250-b\r\n250 AUTH PLAIN\r\n",
        b"454 4.7.0 later\r\n",
    ]);
    let imap = refusing(&[
        b"* OK b\r\n",
        b"+ go\r\n",
        b"+ go\r\n",
        b"a NO wrong password\r\n",
    ]);
    let busy = refusing(&[
        b"* OK b\r\n",
        b"+ go\r\n",
        b"+ go\r\n",
        b"a NO [UNAVAILABLE] later\r\n",
    ]);
    let lets_in = ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250 b\r\n"),
        Step::ReadLine,
        Step::Send(b"221 bye\r\n"),
    ]);
    let idles = ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250 b\r\n"),
        Step::Stall,
    ]);
    let accepts = |port| format!("{}\nxclient off;", auth(accepted(port)));
    let stalls = || ScriptedPeer::start(&[Step::Stall]).port;
    let long = refusing(&[b"220 a greeting of this many bytes is longer than the buffer that the server has for it\r\n"]);
    let clear = refusing(&[b"220 b\r\n", b"250-b\r\n250 AUTH PLAIN\r\n"]);
    let tls = format!(
        "ssl_certificate {};\nssl_certificate_key {};",
        certificate.chain().display(),
        certificate.key().display()
    );
    let case = |name, lines: String, act, result, by, ended_by, reason| Case {
        name,
        protocol: "smtp",
        listen: "",
        lines,
        act,
        result,
        by,
        ended_by,
        reason,
    };
    let imap_case = |case: Case| Case {
        protocol: "imap",
        ..case
    };
    let pop3_case = |case: Case| Case {
        protocol: "pop3",
        ..case
    };
    let listen = |listen, case: Case| Case { listen, ..case };
    let starttls = || format!("{}\n{tls}\nstarttls only;", denies());
    vec![
        case(
            "in",
            accepts(lets_in.port),
            smtp_login_and_quit,
            "login",
            "",
            "backend",
            "",
        ),
        case(
            "idle",
            format!("{}\nproxy_timeout 200ms;", accepts(idles.port)),
            |port| to_the_end(port, &["EHLO c.test", &plain()]),
            "login",
            "proxy_timeout",
            "gateway",
            "client timed out",
        ),
        case(
            "denied",
            denies(),
            smtp_login_and_quit,
            "login-failed",
            "",
            "gateway",
            "no",
        ),
        case(
            "denied_again",
            waits(),
            smtp_login_and_quit,
            "login-failed",
            "",
            "client",
            "wrong password",
        ),
        imap_case(case(
            "refused_by_imap",
            accepts(imap),
            imap_login_and_logout,
            "login-failed",
            "",
            "gateway",
            "NO wrong password",
        )),
        imap_case(case(
            "busy",
            accepts(busy),
            imap_login_and_logout,
            "backend-unavailable",
            "",
            "gateway",
            "later",
        )),
        case(
            "refused_by_smtp",
            format!("proxy_pass 127.0.0.1:{smtp};"),
            smtp_login_and_quit,
            "login-failed",
            "",
            "client",
            "535 5.7.8 no: ***",
        ),
        case(
            "temporary",
            format!("proxy_pass 127.0.0.1:{temporary};"),
            smtp_login_and_quit,
            "backend-unavailable",
            "",
            "client",
            "454 4.7.0 later",
        ),
        case(
            "down",
            format!("proxy_pass 127.0.0.1:{no_one};"),
            smtp_login_and_quit,
            "backend-unavailable",
            "",
            "client",
            "no address of upstream",
        ),
        case(
            "down_after_auth",
            accepts(no_one),
            smtp_login_and_quit,
            "backend-unavailable",
            "",
            "gateway",
            "no address of upstream",
        ),
        case(
            "no_name",
            auth(accepted_with("nowhere.invalid", 25, "")),
            smtp_login_and_quit,
            "backend-unavailable",
            "",
            "gateway",
            "could not be resolved",
        ),
        case(
            "no_auth",
            format!("auth_http 127.0.0.1:{no_one}/;"),
            smtp_login_and_quit,
            "auth-unavailable",
            "",
            "gateway",
            "auth http server",
        ),
        case(
            "slow_auth",
            format!(
                "auth_http 127.0.0.1:{}/;\nauth_http_timeout 200ms;",
                stalls()
            ),
            smtp_login_and_quit,
            "auth-unavailable",
            "auth_http_timeout",
            "gateway",
            "timed out",
        ),
        case(
            "slow_tls",
            format!(
                "proxy_pass 127.0.0.1:{};\nproxy_ssl on;\nproxy_connect_timeout 200ms;",
                stalls()
            ),
            smtp_login_and_quit,
            "backend-unavailable",
            "proxy_connect_timeout",
            "client",
            "upstream timed out",
        ),
        imap_case(case(
            "slow_tls_after_auth",
            format!(
                "{}\nproxy_ssl on;\nproxy_connect_timeout 200ms;",
                accepts(stalls())
            ),
            imap_login_and_logout,
            "backend-unavailable",
            "proxy_connect_timeout",
            "gateway",
            "upstream timed out",
        )),
        case(
            "slow_backend",
            format!("{}\ntimeout 400ms;", accepts(stalls())),
            smtp_login_and_quit,
            "backend-unavailable",
            "timeout",
            "gateway",
            "upstream timed out",
        ),
        pop3_case(case(
            "slow_backend_pop3",
            format!("proxy_pass 127.0.0.1:{};\ntimeout 400ms;", stalls()),
            |port| to_the_end(port, &["USER joe", "PASS secret-pw", "QUIT"]),
            "backend-unavailable",
            "timeout",
            "client",
            "upstream timed out",
        )),
        case(
            "long_reply",
            format!("{}\nproxy_buffer 64;", accepts(long)),
            smtp_login_and_quit,
            "backend-unavailable",
            "proxy_buffer",
            "gateway",
            "too long response line",
        ),
        case(
            "long_reply_default",
            accepts(ScriptedPeer::start(&[Step::Flood(b'x')]).port),
            smtp_login_and_quit,
            "backend-unavailable",
            "default",
            "gateway",
            "too long response line",
        ),
        case(
            "no_starttls",
            format!("proxy_pass 127.0.0.1:{clear};\nproxy_ssl starttls;"),
            smtp_login_and_quit,
            "backend-unavailable",
            "proxy_ssl",
            "client",
            "does not offer STARTTLS",
        ),
        case(
            "quits",
            denies(),
            |port| to_the_end(port, &["EHLO c.test", "QUIT"]),
            "no-login",
            "",
            "client",
            "",
        ),
        case(
            "closes",
            denies(),
            |port| drop(ask(port, &[])),
            "no-login",
            "",
            "client",
            "",
        ),
        case(
            "early",
            format!("{}\nsmtp_greeting_delay 20s;", denies()),
            |port| {
                let mut client = LineClient::connect(port);
                client.send_line("EHLO c.test");
                client.read_to_end();
            },
            "refused",
            "smtp_greeting_delay",
            "gateway",
            "before greeting",
        ),
        case(
            "tls_first",
            format!("{}\nsmtp_auth plain none;", starttls()),
            |port| to_the_end(port, &["EHLO c.test", "MAIL FROM:<a@b>", "QUIT"]),
            "refused",
            "starttls",
            "client",
            "before STARTTLS",
        ),
        case(
            "auth_in_clear",
            starttls(),
            smtp_login_and_quit,
            "refused",
            "starttls",
            "client",
            "before STARTTLS",
        ),
        imap_case(case(
            "imap_in_clear",
            starttls(),
            imap_login_and_logout,
            "refused",
            "starttls",
            "client",
            "before STARTTLS",
        )),
        pop3_case(case(
            "pop3_in_clear",
            starttls(),
            |port| to_the_end(port, &["USER joe", "QUIT"]),
            "refused",
            "starttls",
            "client",
            "before STARTTLS",
        )),
        case(
            "no_login_allowed",
            format!("{}\nsmtp_auth plain;", denies()),
            |port| to_the_end(port, &["EHLO c.test", "MAIL FROM:<a@b>", "QUIT"]),
            "refused",
            "smtp_auth",
            "client",
            "mail without a login",
        ),
        case(
            "default",
            denies(),
            |port| to_the_end(port, &["EHLO c.test", "MAIL FROM:<a@b>", "QUIT"]),
            "refused",
            "default",
            "client",
            "mail without a login",
        ),
        listen(
            "ssl",
            case(
                "no_certificate",
                format!(
                    "{}\n{tls}\nssl_client_certificate {};\nssl_verify_client on;",
                    denies(),
                    certificate.chain().display()
                ),
                |port| {
                    s_client(port, &[], "EHLO c.test\r\n");
                },
                "refused",
                "ssl_verify_client",
                "gateway",
                "no required SSL certificate",
            ),
        ),
        case(
            "commands",
            format!("{}\nmax_commands 3;", denies()),
            |port| to_the_end(port, &["NOOP", "NOOP", "NOOP", "NOOP"]),
            "limited",
            "max_commands",
            "gateway",
            "too many commands",
        ),
        case(
            "errors",
            format!("{}\nmax_errors 2;", denies()),
            |port| to_the_end(port, &["FOO BAR", "FOO BAR"]),
            "limited",
            "max_errors",
            "gateway",
            "too many invalid commands",
        ),
        case(
            "wrong_passwords",
            format!(
                "proxy_pass 127.0.0.1:{};\nmax_errors 2;",
                refusing(&[
                    b"220 b\r\n",
                    b"250-b\r\n250 AUTH PLAIN\r\n",
                    b"535 5.7.8 no\r\n",
                    b"535 5.7.8 never\r\n",
                ])
            ),
            |port| to_the_end(port, &["EHLO c.test", &plain(), &plain()]),
            "limited",
            "max_errors",
            "gateway",
            "; login failed: 535 5.7.8 never",
        ),
        case(
            "slow",
            format!("{}\ntimeout 200ms;", denies()),
            |port| to_the_end(port, &[]),
            "timeout",
            "timeout",
            "gateway",
            "client timed out",
        ),
        listen(
            "ssl",
            case(
                "no_tls",
                format!("{}\n{tls}", denies()),
                |port| {
                    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
                    client.write_all(b"EHLO c.test\r\n").expect("to send");
                    let _ = client.read_to_end(&mut Vec::new());
                },
                "tls-failed",
                "",
                "gateway",
                "",
            ),
        ),
        listen(
            "ssl",
            case(
                "left_tls",
                format!("{}\n{tls}", denies()),
                |port| drop(TcpStream::connect(("127.0.0.1", port))),
                "tls-failed",
                "",
                "client",
                "peer closed connection",
            ),
        ),
        listen(
            "proxy_protocol",
            case(
                "no_header",
                denies(),
                |port| {
                    let mut client = LineClient::connect(port);
                    client.send_line("EHLO c.test");
                    client.read_to_end();
                },
                "protocol-error",
                "",
                "gateway",
                "broken header",
            ),
        ),
        case(
            "http",
            denies(),
            |port| to_the_end(port, &["GET / HTTP/1.0"]),
            "protocol-error",
            "",
            "gateway",
            "another protocol",
        ),
        case(
            "long",
            format!("{}\nsmtp_client_buffer 256;", denies()),
            |port| to_the_end(port, &[&"x".repeat(300)]),
            "protocol-error",
            "smtp_client_buffer",
            "gateway",
            "too long command",
        ),
        imap_case(case(
            "imap_long",
            format!("{}\nimap_client_buffer 256;", denies()),
            |port| to_the_end(port, &[&"x".repeat(300)]),
            "protocol-error",
            "imap_client_buffer",
            "gateway",
            "too long command",
        )),
        pop3_case(case(
            "pop3_long",
            format!("{}\npop3_client_buffer 256;", denies()),
            |port| to_the_end(port, &[&"x".repeat(300)]),
            "protocol-error",
            "pop3_client_buffer",
            "gateway",
            "too long command",
        )),
    ]
}

/// The line of the only session in a log.
fn session(gateway: &Gateway, name: &str) -> Fields {
    let file = gateway.folder().join(format!("session-{name}.log"));
    let mut lines = wait_for_lines(&file, 1);
    assert_eq!(lines.len(), 1, "{lines:?}");
    fields(&lines.remove(0))
}

/// Checks that `by` is the line of this directive in the configuration.
fn check_by(gateway: &Gateway, case: &str, by: Option<&str>, directive: &str) {
    let Some(by) = by else {
        assert_eq!(directive, "", "{case}: no directive");
        return;
    };
    if directive == "default" {
        assert_eq!(by, "default", "{case}");
        return;
    }
    let (file, line) = by.rsplit_once(':').expect("file:line");
    assert!(Path::new(file).ends_with("gateway.conf"), "{case}: {by}");
    let text = std::fs::read_to_string(gateway.folder().join("gateway.conf")).expect("the file");
    let line: usize = line.parse().expect("a number");
    let line = text.lines().nth(line - 1).expect("the line").trim();
    assert_eq!(line.split(' ').next(), Some(directive), "{case}: {line}");
}

#[test]
fn each_result_and_each_directive() {
    let certificate = Certificate::new();
    let cases = cases(&certificate);
    let ports: Vec<_> = cases.iter().map(|_| free_port()).collect();
    let servers: String = cases
        .iter()
        .zip(&ports)
        .map(|(case, port)| {
            let Case { name, protocol, listen, lines, .. } = case;
            format!(
                "server {{\nlisten 127.0.0.1:{port} {listen};\nprotocol {protocol};\nmail_log session-{name}.log;\n{lines}\n}}\n"
            )
        })
        .collect();
    let gateway = Gateway::start(&format!("mail {{\nserver_name gate.test;\n{servers}}}"));
    for (case, port) in cases.iter().zip(&ports) {
        (case.act)(*port);
        let name = case.name;
        let line = session(&gateway, name);
        assert_eq!(line["result"], case.result, "{name}: {line:?}");
        check_by(&gateway, name, line.get("by").map(String::as_str), case.by);
        assert_eq!(line["ended_by"], case.ended_by, "{name}: {line:?}");
        let reason = line.get("reason").map_or("", String::as_str);
        assert!(reason.contains(case.reason), "{name}: {line:?}");
        assert_eq!(line["protocol"], case.protocol, "{name}");
        assert_eq!(line["server"], format!("127.0.0.1:{port}"), "{name}");
        assert!(line["client"].starts_with("127.0.0.1:"), "{name}");
        assert!(
            !format!("{line:?}").contains("secret-pw"),
            "{name}: {line:?}"
        );
    }
    let all = [
        "login",
        "login-failed",
        "no-login",
        "refused",
        "limited",
        "timeout",
        "backend-unavailable",
        "auth-unavailable",
        "tls-failed",
        "protocol-error",
    ];
    for result in all {
        let mut results = cases.iter().map(|case| case.result);
        assert!(results.any(|own| own == result), "{result}");
    }
}

#[test]
fn a_shutdown_names_its_timeout() {
    let backend = ScriptedPeer::start(&[
        Step::Send(b"220 b\r\n"),
        Step::ReadLine,
        Step::Send(b"250 b\r\n"),
        Step::Stall,
    ]);
    let auth = ScriptedPeer::auth_server(accepted(backend.port));
    let port = free_port();
    let mail = format!(
        "mail {{\nserver_name gate.test;\nserver {{\nlisten 127.0.0.1:{port};\nprotocol smtp;\nmail_log s.log events=session;\n\
         auth_http 127.0.0.1:{}/;\nxclient off;\n}}\n}}",
        auth.port
    );
    let main = "events {}\nworker_shutdown_timeout 200ms;";
    let gateway = Gateway::start_with(main, &mail);
    let mut greeted = ask(port, &["EHLO c.test"]);
    let mut tunnel = ask(port, &["EHLO c.test", &plain()]);
    let configuration = gateway.folder().join("gateway.conf");
    let before = std::fs::read_to_string(&configuration).expect("the file");
    gateway.reload();
    greeted.read_to_end();
    tunnel.read_to_end();
    assert_eq!(std::fs::read_to_string(&configuration).expect("it"), before);
    let lines = wait_for_lines(&gateway.folder().join("s.log"), 2);
    let mut results: Vec<_> = lines.iter().map(|line| fields(line)).collect();
    results.sort_by_key(|line| line["result"].clone());
    for (line, result) in results.iter().zip(["login", "shutdown"]) {
        assert_eq!(line["result"], result, "{line:?}");
        assert_eq!(line["reason"], "shutdown timeout", "{line:?}");
        assert_eq!(line["ended_by"], "gateway", "{line:?}");
        let by = line.get("by").map(String::as_str);
        check_by(&gateway, result, by, "worker_shutdown_timeout");
    }
}
