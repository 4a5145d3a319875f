//! From the text of a configuration to a [`Config`], which never changes. Knows the machine only through [`World`].
//!
//! Six folders, the lower ones first: `syntax` (texts, statements, messages), `model` (plain values, and what is asked of the machine),
//! `schema` (the directive table) and `openssl` (what OpenSSL accepts) beside each other, `load` (from a file to a `Config`), `show` (writing
//! a configuration or its reference). [`Config`] and [`Server`] consist of structs that `schema` generates, so they are in
//! `load`. The rest of the program uses what is exported here.

mod load;
mod model;
mod openssl;
mod schema;
mod show;
mod syntax;

pub use load::config::{Config, Loaded};
pub use load::report::Faults;
pub use load::server::{AuthTarget, Authenticator, ProtocolSettings, Server};
pub use load::sockets::{self, Route, Socket};
pub use load::{load, test};

pub use model::choices::{ProxyProtocol, ProxySmtpAuth, ProxySmtpHelo, StartTls, VerifyClient};
pub use model::client_tls::{ClientTls, Verify};
pub use model::files::{PassPhrases, TlsFile};
pub use model::listen::{KeepAlive, SocketOptions};
pub use model::log_target::{LogDestination, LogTarget, SyslogTarget};
pub use model::options::Options;
pub use model::peers::{AuthUrl, Resolver, Upstream, unbracketed};
pub use model::sasl::{Method, Methods};
pub use model::tls::{Command, SessionCache, TlsFault, TlsMaterial};
pub use model::tls_mode::TlsMode;
pub use model::versions::TlsVersions;
pub use model::world::{Files, Names, TlsProbes, World};

pub use openssl::ciphers;

pub use schema::arguments::absolute;
pub use schema::contexts::Contexts;
pub use schema::row::Directive;
pub use schema::table::rows;

pub use show::dump::dump;
pub use show::reference;

pub use syntax::diagnostic::Diagnostic;
pub use syntax::parser::Parser;
pub use syntax::source::Source;
pub use syntax::statement::Item;

/// What holds in a server or in the file itself, a struct for each nginx module.
pub mod settings {
    pub use super::schema::modules::auth_http::AuthHttp;
    pub use super::schema::modules::core::Core;
    pub use super::schema::modules::events::Events;
    pub use super::schema::modules::imap::Imap;
    pub use super::schema::modules::mail::Mail;
    pub use super::schema::modules::pop3::Pop3;
    pub use super::schema::modules::proxy::Proxy;
    pub use super::schema::modules::realip::Realip;
    pub use super::schema::modules::smtp::Smtp;
    pub use super::schema::modules::ssl::Ssl;
}
