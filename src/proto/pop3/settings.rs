//! The replies and limits of one server that depend on its configuration, made when that is loaded.

use super::replies::{CAPABILITIES, END, METHODS, USER};
use crate::config::{Method, Methods, Server, StartTls, settings};
use crate::proto::CapabilityList;
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
        let mut methods = server.methods();
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
            mechanisms: mechanisms(methods),
            methods,
            starttls: server.ssl.starttls,
            tally: Tally::new(server.mail.max_errors, server.mail.max_commands),
            stamped: !backend_authenticates
                && (methods.has(Method::Apop) || methods.has(Method::CramMd5)),
        };
        let capabilities = &own.pop3_capabilities;
        let user: [Bytes; 1] = [USER.into()];
        let list = CapabilityList::configured(
            match backend_authenticates && !capabilities.is_configured() {
                // All other capabilities are the backend's.
                true => &user[..],
                false => capabilities.words(),
            },
        );
        settings.capa = settings.capa_with(&list, false);
        settings.capa_clear = settings.capa_with(&list, true);
        settings
    }

    /// The answer to AUTH alone, where the backend's capabilities are known.
    pub fn mechanisms_with(&self, list: &CapabilityList) -> Vec<u8> {
        mechanisms(self.methods.common(list.methods))
    }

    /// The answer to CAPA: these lines, then the gateway's own capabilities. `clear`: STLS is possible.
    pub fn capa_with(&self, list: &CapabilityList, clear: bool) -> Vec<u8> {
        let starttls = if clear { self.starttls } else { StartTls::Off };
        let barred = starttls == StartTls::Only;
        let passwords = !barred && list.methods.has(Method::Plain);
        let words = list.words.iter().map(|word| &**word);
        let words = words.filter(|word| passwords || !word.eq_ignore_ascii_case(USER));
        let methods = self.methods.common(list.methods);
        // As in nginx, a server without any method has an empty list.
        let sasl = (!barred && (!methods.is_empty() || self.methods.is_empty()))
            .then(|| sasl_line(methods));
        let stls = (starttls != StartTls::Off).then_some(&b"STLS"[..]);
        lines(CAPABILITIES, words.chain(sasl.as_deref()).chain(stls))
    }
}

/// The answer to AUTH alone.
fn mechanisms(methods: Methods) -> Vec<u8> {
    lines(METHODS, client::names(methods).map(str::as_bytes))
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
fn lines<'a>(first: &[u8], words: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut reply = first.to_vec();
    for line in words {
        reply.extend_from_slice(line);
        reply.extend_from_slice(b"\r\n");
    }
    reply.extend_from_slice(END);
    reply
}
