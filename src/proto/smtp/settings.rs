//! The replies and limits of one server that depend on its configuration, made when that is loaded.

use crate::config::{Methods, Server, StartTls, settings};
use crate::proto::tally::Tally;
use crate::proto::{CapabilityList, sasl};

/// One server's replies and limits.
#[derive(Debug)]
pub struct Settings {
    /// `server_name`.
    pub name: Box<[u8]>,
    /// `220 … ESMTP ready`.
    pub greeting: Vec<u8>,
    /// The answer to HELO.
    pub helo: Vec<u8>,
    /// The answer to EHLO in clear text.
    pub ehlo: Vec<u8>,
    /// The answer to EHLO inside TLS.
    pub ehlo_tls: Vec<u8>,
    /// `smtp_auth`.
    pub methods: Methods,
    /// `starttls`.
    pub starttls: StartTls,
    /// `max_errors` and `max_commands`.
    pub tally: Tally,
    /// There is no `auth_http`: the backend of `proxy_pass` authenticates clients.
    pub backend_authenticates: bool,
}

impl Settings {
    /// The settings of a server.
    pub fn of(server: &Server, own: &settings::Smtp) -> Self {
        let name = &server.name;
        let mut settings = Settings {
            name: name.clone(),
            greeting: [b"220 ", &**name, b" ESMTP ready\r\n"].concat(),
            helo: [b"250 ", &**name, b"\r\n"].concat(),
            ehlo: Vec::new(),
            ehlo_tls: Vec::new(),
            methods: server.methods(),
            starttls: server.ssl.starttls,
            tally: Tally::new(server.mail.max_errors, server.mail.max_commands),
            backend_authenticates: server.backend_authenticates(),
        };
        let list = CapabilityList::configured(own.smtp_capabilities.words());
        settings.ehlo = settings.ehlo_with(&list, false);
        settings.ehlo_tls = settings.ehlo_with(&list, true);
        settings
    }

    /// The answer to EHLO: the server's name, these lines, then the gateway's own capabilities.
    pub fn ehlo_with(&self, list: &CapabilityList, secure: bool) -> Vec<u8> {
        let starttls = !secure && self.starttls != StartTls::Off;
        let auth = if starttls && self.starttls == StartTls::Only {
            None
        } else {
            auth_line(self.methods.common(list.methods))
        };
        let lines = [&*self.name]
            .into_iter()
            .chain(list.words.iter().map(|word| &**word))
            .chain(auth.as_deref())
            .chain(starttls.then_some(&b"STARTTLS"[..]));
        multiline(lines.collect())
    }
}

/// `AUTH` and the mechanisms, if there are any.
fn auth_line(methods: Methods) -> Option<Vec<u8>> {
    let mut line = b"AUTH".to_vec();
    for name in sasl::client::names(methods) {
        line.push(b' ');
        line.extend_from_slice(name.as_bytes());
    }
    (line.len() > 4).then_some(line)
}

/// A reply with `250-` before all lines but the last.
fn multiline(lines: Vec<&[u8]>) -> Vec<u8> {
    let mut reply = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        reply.extend_from_slice(if i + 1 < lines.len() {
            b"250-"
        } else {
            b"250 "
        });
        reply.extend_from_slice(line);
        reply.extend_from_slice(b"\r\n");
    }
    reply
}
