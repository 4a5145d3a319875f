//! The directive table: one file of rows per nginx module.

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

use super::sparse::Sparse;

/// The directives written in the main context and in `events {}`.
#[derive(Clone, Debug, Default)]
pub struct MainScope {
    /// The main context.
    pub core: core::CoreWritten,
    /// `events {}`
    pub events: events::EventsWritten,
}

/// The directives written in `mail {}`, or in one of its `server {}` blocks.
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
