//! No log line shows a password, whatever a client sends: commands that never end, misspelt or untagged ones, data before the
//! greeting or in place of a PROXY header, messages that are cut off, and peers that repeat what they are sent.

mod attempt;
mod forms;
mod peers;
mod random;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use support::{Gateway, TIMEOUT, free_port};

/// The password.
const PASSWORD: &str = "Kn0blauch+Suppe";
/// Parts of it that no line may show.
const PARTS: [&str; 2] = ["Kn0blau", "+Suppe"];

/// The forms in which a part may show: in clear, and in base64 wherever the part begins in a message.
fn forms() -> Vec<String> {
    let mut forms = Vec::new();
    for part in PARTS {
        forms.push(part.to_owned());
        for start in 0..3 {
            let bytes = &part.as_bytes()[start..];
            forms.push(STANDARD.encode(&bytes[..bytes.len() / 3 * 3]));
        }
    }
    forms.retain(|form| form.len() >= 4);
    forms
}

/// What a client may send in the place of a login: commands in the forms of all protocols, right, misspelt and half.
fn lines() -> Vec<String> {
    let b64 = |text: String| STANDARD.encode(text.replace("PW", PASSWORD));
    let message = b64("\0joe\0PW".into());
    let shifted = b64("joe\0PW".into());
    let closed = b64("joe\0joe\0PW\0".into());
    let password = b64("PW".into());
    let bearer = b64("user=joe\x01auth=Bearer PW\x01\x01".into());
    let half = &message[..message.len() - 5];
    let mut lines = vec![
        format!("PASS {PASSWORD}"),
        format!("pass  {PASSWORD}"),
        format!("PAS {PASSWORD}"),
        format!("PASSWORD {PASSWORD}"),
        format!("USER joe PASS {PASSWORD}"),
        format!("USER joe\r\nPAS {PASSWORD}"),
        format!("USER joe\r\n{PASSWORD}"),
        format!("USER joe\r\nPASS {PASSWORD}"),
        format!("APOP joe {PASSWORD}"),
        format!("LOGIN joe {PASSWORD}"),
        format!("a LOGIN joe {PASSWORD}"),
        format!("a LOGIN \"joe\" \"{PASSWORD}\""),
        format!("a LOGIN \"joe {PASSWORD}"),
        format!("a LOGIN {{3+}}\r\njoe {{15+}}\r\n{PASSWORD}"),
        format!("a LOGIN {{3+}}\r\njoe{PASSWORD}"),
        format!("a LOGIN joe {{900+}}\r\n{PASSWORD}"),
        format!("a LOGN joe {PASSWORD}"),
        format!("aLOGIN joe {PASSWORD}"),
        format!("a AUTHENTICATE PLAIN {message}"),
        format!("a AUTHENTICATE PLAIN\r\n{message}"),
        format!("a AUTHENTICATE LOGIN\r\nam9l\r\n{password}"),
        format!("a AUTHENTICATE CRAM-MD5\r\n{password}"),
        format!("a ID (\"password\" \"{PASSWORD}\")"),
        format!("NOOP LOGIN joe {PASSWORD}"),
        format!("noop a LOGIN joe {PASSWORD}"),
        format!("ID LOGIN joe {PASSWORD}"),
        format!("EHLO x\rAUTH PLAIN {message}"),
        format!("EHLO x\0AUTH PLAIN {message}"),
        format!("EHLO x\r\nAUTH PLAIN {message}"),
        format!("EHLO x\nAUTH LOGIN\nam9l\n{password}"),
        format!("HTTP {PASSWORD}"),
        format!("GET /?password={PASSWORD} HTTP/1.1"),
        format!("joe {PASSWORD}"),
        format!("joe\0{PASSWORD}"),
        PASSWORD.to_owned(),
        message.clone(),
        format!("\x16\x03\x01 {PASSWORD}"),
        format!("PROXX {PASSWORD}"),
    ];
    for verb in ["AUTH", "auth", "AUTHENTICATE", "AUT"] {
        lines.push(format!("{verb} PLAIN {message}"));
    }
    for rest in [
        format!("PLAIN {half}"),
        format!("PLAIN {shifted}"),
        format!("PLAIN {closed}"),
        format!("PLAIN\r\n{message}"),
        format!("PLAIN\r\n{half}"),
        format!("PLAIN\r\n{PASSWORD}"),
        format!("PLAN {message}"),
        message.clone(),
        format!("LOGIN {message}"),
        format!("LOGIN {bearer}"),
        format!("LOGIN am9l {PASSWORD}"),
        format!("LOGIN\r\n{message}"),
        format!("LOGIN\r\nam9l\r\n{password}"),
        format!("LOGIN\r\nam9l\r\n{PASSWORD}"),
        format!("LOGIN\r\njoe\r\n{PASSWORD}"),
        format!("CRAM-MD5\r\n{message}"),
        format!("CRAM-MD5\r\n{password}"),
        format!("CRAM-MD5 {password}"),
        format!("EXTERNAL {message}"),
        format!("XOAUTH2 {bearer}"),
        format!("XOAUTH2 {}", &bearer[..bearer.len() - 6]),
        format!("OAUTHBEARER {bearer}"),
    ] {
        lines.push(format!("AUTH {rest}"));
        lines.push(format!("b AUTHENTICATE {rest}"));
    }
    let length = message.len();
    for rest in [
        format!("\"PLAIN\" \"{message}\""),
        format!("\"PLAIN\" \"{half}"),
        format!("\"PLAIN\" {{{length}+}}\r\n{message}"),
        format!("\"PLAIN\" {{{length}}}\r\n{message}"),
        format!("\"PLAIN\" {{900+}}\r\n{message}"),
        format!("{{5+}}\r\nPLAIN {{{length}+}}\r\n{message}"),
        format!("{{5+}}\r\nPLAIN \"{message}"),
        format!("\"PLAIN\" \"{message}\" \"{PASSWORD}\""),
        format!("\"PLAIN\"\"{message}\""),
        format!("\"PLAN\" \"{message}\""),
        format!("\"PLAIN\" \"{PASSWORD}\""),
        format!("\"PLAIN\"\r\n\"{message}\""),
        format!("\"PLAIN\"\r\n{{{length}+}}\r\n{message}"),
        format!("\"PLAIN\"\r\n{{{length}}}\r\n{message}"),
        format!("\"PLAIN\"\r\n\"{half}"),
        format!("\"LOGIN\" \"am9l\"\r\n\"{password}\""),
        format!("\"LOGIN\"\r\n\"am9l\"\r\n\"{PASSWORD}\""),
        format!("\"CRAM-MD5\"\r\n\"{password}\""),
        format!("\"XOAUTH2\" \"{bearer}\""),
        format!("\"OAUTHBEARER\"\r\n\"{bearer}\""),
        format!("\"joe\" \"{PASSWORD}\""),
    ] {
        for verb in ["AUTHENTICATE", "authenticate", "AUTHENTICAT"] {
            lines.push(format!("{verb} {rest}"));
        }
    }
    lines.push(format!(
        "NOOP \"x\"\r\nAUTHENTICATE \"PLAIN\" \"{message}\""
    ));
    lines.push(format!("LOGIN \"joe\" \"{PASSWORD}\""));
    lines.push(format!("\"{message}\""));
    lines.push(format!("{{{length}+}}\r\n{message}"));
    lines.push(format!("AUTHPLAIN {message}"));
    lines.push(format!("AUTH=PLAIN {message}"));
    lines
}

/// How a line ends: as it should, with an old line end, not at all, or never.
fn ends() -> [String; 5] {
    [
        // The commands that follow show that the client has not left.
        "\r\nQUIT\r\nz LOGOUT\r\n".into(),
        "\r".into(),
        String::new(),
        "x".repeat(5000),
        format!(" {}", "c2Vj".repeat(1250)),
    ]
}

/// Reads a connection line by line and answers with what `reply` says.
fn repeating(reply: impl Fn(&str) -> String + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = reply.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut line = Vec::new();
                let _ = reader.get_mut().write_all(reply("").as_bytes());
                while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    let _ = reader.get_mut().write_all(reply(&text).as_bytes());
                    line.clear();
                }
            });
        }
    });
    port
}

fn smtp_backend(line: &str) -> String {
    match line {
        "" => "220 backend\r\n".into(),
        line if line.starts_with("EHLO") => "250-backend\r\n250 AUTH PLAIN LOGIN\r\n".into(),
        "AUTH LOGIN" => "334 VXNlcm5hbWU6\r\n".into(),
        line => format!("535 5.7.8 <{line}> is wrong\r\n"),
    }
}

fn imap_backend(line: &str) -> String {
    match line.split_once(' ') {
        None if line.is_empty() => "* OK [CAPABILITY IMAP4rev1] ready\r\n".into(),
        _ if line.ends_with('}') => "+ go on\r\n".into(),
        _ => format!("a NO {line} is wrong\r\n"),
    }
}

fn pop3_backend(line: &str) -> String {
    match line.split(' ').next() {
        Some("") => "+OK ready\r\n".into(),
        Some("USER") => "+OK\r\n".into(),
        Some("CAPA") => "+OK\r\nUSER\r\n.\r\n".into(),
        _ => format!("-ERR {line} is wrong\r\n"),
    }
}

fn sieve_backend(line: &str) -> String {
    match line {
        "" => "\"SASL\" \"PLAIN LOGIN\"\r\nOK \"ready\"\r\n".into(),
        "AUTHENTICATE \"LOGIN\"" => "\"VXNlcm5hbWU6\"\r\n".into(),
        line => format!("NO \"{line}\" is wrong\r\n"),
    }
}

/// An auth server that repeats the request's headers in its answer.
fn auth_server(accept: Option<u16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut request, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                request.push_str(line.trim_end());
                request.push(' ');
                line.clear();
            }
            let status = match accept {
                Some(port) => format!("OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {port}"),
                None => request,
            };
            let answer = format!("HTTP/1.0 200 OK\r\nAuth-Status: {status}\r\n\r\n");
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    port
}

/// Sends everything at once, closes the sending side, and reads to the end.
fn play(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    // The gateway may close before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let ended = stream.read_to_end(&mut Vec::new());
    let is_late = |kind| kind == std::io::ErrorKind::WouldBlock;
    assert!(!ended.is_err_and(|error| is_late(error.kind())), "no end");
}

/// A syslog server: the text of all lines that it received.
fn syslog() -> (u16, Receiver<String>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("its number").port();
    let (report, lines) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(length) = socket.recv(&mut bytes) {
            let _ = report.send(String::from_utf8_lossy(&bytes[..length]).into_owned());
        }
    });
    (port, lines)
}

#[test]
fn no_log_shows_a_password() {
    let (syslog, sent) = syslog();
    let refusing = auth_server(None);
    let backends = [
        ("smtp", repeating(smtp_backend)),
        ("imap", repeating(imap_backend)),
        ("pop3", repeating(pop3_backend)),
        ("sieve", repeating(sieve_backend)),
    ];
    let methods = "plain cram-md5 external xoauth2 oauthbearer";
    let mut servers = String::new();
    let mut ports = Vec::new();
    for (protocol, backend) in backends {
        let accepting = auth_server(Some(backend));
        for (decides, listen) in [
            (format!("auth_http 127.0.0.1:{refusing}/;"), ""),
            (
                format!("auth_http 127.0.0.1:{accepting}/; proxy_smtp_auth on;"),
                "",
            ),
            (
                format!("proxy_pass 127.0.0.1:{backend}; {protocol}_capabilities X x;"),
                "",
            ),
            (
                format!("auth_http 127.0.0.1:{refusing}/; smtp_greeting_delay 30s;"),
                "",
            ),
            (
                format!("auth_http 127.0.0.1:{refusing}/;"),
                "proxy_protocol",
            ),
        ] {
            let port = free_port();
            ports.push(port);
            servers.push_str(&format!(
                "server {{ listen 127.0.0.1:{port} {listen}; protocol {protocol}; {decides} }}\n"
            ));
        }
    }
    let gateway = Gateway::start_with(
        &format!(
            "worker_processes 2; events {{}}
            error_log debug.log debug;
            error_log syslog:server=127.0.0.1:{syslog},nohostname debug;"
        ),
        &format!(
            "mail {{
                server_name gate.test;
                max_errors 100;
                auth_http_keepalive off;
                smtp_client_buffer 1k; imap_client_buffer 1k; pop3_client_buffer 1k;
                sieve_client_buffer 1k; sieve_auth login {methods};
                smtp_auth login {methods}; imap_auth login {methods}; pop3_auth apop {methods};
                {servers}
            }}"
        ),
    );
    let mut played = 0;
    std::thread::scope(|scope| {
        for &port in &ports {
            scope.spawn(move || {
                for line in lines() {
                    for end in ends() {
                        play(port, format!("{line}{end}").as_bytes());
                    }
                }
            });
            played += lines().len() * ends().len();
        }
    });
    assert!(played > 1000, "{played}");
    let read = |name| std::fs::read(gateway.folder().join(name)).expect("a log");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut by_syslog = String::new();
    while let Ok(line) = sent.recv_timeout(Duration::from_secs(1)) {
        by_syslog.push_str(&line);
        by_syslog.push('\n');
    }
    let forms = forms();
    for (sink, log) in [
        ("error.log", gateway.log()),
        ("debug.log", text(read("debug.log"))),
        ("syslog", by_syslog),
    ] {
        for expected in [
            "client sent too long command \"AUTH PLAIN ***\"",
            "client sent too long command \"a LOGIN ***\"",
            "client sent too long command \"PASS ***\"",
            "client sent too long command \"AUTHENTICATE ***\"",
            "client was rejected before greeting: ",
            "broken header: \"***\"",
            "client login failed: \"",
            "upstream sent invalid response: \"",
            "login: \"joe\"",
        ] {
            assert!(log.contains(expected), "{sink}: no {expected}");
        }
        let shown = |line: &&str| forms.iter().any(|form| line.contains(form.as_str()));
        let lines: Vec<_> = log.lines().filter(shown).take(5).collect();
        assert!(lines.is_empty(), "{sink}: {lines:#?}");
    }
}
