//! A client's bytes as the log may show them: without anything that may be a password.
//!
//! Only what is known to be harmless is shown: command words, and the arguments of commands that never carry a password. A word
//! that is not known may be a misspelt command, or a password that the client sends at the wrong moment.

use super::foreign;

/// Stands for what is left out.
pub const HIDDEN: &[u8] = b"***";

/// The commands whose arguments are credentials.
const SECRET: [&str; 5] = ["AUTH", "AUTHENTICATE", "LOGIN", "PASS", "APOP"];

/// The commands whose arguments are public.
const PUBLIC: [&str; 18] = [
    "HELO",
    "EHLO",
    "MAIL",
    "RCPT",
    "DATA",
    "NOOP",
    "RSET",
    "QUIT",
    "VRFY",
    "EXPN",
    "HELP",
    "STARTTLS",
    "STLS",
    "CAPA",
    "CAPABILITY",
    "LOGOUT",
    "ENABLE",
    "PROXY",
];

/// The commands of which the first argument is public. A client may write the next command on the same line.
const NAMED: [&str; 2] = ["USER", "ID"];

/// The SASL mechanisms that are shown after AUTH and AUTHENTICATE.
const MECHANISMS: [&str; 14] = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "EXTERNAL",
    "XOAUTH2",
    "OAUTHBEARER",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "GSSAPI",
    "NTLM",
    "ANONYMOUS",
];

/// The first line of `bytes` as the log may show it, for a command that is incomplete or in the wrong place. IMAP's commands
/// have a tag in front.
#[must_use]
pub fn command(bytes: &[u8]) -> Vec<u8> {
    if let Some(header) = foreign::record_header(bytes) {
        let rest = &bytes[header.len()..];
        return [header, if rest.is_empty() { b"" } else { HIDDEN }].concat();
    }
    let end = bytes.iter().position(u8::is_ascii_control);
    let line = &bytes[..end.unwrap_or(bytes.len())];
    // What follows a line end may be the next command.
    let mut shown = known(line);
    if shown.len() < bytes.len() && !bytes.is_empty() && !shown.ends_with(HIDDEN) {
        if !shown.is_empty() && !shown.ends_with(b" ") {
            shown.push(b' ');
        }
        shown.extend_from_slice(HIDDEN);
    }
    shown
}

/// The part of a line that may be shown.
fn known(line: &[u8]) -> Vec<u8> {
    let spans: Vec<&[u8]> = line.split(|&b| b == b' ').collect();
    let words = || spans.iter().filter(|word| !word.is_empty());
    let (Some(first), second) = (words().next(), words().nth(1)) else {
        return Vec::new();
    };
    // The command word, and what precedes it: nothing, or a tag.
    let (tag, verb) = match second {
        _ if any(first, &SECRET) => (None, first),
        Some(second) if any(second, &SECRET) && is_tag(first) => (Some(first), second),
        _ if any(first, &PUBLIC) || any(first, &NAMED) => (None, first),
        Some(second) if (any(second, &PUBLIC) || any(second, &NAMED)) && is_tag(first) => {
            (Some(first), second)
        }
        _ if any(first, &foreign::METHODS) => return first.to_vec(),
        _ => return Vec::new(),
    };
    let before = usize::from(tag.is_some());
    let hides_nothing = any(verb, &PUBLIC) && !words().skip(before + 1).any(|w| any(w, &SECRET));
    if hides_nothing {
        return line.into();
    }
    let argument = words().nth(before + 1);
    let argument = argument.filter(|word| match () {
        () if any(verb, &["USER"]) => true,
        () => any(verb, &["AUTH", "AUTHENTICATE"]) && any(word, &MECHANISMS),
    });
    let shown: Vec<&[u8]> = tag
        .into_iter()
        .chain([verb])
        .chain(argument)
        .copied()
        .collect();
    shown.join(&b' ')
}

fn any(word: &[u8], list: &[&str]) -> bool {
    list.iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a word can be the tag of an IMAP command. Passwords in base64 are longer.
fn is_tag(word: &[u8]) -> bool {
    word.len() <= 8 && word.iter().all(u8::is_ascii_alphanumeric)
}

/// The command word that `bytes` begin with, if it is known.
#[must_use]
pub fn verb(bytes: &[u8]) -> Option<&'static str> {
    let end = bytes.iter().position(|byte| !byte.is_ascii_alphabetic());
    let word = &bytes[..end.unwrap_or(bytes.len())];
    let known = PUBLIC.into_iter().chain(SECRET).chain(NAMED);
    known
        .into_iter()
        .find(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        for (bytes, shown) in [
            ("", ""),
            ("NOOP xxxx", "NOOP xxxx"),
            ("EHLO client.example", "EHLO client.example"),
            ("MAIL FROM:<a b@x> SIZE=1", "MAIL FROM:<a b@x> SIZE=1"),
            ("MAIL  FROM:<a>", "MAIL  FROM:<a>"),
            ("a NOOP x", "a NOOP x"),
            ("AUTH PLAIN AGpvZQBzZWNyZXQ=", "AUTH PLAIN ***"),
            ("auth plain", "auth plain"),
            ("AUTH AGpvZQBzZWNyZXQ=", "AUTH ***"),
            ("AUTH  LOGIN  am9l", "AUTH LOGIN ***"),
            ("AUTHPLAIN AGpvZQBzZWNyZXQ=", "***"),
            ("AUTH=PLAIN AGpvZQBzZWNyZXQ=", "***"),
            ("PASS secret", "PASS ***"),
            ("PAS secret", "***"),
            ("APOP joe 0123", "APOP ***"),
            ("USER joe", "USER joe"),
            ("USER joe PASS secret", "USER joe ***"),
            ("a LOGIN joe secret", "a LOGIN ***"),
            ("a LOGN joe secret", "***"),
            ("LOGIN joe secret", "LOGIN ***"),
            ("a AUTHENTICATE PLAIN AGpvZQ==", "a AUTHENTICATE PLAIN ***"),
            ("noop LOGIN joe secret", "noop LOGIN ***"),
            ("NOOP x LOGIN joe secret", "NOOP ***"),
            ("a ID (\"pass\" \"secret\")", "a ID ***"),
            ("EHLO x\rAUTH PLAIN AGpvZQBzZWNyZXQ=", "EHLO x ***"),
            ("NOOP x\0secret", "NOOP x ***"),
            ("NOOP {100}\nsecret", "NOOP {100} ***"),
            ("\0joe\0secret", "***"),
            ("AGpvZQBzZWNyZXQ=", "***"),
            ("AGpvZQBzZWNyZXQ NOOP x", "***"),
            ("secret", "***"),
            ("\r\n", "***"),
            ("GET /?password=secret HTTP/1.1", "GET ***"),
            ("\x16\x03\x01\x02\x00secret", "\x16\x03\x01\x02\x00***"),
        ] {
            let text = command(bytes.as_bytes());
            assert_eq!(String::from_utf8_lossy(&text), shown, "{bytes:?}");
        }
    }

    #[test]
    fn verbs() {
        assert_eq!(verb(b"ehlo x\r\n"), Some("EHLO"));
        assert_eq!(verb(b"AUTH"), Some("AUTH"));
        assert_eq!(verb(b"EHLOx"), None);
        assert_eq!(verb(b"secret"), None);
        assert_eq!(verb(b""), None);
    }
}
