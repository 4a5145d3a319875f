//! The replies and limits of one server that depend on its configuration, made when that is loaded.

use super::reply;
use crate::config::{Methods, Server, StartTls, settings};
use crate::proto::CapabilityList;
use crate::proto::login::Bytes;
use crate::proto::sasl::client;
use crate::proto::strings::{Sender, string};
use crate::proto::tally::Tally;

/// The capabilities that every server announces (RFC 5804, section 1.7), with values for a list without them.
const MANDATORY: [(&str, &str); 3] = [
    ("IMPLEMENTATION", "portcullis"),
    ("SIEVE", ""),
    ("VERSION", "1.0"),
];

/// One server's replies and limits.
#[derive(Debug)]
pub struct Settings {
    /// The capabilities in clear text, without the response after them.
    pub capability: Vec<u8>,
    /// The same inside TLS.
    pub capability_tls: Vec<u8>,
    /// `sieve_auth`.
    pub methods: Methods,
    /// `starttls`.
    pub starttls: StartTls,
    /// `max_errors` and `max_commands`.
    pub tally: Tally,
}

impl Settings {
    /// The settings of a server.
    pub fn of(server: &Server, own: &settings::Sieve) -> Self {
        let mut settings = Settings {
            capability: Vec::new(),
            capability_tls: Vec::new(),
            methods: own.sieve_auth,
            starttls: server.ssl.starttls,
            tally: Tally::new(server.mail.max_errors, server.mail.max_commands),
        };
        let lines: Vec<Bytes> = own.sieve_capabilities.words().iter().map(line).collect();
        let list = CapabilityList::configured(&lines);
        settings.capability = settings.capability_with(&list, false);
        settings.capability_tls = settings.capability_with(&list, true);
        settings
    }

    /// These lines, then the gateway's own capabilities.
    pub fn capability_with(&self, list: &CapabilityList, secure: bool) -> Vec<u8> {
        let starttls = if secure { StartTls::Off } else { self.starttls };
        let mut lines = Vec::new();
        let mut add = |line: &[u8]| {
            lines.extend_from_slice(line);
            lines.extend_from_slice(b"\r\n");
        };
        list.words.iter().for_each(|line| add(line));
        for (name, value) in MANDATORY {
            let is_it = |line: &Bytes| {
                reply::string(line)
                    .is_some_and(|(own, _)| own.eq_ignore_ascii_case(name.as_bytes()))
            };
            if !list.words.iter().any(is_it) {
                add(format!("\"{name}\" \"{value}\"").as_bytes());
            }
        }
        let methods = match starttls {
            // RFC 5804, section 1.7: the list may be empty where STARTTLS must come first.
            StartTls::Only => Methods::default(),
            StartTls::Off | StartTls::On => self.methods.common(list.methods),
        };
        let names: Vec<_> = client::names(methods).collect();
        add(format!("\"SASL\" \"{}\"", names.join(" ")).as_bytes());
        if starttls != StartTls::Off {
            add(b"\"STARTTLS\"");
        }
        lines
    }
}

/// The line of a configured capability: `name value`, or a name.
fn line(word: &Bytes) -> Bytes {
    let string = |text| string(text, Sender::Server);
    let line = match memchr::memchr(b' ', word) {
        Some(space) => [&*string(&word[..space]), b" ", &string(&word[space + 1..])].concat(),
        None => string(word),
    };
    line.into()
}
