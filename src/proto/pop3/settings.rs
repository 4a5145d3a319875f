//! The replies and limits of one server that depend on its configuration, made when that is loaded.

use super::replies::{CAPABILITIES, END, METHODS, USER};
use crate::config::{Method, Methods, Server, StartTls, settings};
use crate::proto::login::Bytes;
use crate::proto::sasl::client;
use crate::proto::tally::Tally;

/// One server's replies and limits.
#[derive(Debug)]
pub struct Settings {
    /// The answer to CAPA inside TLS and after USER.
    pub capa: Vec<u8>,
    /// The answer to CAPA in clear text before USER.
    pub capa_clear: Vec<u8>,
    /// The answer to AUTH alone.
    pub mechanisms: Vec<u8>,
    /// `pop3_auth`, without the methods that cannot be used with the backend.
    pub methods: Methods,
    /// `starttls`.
    pub starttls: StartTls,
    /// `max_errors` and `max_commands`.
    pub tally: Tally,
    /// The greeting carries the challenge of APOP and CRAM-MD5.
    pub stamped: bool,
}

impl Settings {
    /// The settings of a server.
    pub fn of(server: &Server, own: &settings::Pop3) -> Self {
        let mut methods = own.pop3_auth;
        let backend_authenticates = server.backend_authenticates();
        if methods.has(Method::Plain) {
            methods.insert(Method::Login);
        }
        if backend_authenticates {
            // The digest of APOP answers the backend's greeting, which the client does not see.
            methods.remove(Method::Apop);
        }
        let mut settings = Settings {
            capa: Vec::new(),
            capa_clear: Vec::new(),
            mechanisms: list(METHODS, client::names(methods).map(str::as_bytes)),
            methods,
            starttls: server.ssl.starttls,
            tally: Tally::new(server.mail.max_errors, server.mail.max_commands),
            stamped: !backend_authenticates
                && (methods.has(Method::Apop) || methods.has(Method::CramMd5)),
        };
        let capabilities = &own.pop3_capabilities;
        let user: [Bytes; 1] = [USER.into()];
        let words = match backend_authenticates && !capabilities.is_configured() {
            // All other capabilities are the backend's.
            true => &user[..],
            false => capabilities.words(),
        };
        settings.capa = settings.capa_with(words, false);
        settings.capa_clear = settings.capa_with(words, true);
        settings
    }

    /// The answer to CAPA: these lines, then the gateway's own capabilities. `clear`: STLS is possible.
    pub fn capa_with(&self, words: &[Bytes], clear: bool) -> Vec<u8> {
        let starttls = if clear { self.starttls } else { StartTls::Off };
        let barred = starttls == StartTls::Only;
        let words = words.iter().map(|word| &**word);
        let words = words.filter(|word| !barred || !word.eq_ignore_ascii_case(USER));
        let sasl = (!barred).then(|| sasl_line(self.methods));
        let stls = (starttls != StartTls::Off).then_some(&b"STLS"[..]);
        list(CAPABILITIES, words.chain(sasl.as_deref()).chain(stls))
    }
}

/// `SASL` and the mechanisms, if any.
fn sasl_line(methods: Methods) -> Vec<u8> {
    let mut line = b"SASL".to_vec();
    for name in client::names(methods) {
        line.push(b' ');
        line.extend_from_slice(name.as_bytes());
    }
    line
}

/// A reply of several lines, with its dot.
fn list<'a>(first: &[u8], lines: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut reply = first.to_vec();
    for line in lines {
        reply.extend_from_slice(line);
        reply.extend_from_slice(b"\r\n");
    }
    reply.extend_from_slice(END);
    reply
}
