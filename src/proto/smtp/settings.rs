//! What a server says to every client, made once when the configuration is loaded.

use crate::config::{Method, Methods, Server, StartTls};
use crate::proto::tally::Tally;

/// The fixed words and limits of one server.
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
    /// The backend of `proxy_pass` decides about logins: there is no `auth_http`.
    pub judged: bool,
}

impl Settings {
    /// Puts a server's words together.
    pub fn of(server: &Server) -> Self {
        let name = &server.mail.server_name;
        let methods = server.smtp.smtp_auth;
        let starttls = server.ssl.starttls;
        let words: Vec<&[u8]> = server
            .smtp
            .smtp_capabilities
            .iter()
            .map(|word| &**word)
            .collect();
        let auth = auth_line(methods);
        let ehlo = |auth: Option<&[u8]>, starttls: bool| {
            let lines = [&**name]
                .into_iter()
                .chain(words.iter().copied())
                .chain(auth);
            multiline(lines.chain(starttls.then_some(&b"STARTTLS"[..])).collect())
        };
        Settings {
            name: name.clone(),
            greeting: [b"220 ", &**name, b" ESMTP ready\r\n"].concat(),
            helo: [b"250 ", &**name, b"\r\n"].concat(),
            ehlo: match starttls {
                StartTls::Off => ehlo(auth.as_deref(), false),
                StartTls::On => ehlo(auth.as_deref(), true),
                StartTls::Only => ehlo(None, true),
            },
            ehlo_tls: ehlo(auth.as_deref(), false),
            methods,
            starttls,
            tally: Tally::new(server.mail.max_errors, server.mail.max_commands),
            judged: server.is_judged(),
        }
    }
}

/// `AUTH` and the mechanisms, always in nginx's order.
fn auth_line(methods: Methods) -> Option<Vec<u8>> {
    let mut line = b"AUTH".to_vec();
    for (method, word) in [
        (Method::Plain, " PLAIN"),
        (Method::Login, " LOGIN"),
        (Method::CramMd5, " CRAM-MD5"),
        (Method::External, " EXTERNAL"),
    ] {
        if methods.has(method) {
            line.extend_from_slice(word.as_bytes());
        }
    }
    (line.len() > 4).then_some(line)
}

/// `250-` before all lines but the last.
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
