//! The replies and limits of one server that depend on its configuration, made when that is loaded.

use crate::config::{Method, Methods, Server, StartTls, settings};
use crate::proto::Fields;
use crate::proto::tally::Tally;
use crate::proto::{CapabilityList, sasl};

/// One server's replies and limits.
#[derive(Debug)]
pub struct Settings {
    /// The answer to CAPABILITY in clear text, without its tagged line.
    pub capability: Vec<u8>,
    /// The same inside TLS.
    pub capability_tls: Vec<u8>,
    /// The answer to ID, without its tagged line.
    pub id: Vec<u8>,
    /// `imap_auth`.
    pub methods: Methods,
    /// `starttls`.
    pub starttls: StartTls,
    /// `max_errors` and `max_commands`.
    pub tally: Tally,
}

impl Settings {
    /// The settings of a server.
    pub fn of(server: &Server, own: &settings::Imap) -> Self {
        let id: Fields = own.imap_id_send.iter().cloned().collect();
        let mut settings = Settings {
            capability: Vec::new(),
            capability_tls: Vec::new(),
            id: [b"* ID ", &*id.list(), b"\r\n"].concat(),
            methods: server.methods(),
            starttls: server.ssl.starttls,
            tally: Tally::new(server.mail.max_errors, server.mail.max_commands),
        };
        let list = CapabilityList::configured(own.imap_capabilities.words());
        settings.capability = settings.capability_with(&list, false);
        settings.capability_tls = settings.capability_with(&list, true);
        settings
    }

    /// The answer to CAPABILITY: these words, then the gateway's own capabilities.
    pub fn capability_with(&self, list: &CapabilityList, secure: bool) -> Vec<u8> {
        let clear = !secure && self.starttls != StartTls::Off;
        let barred = clear && self.starttls == StartTls::Only;
        let mut line = b"* CAPABILITY".to_vec();
        let mut add = |word: &[u8]| {
            line.push(b' ');
            line.extend_from_slice(word);
        };
        list.words.iter().for_each(|word| add(word));
        if !barred {
            for name in sasl::client::names(self.methods.common(list.methods)) {
                add(&[b"AUTH=", name.as_bytes()].concat());
            }
        }
        if clear {
            add(b"STARTTLS");
        }
        if barred || !list.methods.has(Method::Plain) {
            add(b"LOGINDISABLED");
        }
        line.extend_from_slice(b"\r\n");
        line
    }
}
