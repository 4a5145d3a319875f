//! An auth server and backends that decide by the login, and repeat passwords in many forms.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::attempt::{Protocol, RIGHT};

/// Starts a peer that serves each connection in a thread of its own.
fn start(serve: impl Fn(&mut BufReader<TcpStream>) -> Option<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(&mut BufReader::new(stream)));
        }
    });
    port
}

/// The next line, without its end.
fn line(peer: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    let length = peer.read_until(b'\n', &mut line).ok()?;
    let text = String::from_utf8_lossy(&line);
    (length > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
}

fn send(peer: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    peer.get_mut().write_all(text.as_bytes()).ok()
}

/// The first number in a login.
fn number(text: &str) -> usize {
    let digits = text.find(RIGHT).or_else(|| text.find("bad-"));
    let digits = digits.and_then(|at| text[at..].split_once('-'));
    let digits = digits.map_or("", |(_, rest)| rest);
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().unwrap_or(0)
}

/// A text that repeats what came, in the form that the number selects: as it came, decoded, or the password encoded anew.
fn repeated(number: usize, received: &str, password: &str) -> String {
    let json = serde_json::to_string(received).unwrap_or_default();
    let percent = |byte: u8| format!("%{byte:02x}");
    match number / 2 % 9 {
        0 => "no".into(),
        1 => received.to_owned(),
        2 => password.to_owned(),
        3 => password.bytes().map(percent).collect(),
        4 => json,
        5 => STANDARD.encode(password),
        6 => URL_SAFE_NO_PAD.encode(received),
        7 => password
            .replace('%', "%25")
            .replace(' ', "%20")
            .replace('+', "+2B"),
        // Cut off.
        _ => received
            .chars()
            .take(received.chars().count() * 3 / 4)
            .collect(),
    }
}

/// A value of a header without its percent-encoding.
fn decoded(value: &str) -> String {
    let mut parts = value.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).unwrap_or_default();
        bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'%'));
        bytes.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An auth server. Right logins are sent to the backend of their protocol, some with another password, which is reported.
pub(crate) fn auth_server(backends: [(Protocol, u16); 4], given: Sender<String>) -> u16 {
    start(move |peer| {
        let mut headers = BTreeMap::new();
        while let Some(line) = line(peer).filter(|line| !line.is_empty()) {
            if let Some((name, value)) = line.split_once(": ") {
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
        let value = |name: &str| headers.get(name).cloned().unwrap_or_default();
        let (user, pass) = (value("Auth-User"), value("Auth-Pass"));
        let number = number(&user);
        let received = format!("{headers:?}");
        let pass = decoded(&pass);
        let repeated = repeated(number, &received, &pass);
        let status = if user.contains(RIGHT) {
            let word = value("Auth-Protocol");
            let backend = backends.iter().find(|(own, _)| own.word() == word)?;
            let mut more = String::new();
            if number.is_multiple_of(3) {
                let pass = format!("Given{number}By{}Server", pass.len());
                more = format!("Auth-Pass: {pass}\r\nX-Note: <{pass}>\r\n");
                let _ = given.send(pass);
            }
            format!(
                "OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {}\r\n{more}X-Repeated: {repeated}",
                backend.1
            )
        } else if number % 10 == 1 {
            // Not a header.
            format!("wrong\r\n{repeated}")
        } else if number % 10 == 2 {
            format!("{repeated}\r\nAuth-Wait: 1")
        } else {
            repeated
        };
        send(
            peer,
            &format!("HTTP/1.0 200 OK\r\nAuth-Status: {status}\r\n\r\n"),
        )
    })
}

impl Protocol {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Protocol::Smtp => "smtp",
            Protocol::Imap => "imap",
            Protocol::Pop3 => "pop3",
            Protocol::Sieve => "sieve",
        }
    }

    fn greeting(self) -> &'static str {
        match self {
            Protocol::Smtp => "220 backend ESMTP\r\n",
            Protocol::Imap => "* OK ready\r\n",
            Protocol::Pop3 => "+OK ready\r\n",
            Protocol::Sieve => {
                "\"SASL\" \"PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER\"\r\nOK \"ready\"\r\n"
            }
        }
    }

    fn challenge(self, text: &str) -> String {
        match self {
            Protocol::Smtp => format!("334 {text}\r\n"),
            Protocol::Imap | Protocol::Pop3 => format!("+ {text}\r\n"),
            Protocol::Sieve => format!("\"{text}\"\r\n"),
        }
    }
}

const MECHANISMS: [&str; 5] = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"];

/// A backend that knows all mechanisms.
pub(crate) fn backend(protocol: Protocol) -> u16 {
    start(move |peer| {
        send(peer, protocol.greeting())?;
        let mut user = String::new();
        loop {
            let line = line(peer)?;
            let words: Vec<&str> = line.split(' ').collect();
            let at = usize::from(protocol == Protocol::Imap);
            let tag = words[0];
            let verb = words.get(at).unwrap_or(&"").to_ascii_uppercase();
            match (protocol, &*verb) {
                (_, "AUTH" | "AUTHENTICATE") => {
                    // ManageSieve has strings.
                    let word = |at: usize| words.get(at).map(|word| word.trim_matches('"'));
                    let (mechanism, initial) = (word(at + 1).unwrap_or(""), word(at + 2));
                    let (received, decoded) = exchange(peer, protocol, mechanism, initial)?;
                    decide(peer, protocol, tag, &received, &decoded)?;
                }
                (Protocol::Imap, "LOGIN") => {
                    let mut all = line.clone();
                    while let Some(length) = literal(&all) {
                        send(peer, "+ go on\r\n")?;
                        let mut text = vec![0; length];
                        peer.read_exact(&mut text).ok()?;
                        all = format!(
                            "{all}\0{}{}",
                            String::from_utf8_lossy(&text),
                            self::line(peer)?
                        );
                    }
                    let decoded = all.replace("\\\"", "\"");
                    let separator = if all.contains('\0') { '\0' } else { ' ' };
                    let decoded = decoded.trim_end_matches('"').replace(separator, "\0");
                    decide(peer, protocol, tag, &line, &decoded)?;
                }
                (Protocol::Pop3, "USER") => {
                    user = words.get(1).unwrap_or(&"").to_string();
                    send(peer, "+OK\r\n")?;
                }
                (Protocol::Pop3, "PASS") => {
                    let pass = line.get(5..).unwrap_or_default();
                    decide(peer, protocol, tag, &line, &format!("{user}\0{pass}"))?;
                }
                (Protocol::Pop3, "CAPA") => {
                    let words = MECHANISMS.join(" ");
                    send(peer, &format!("+OK\r\nUSER\r\nSASL {words}\r\n.\r\n"))?;
                }
                (Protocol::Imap, "CAPABILITY") => {
                    let words = MECHANISMS.map(|word| format!("AUTH={word}")).join(" ");
                    let line =
                        format!("* CAPABILITY IMAP4rev1 SASL-IR {words}\r\n{tag} OK done\r\n");
                    send(peer, &line)?;
                }
                (Protocol::Smtp, "EHLO") => {
                    let words = MECHANISMS.join(" ");
                    send(
                        peer,
                        &format!("250-backend\r\n250-AUTH {words}\r\n250 XCLIENT ADDR\r\n"),
                    )?;
                }
                (Protocol::Smtp, "XCLIENT") => send(peer, protocol.greeting())?,
                (_, "QUIT" | "LOGOUT") => {
                    return send(peer, &answer(protocol, tag, Answer::Good, "221", "bye"));
                }
                _ => send(peer, &answer(protocol, tag, Answer::Good, "250", "done"))?,
            }
        }
    })
}

/// The length of a literal at the end of a line.
fn literal(line: &str) -> Option<usize> {
    let (_, length) = line.strip_suffix('}')?.rsplit_once('{')?;
    length.trim_end_matches('+').parse().ok()
}

/// The messages of a SASL exchange, as they came and decoded.
fn exchange(
    peer: &mut BufReader<TcpStream>,
    protocol: Protocol,
    mechanism: &str,
    initial: Option<&str>,
) -> Option<(String, String)> {
    let count = if mechanism.eq_ignore_ascii_case("LOGIN") {
        2
    } else {
        1
    };
    let mut messages: Vec<String> = initial.into_iter().map(str::to_owned).collect();
    while messages.len() < count {
        send(peer, &protocol.challenge("PDEyM0BiYWNrZW5kPg=="))?;
        messages.push(line(peer)?.trim_matches('"').to_owned());
    }
    let decode = |message: &String| {
        let bytes = STANDARD.decode(message).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let decoded: Vec<_> = messages.iter().map(decode).collect();
    Some((messages.join(" "), decoded.join("\0")))
}

#[derive(Clone, Copy)]
enum Answer {
    Good,
    Bad,
}

/// Accepts or refuses a login, and repeats what came.
fn decide(
    peer: &mut BufReader<TcpStream>,
    protocol: Protocol,
    tag: &str,
    received: &str,
    decoded: &str,
) -> Option<()> {
    let ends = ['\0', '\x01'];
    let password = match decoded.split_once("Bearer ") {
        Some((_, token)) => token.split('\x01').next().unwrap_or_default(),
        None => decoded.rsplit(ends).next().unwrap_or_default(),
    };
    let number = number(decoded);
    let repeated = repeated(number, received, password);
    if decoded.contains(RIGHT) {
        return send(peer, &answer(protocol, tag, Answer::Good, "235", &repeated));
    }
    let text = match number % 12 {
        1 => answer(protocol, tag, Answer::Bad, "454", &repeated),
        2 if protocol == Protocol::Smtp => format!("600 {repeated}\r\n"),
        2 if protocol == Protocol::Sieve => format!("{}\r\n", quoted(&repeated)),
        3 if protocol == Protocol::Sieve => {
            let repeated = repeated.repeat(400);
            answer(protocol, tag, Answer::Bad, "999", &repeated)
        }
        2 => format!("{repeated}\r\n"),
        3 => format!("999 {}\r\n", repeated.repeat(400)),
        4 => return None,
        5 if protocol == Protocol::Smtp => format!("535-{repeated}\r\n535 {received}\r\n"),
        _ => answer(protocol, tag, Answer::Bad, "535", &repeated),
    };
    send(peer, &text)
}

fn answer(protocol: Protocol, tag: &str, answer: Answer, code: &str, text: &str) -> String {
    match (protocol, answer) {
        (Protocol::Smtp, _) => format!("{code} 2.0.0 {text}\r\n"),
        (Protocol::Imap, Answer::Good) => format!("{tag} OK {text}\r\n"),
        (Protocol::Imap, Answer::Bad) => format!("{tag} NO {text}\r\n"),
        (Protocol::Sieve, Answer::Good) => format!("OK {}\r\n", quoted(text)),
        (Protocol::Sieve, Answer::Bad) => format!("NO {}\r\n", quoted(text)),
        (Protocol::Pop3, Answer::Good) => format!("+OK {text}\r\n"),
        (Protocol::Pop3, Answer::Bad) => format!("-ERR {text}\r\n"),
    }
}

/// A string of ManageSieve.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
