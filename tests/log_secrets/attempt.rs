//! Random attempts to log in: every mechanism of a protocol in every framing, with right and wrong passwords, whole and damaged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;

/// A login with this in its name is right, and one without it wrong.
pub(crate) const RIGHT: &str = "good-";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Smtp,
    Imap,
    Pop3,
    Sieve,
}

/// What a client sends.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Bytes with a reply.
    Ask(Vec<u8>),
    /// The last bytes, after which the client leaves.
    Leave(Vec<u8>),
}

/// One attempt.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) parts: Vec<Part>,
    /// The password, token or digest.
    pub(crate) secret: Vec<u8>,
    pub(crate) is_damaged: bool,
}

/// How an attempt is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// The line ends in the middle, with the connection.
    Cut,
    /// The line ends in the middle.
    Short,
    /// A character that base64 has not.
    Broken,
    /// Another word behind it.
    Word,
    /// A longer line than the buffer.
    Long,
    /// LF without CR.
    LineFeed,
    /// No line end, and the connection ends.
    NoEnd,
    /// The line twice.
    Twice,
    /// The words of a command with two spaces between.
    Spaces,
}

const DAMAGES: [Damage; 9] = [
    Damage::Cut,
    Damage::Short,
    Damage::Broken,
    Damage::Word,
    Damage::Long,
    Damage::LineFeed,
    Damage::NoEnd,
    Damage::Twice,
    Damage::Spaces,
];

impl Attempt {
    /// Attempt `number` by a client of this protocol.
    pub(crate) fn random(protocol: Protocol, number: usize, rng: &mut Rng) -> Self {
        let word = if rng.bool() { RIGHT } else { "bad-" };
        let user = format!("{word}{number}@example.test");
        let (lines, secret) = match rng.u8(..8) {
            0..3 => own_command(protocol, &user, rng),
            _ => sasl(protocol, &user, rng),
        };
        let damage = (rng.u8(..10) < 3).then(|| DAMAGES[rng.usize(..DAMAGES.len())]);
        Self {
            parts: parts(lines, damage, rng),
            secret,
            is_damaged: damage.is_some(),
        }
    }
}

/// The lines, with the last one damaged.
fn parts(mut lines: Vec<Vec<u8>>, damage: Option<Damage>, rng: &mut Rng) -> Vec<Part> {
    let last = lines.pop().unwrap_or_default();
    let end = |line: Vec<u8>| [&line, &b"\r\n"[..]].concat();
    let mut parts: Vec<_> = lines.into_iter().map(|line| Part::Ask(end(line))).collect();
    let half = last.len() / 2 + rng.usize(..=last.len() / 2);
    let damaged = match damage {
        None => Part::Ask(end(last)),
        Some(Damage::Cut) => Part::Leave(last[..half].to_vec()),
        // A literal would go on.
        Some(Damage::Short) if last.contains(&b'\n') => Part::Leave(end(last[..half].to_vec())),
        Some(Damage::Short) => Part::Ask(end(last[..half].to_vec())),
        Some(Damage::Broken) => Part::Leave(end([&last[..half], b"!", &last[half..]].concat())),
        Some(Damage::Word) => Part::Ask(end([&last[..], b" another"].concat())),
        Some(Damage::Long) => Part::Leave(end([last, vec![b'x'; 9000]].concat())),
        Some(Damage::LineFeed) => Part::Ask([&last[..], b"\n"].concat()),
        Some(Damage::NoEnd) => Part::Leave(last),
        Some(Damage::Twice) => {
            parts.push(Part::Ask(end(last.clone())));
            Part::Ask(end(last))
        }
        Some(Damage::Spaces) => {
            let words: Vec<_> = last.split(|byte| *byte == b' ').collect();
            Part::Leave(end(words.join(&b"  "[..])))
        }
    };
    parts.push(damaged);
    parts
}

/// A password: random words with special characters between them.
fn password(rng: &mut Rng, specials: &[&str]) -> String {
    let mut password = String::new();
    for at in 0..rng.usize(2..5) {
        if at > 0 && !specials.is_empty() {
            password.push_str(specials[rng.usize(..specials.len())]);
        }
        for _ in 0..rng.usize(6..9) {
            password.push(rng.alphanumeric());
        }
    }
    password
}

const SPECIALS: [&str; 20] = [
    " ", "%", "%20", "+", "+2B", "&", "=", "\"", "\\", "/", "ü", "€", ",", ", a=", "<", ">", "{5}",
    ":", "'", "\t",
];

/// The commands with a login and a password in clear text.
fn own_command(protocol: Protocol, user: &str, rng: &mut Rng) -> (Vec<Vec<u8>>, Vec<u8>) {
    let secret = password(rng, &SPECIALS);
    let (user_length, length) = (user.len(), secret.len());
    let lines = match protocol {
        // SMTP has none: what a confused client may send.
        Protocol::Smtp => match rng.u8(..4) {
            0 => vec![format!("USER {user}"), format!("PASS {secret}")],
            1 => vec![format!("LOGIN {user} {secret}")],
            2 => vec![format!("AUTH {user} {secret}")],
            _ => vec![format!("AUTH PLAIN {secret}")],
        },
        Protocol::Pop3 => match rng.u8(..3) {
            0 => {
                let digest = digest(rng);
                let line = format!("APOP {user} {digest}");
                return (vec![line.into_bytes()], digest.into_bytes());
            }
            _ => vec![format!("USER {user}"), format!("PASS {secret}")],
        },
        Protocol::Imap => match rng.u8(..5) {
            0 => {
                let secret = password(rng, &[]);
                let line = format!("a LOGIN {user} {secret}");
                return (vec![line.into_bytes()], secret.into_bytes());
            }
            1 => {
                let quoted = secret.replace('\\', "\\\\").replace('"', "\\\"");
                vec![format!("a LOGIN \"{user}\" \"{quoted}\"")]
            }
            2 => vec![format!(
                "a LOGIN {{{user_length}+}}\r\n{user} {{{length}+}}\r\n{secret}"
            )],
            3 => vec![format!("a LOGIN {user} {{{length}}}"), secret.clone()],
            _ => vec![
                format!("a LOGIN {{{user_length}}}"),
                format!("{user} {{{length}}}"),
                secret.clone(),
            ],
        },
        // ManageSieve has none either.
        Protocol::Sieve => match rng.u8(..3) {
            0 => vec![format!("LOGIN \"{user}\" {{{length}+}}\r\n{secret}")],
            1 => vec![format!("AUTHENTICATE \"PLAIN\" {{{length}+}}\r\n{secret}")],
            _ => vec![format!("AUTHENTICATE PLAIN {secret}")],
        },
    };
    let lines = lines.into_iter().map(String::into_bytes).collect();
    (lines, secret.into_bytes())
}

/// The characters of a bearer token (RFC 6750).
const TOKEN: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMN0123456789-._~+/";

/// An exchange of a SASL mechanism, with or without an initial response.
fn sasl(protocol: Protocol, user: &str, rng: &mut Rng) -> (Vec<Vec<u8>>, Vec<u8>) {
    let token: String = (0..rng.usize(20..60))
        .map(|_| char::from(TOKEN[rng.usize(..TOKEN.len())]))
        .collect();
    let text = password(rng, &SPECIALS);
    let (mechanism, messages, secret) = match rng.u8(..8) {
        0 => ("PLAIN", vec![format!("\0{user}\0{text}")], text),
        1 => ("PLAIN", vec![format!("{user}\0{user}\0{text}")], text),
        // Without an authorization identity's NUL.
        2 => ("PLAIN", vec![format!("{user}\0{text}")], text),
        3 | 4 => ("LOGIN", vec![user.to_owned(), text.clone()], text),
        5 => {
            let digest = digest(rng);
            ("CRAM-MD5", vec![format!("{user} {digest}")], digest)
        }
        6 => {
            let message = format!("user={user}\x01auth=Bearer {token}\x01\x01");
            ("XOAUTH2", vec![message], token)
        }
        _ => {
            let message = format!("n,a={user},\x01host=gate.test\x01auth=Bearer {token}\x01\x01");
            ("OAUTHBEARER", vec![message], token)
        }
    };
    let command = match protocol {
        Protocol::Imap => "a AUTHENTICATE",
        Protocol::Sieve => "AUTHENTICATE",
        Protocol::Smtp | Protocol::Pop3 => "AUTH",
    };
    let command = if rng.u8(..8) == 0 {
        command.to_lowercase()
    } else {
        command.to_owned()
    };
    let is_literal = rng.bool();
    let string = |text: String| match protocol {
        Protocol::Sieve if is_literal => format!("{{{}+}}\r\n{text}", text.len()),
        Protocol::Sieve => format!("\"{text}\""),
        Protocol::Smtp | Protocol::Imap | Protocol::Pop3 => text,
    };
    let mechanism = string(mechanism.to_owned());
    let mut messages = messages
        .iter()
        .map(|message| string(STANDARD.encode(message)));
    // CRAM-MD5 begins with the server.
    let initial = (!mechanism.contains("CRAM-MD5") && rng.bool()).then(|| messages.next());
    let first = match initial.flatten() {
        Some(message) => format!("{command} {mechanism} {message}"),
        None => format!("{command} {mechanism}"),
    };
    let lines = std::iter::once(first).chain(messages);
    (lines.map(String::into_bytes).collect(), secret.into_bytes())
}

fn digest(rng: &mut Rng) -> String {
    (0..32).map(|_| rng.digit(16)).collect()
}
