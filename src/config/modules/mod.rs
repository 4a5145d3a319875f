//! One file per nginx module: its rows.

pub mod auth_http;
pub mod core;
pub mod events;
pub mod imap;
pub mod mail;
pub mod pop3;
pub mod proxy;
pub mod proxy_ssl;
pub mod realip;
pub mod smtp;
pub mod ssl;
pub mod table;

use super::sparse::Sparse;

/// What the directives of the file itself and of `events {}` have written.
#[derive(Clone, Debug, Default)]
pub struct MainScope {
    /// The file itself.
    pub core: core::CoreWritten,
    /// `events {}`
    pub events: events::EventsWritten,
}

/// What the directives of `mail {}`, or of one `server {}` in it, have written.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub mail: mail::MailWritten,
    pub ssl: Sparse<ssl::SslWritten>,
    pub realip: Sparse<realip::RealipWritten>,
    pub auth_http: Sparse<auth_http::AuthHttpWritten>,
    pub proxy: Sparse<proxy::ProxyWritten>,
    pub proxy_ssl: Sparse<proxy_ssl::ProxySslWritten>,
    pub imap: Sparse<imap::ImapWritten>,
    pub pop3: Sparse<pop3::Pop3Written>,
    pub smtp: Sparse<smtp::SmtpWritten>,
}
