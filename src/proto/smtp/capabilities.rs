//! The capabilities in a backend's answer to EHLO: those that the gateway uses, and those that it announces to clients.

use super::reply::texts;
use crate::proto::backend::wire::Capabilities;
use crate::proto::login::Bytes;

/// The longest initial response that goes along with AUTH: a command has 512 bytes (RFC 5321, section 4.5.3.1.4).
const LONGEST_INITIAL: usize = 400;

/// Capabilities that are not announced to clients. The gateway itself answers commands until a backend is connected: it must
/// understand all that is announced.
const KEPT_BACK: &[&[u8]] = &[
    // Those that the gateway offers itself, with Exchange's names for AUTH and STARTTLS.
    b"AUTH",
    b"STARTTLS",
    b"X-EXPS",
    b"X-ANONYMOUSTLS",
    // Those between the gateway and the backend.
    b"XCLIENT",
    b"XFORWARD",
    b"XPROXY",
    b"XPROXYFROM",
    b"XPROXYTO",
    // RFC 8689: every hop must use TLS, which the gateway cannot promise.
    b"REQUIRETLS",
    // Commands with octets after them, or after which client and server change places.
    b"XEXCH50",
    b"X-LINK2STATE",
    b"TURN",
    b"ATRN",
    // Commands that the gateway refuses: RFC 821, 5321, 1985, 4468, of Sendmail and of Exchange.
    b"VRFY",
    b"EXPN",
    b"HELP",
    b"SEND",
    b"SOML",
    b"SAML",
    b"ETRN",
    b"BURL",
    b"VERB",
    b"ONEX",
    b"XONE",
    b"XUSR",
    b"XVRB",
    b"XADR",
    b"XSTA",
    b"XCIR",
    b"XGEN",
    b"XQUE",
    b"XTRN",
    b"XSHADOW",
    b"XSHADOWREQUEST",
    b"XQDISCARD",
    b"XSESSIONPARAMS",
    b"XSESSIONMDBGUID",
    b"XSESSIONTYPE",
];

/// The capabilities that the gateway itself uses.
const READ: [&[u8]; 5] = [b"AUTH", b"STARTTLS", b"CHUNKING", b"XCLIENT", b"XFORWARD"];

/// Reads a whole answer to EHLO or HELO.
pub fn read(answer: &[u8]) -> Capabilities {
    let mut found = Capabilities {
        initial_response: Some(LONGEST_INITIAL),
        ..Capabilities::default()
    };
    for text in texts(answer).skip(1) {
        // Most lines are of no interest: only the others are copied.
        let verb = words(text).next().unwrap_or_default();
        if !READ.iter().any(|read| verb.eq_ignore_ascii_case(read)) {
            continue;
        }
        let text = text.to_ascii_uppercase();
        let mut words = words(&text);
        match words.next() {
            Some(b"AUTH") => {
                found.announced.reserve(text.len());
                found.announce(words);
            }
            Some(b"STARTTLS") => found.starttls = true,
            Some(b"CHUNKING") => found.chunking = true,
            Some(b"XCLIENT") => {
                found.trust.proxy_commands = true;
                words.for_each(|word| match word {
                    b"ADDR" => found.xclient.address = true,
                    b"NAME" => found.xclient.name = true,
                    b"LOGIN" => found.xclient.login = true,
                    b"PORT" => found.xclient.port = true,
                    b"DESTADDR" => found.xclient.destination_address = true,
                    b"DESTPORT" => found.xclient.destination_port = true,
                    b"SESSION" => found.xclient.session = true,
                    _ => {}
                });
            }
            Some(b"XFORWARD") => found.trust.proxy_commands = true,
            _ => {}
        }
    }
    found
}

/// Whether an answer to EHLO has CHUNKING.
pub fn has_chunking(answer: &[u8]) -> bool {
    let mut verbs = texts(answer).skip(1).filter_map(|text| words(text).next());
    verbs.any(|verb| verb.eq_ignore_ascii_case(b"CHUNKING"))
}

/// The words of a line: `AUTH=LOGIN` is an old form of `AUTH LOGIN`.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&b| matches!(b, b' ' | b'='))
        .filter(|word| !word.is_empty())
}

/// The lines of an answer to EHLO that are announced to clients.
pub fn announced(answer: &[u8]) -> Box<[Bytes]> {
    let lines = texts(answer).skip(1).map(<[u8]>::trim_ascii);
    lines
        .filter(|line| is_passed_on(line))
        .map(Into::into)
        .collect()
}

fn is_passed_on(line: &[u8]) -> bool {
    let end = line.iter().position(|&b| matches!(b, b' ' | b'='));
    let word = &line[..end.unwrap_or(line.len())];
    // RFC 5321, section 4.1.1.1: printable ASCII only.
    !word.is_empty()
        && line.iter().all(|&b| b == b' ' || b.is_ascii_graphic())
        && !KEPT_BACK.iter().any(|kept| word.eq_ignore_ascii_case(kept))
}
