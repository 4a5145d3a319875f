//! What a server says to every client, made once when the configuration is loaded.

use super::words::*;
use crate::config::{Method, Methods, Server, StartTls};
use crate::proto::tally::Tally;

/// The fixed words and limits of one server.
#[derive(Debug)]
pub struct Settings {
    /// The answer to CAPA; in clear text only where STLS is not offered.
    pub capa: Vec<u8>,
    /// The answer to CAPA in clear text.
    pub capa_clear: Vec<u8>,
    /// The answer to AUTH alone.
    pub mechanisms: Vec<u8>,
    /// `pop3_auth`, less what the judge cannot be asked.
    pub methods: Methods,
    /// `starttls`.
    pub starttls: StartTls,
    /// `max_errors` and `max_commands`.
    pub tally: Tally,
    /// The greeting carries the challenge of APOP and CRAM-MD5.
    pub stamped: bool,
}

impl Settings {
    /// Puts a server's words together.
    pub fn of(server: &Server) -> Self {
        let mut methods = server.pop3.pop3_auth;
        let judged = server.is_judged();
        if methods.has(Method::Plain) {
            methods.insert(Method::Login);
        }
        if judged {
            // APOP answers to the greeting of whom it is meant for.
            methods.remove(Method::Apop);
        }
        let starttls = server.ssl.starttls;
        let words = &server.pop3.pop3_capabilities;
        let words = || words.iter().map(|word| &**word);
        let sasl = sasl_line(methods);
        let stls: &[u8] = b"STLS";
        let capa = || words().chain([&*sasl]);
        Settings {
            capa: list(CAPABILITIES, capa()),
            capa_clear: match starttls {
                StartTls::Off => list(CAPABILITIES, capa()),
                StartTls::On => list(CAPABILITIES, capa().chain([stls])),
                StartTls::Only => {
                    let words = words().filter(|word| !word.eq_ignore_ascii_case(b"USER"));
                    list(CAPABILITIES, words.chain([stls]))
                }
            },
            mechanisms: list(METHODS, methods.sasl_names().map(str::as_bytes)),
            methods,
            starttls,
            tally: Tally::new(server.mail.max_errors, server.mail.max_commands),
            stamped: !judged && (methods.has(Method::Apop) || methods.has(Method::CramMd5)),
        }
    }
}

/// `SASL` and the mechanisms; the word alone where there is none.
fn sasl_line(methods: Methods) -> Vec<u8> {
    let mut line = b"SASL".to_vec();
    for name in methods.sasl_names() {
        line.push(b' ');
        line.extend_from_slice(name.as_bytes());
    }
    line
}

/// A reply of several lines.
fn list<'a>(first: &[u8], lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut reply = first.to_vec();
    for line in lines {
        reply.extend_from_slice(line);
        reply.extend_from_slice(b"\r\n");
    }
    reply.extend_from_slice(END);
    reply
}
