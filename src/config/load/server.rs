//! One server of `mail {}` after inheritance.

use std::sync::Arc;

use crate::base::Protocol;
use crate::config::schema::modules::{
    auth_http, imap, mail, pop3, proxy, proxy_ssl, realip, smtp, ssl,
};
use crate::config::{ClientTls, TlsMaterial};

/// One `server {}`: one struct per nginx module, a field per directive. What servers only inherit they share.
#[derive(Clone, Debug)]
pub struct Server {
    /// What it speaks.
    pub protocol: Protocol,
    /// The file of its `server {`.
    pub file: Arc<str>,
    /// The line of its `server {`.
    pub line: usize,
    /// Common to all protocols.
    pub mail: mail::Mail,
    /// TLS as written.
    pub ssl: Arc<ssl::Ssl>,
    /// TLS as data, where it is used.
    pub tls: Option<TlsMaterial>,
    /// TLS towards the authentication server, where its URL is `https://`.
    pub auth_tls: Option<ClientTls>,
    /// TLS towards the mail server behind it, where `proxy_ssl` is not off. Its name is for each connection to say.
    pub backend_tls: Option<ClientTls>,
    /// Whose PROXY headers are believed.
    pub realip: Arc<realip::Realip>,
    /// The authentication server.
    pub auth_http: Arc<auth_http::AuthHttp>,
    /// The mail server behind it.
    pub proxy: Arc<proxy::Proxy>,
    /// TLS towards it, as written.
    pub proxy_ssl: Arc<proxy_ssl::ProxySsl>,
    /// SMTP
    pub smtp: Arc<smtp::Smtp>,
    /// IMAP
    pub imap: Arc<imap::Imap>,
    /// POP3
    pub pop3: Arc<pop3::Pop3>,
}

impl Server {
    /// Whether the backend of `proxy_pass` decides about logins: there is no auth server.
    #[must_use]
    pub fn backend_authenticates(&self) -> bool {
        self.auth_http.auth_http.is_none()
    }

    /// The longest command of a client, in bytes.
    #[must_use]
    pub fn client_buffer(&self) -> usize {
        match self.protocol {
            Protocol::Smtp => self.smtp.smtp_client_buffer,
            Protocol::Imap => self.imap.imap_client_buffer,
            Protocol::Pop3 => self.pop3.pop3_client_buffer,
        }
    }
}
