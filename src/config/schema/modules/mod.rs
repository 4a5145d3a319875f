//! The directive table: one file of rows per nginx module.

pub mod access;
pub mod auth_http;
pub mod core;
pub mod events;
pub mod health_match;
pub mod imap;
pub mod limit;
pub mod log;
pub mod mail;
pub mod pop3;
pub mod proxy;
pub mod proxy_ssl;
pub mod realip;
pub mod sieve;
pub mod smtp;
pub mod ssl;
pub mod upstream;

pub use access::Access;
pub use auth_http::AuthHttp;
pub use core::Core;
pub use events::Events;
pub use imap::Imap;
pub use limit::Limit;
pub use log::Log;
pub use mail::Mail;
pub use pop3::Pop3;
pub use proxy::Proxy;
pub use proxy_ssl::ProxySsl;
pub use realip::Realip;
pub use sieve::Sieve;
pub use smtp::Smtp;
pub use ssl::Ssl;
