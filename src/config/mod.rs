//! From the text of a configuration to a [`Config`], which never changes. Accesses the machine only through [`World`].
//!
//! Six folders, the lower ones first: `syntax` (text, statements, messages), `model` (values, the interface to the machine),
//! `schema` (directive table) and, beside it, `openssl` (OpenSSL's rules), `load` (from a file to a `Config`), `show` (writing
//! a configuration or its reference). [`Config`] and [`Server`] consist of structs that `schema` generates, so they are in
//! `load`. The rest of the program uses the exports of this file.

mod load;
mod model;
mod openssl;
mod schema;
mod show;
mod syntax;

pub use load::config::{Config, Loaded};
pub use load::origins::Deciding;
pub use load::report::Faults;
pub use load::server::{AuthTarget, Authenticator, ProtocolSettings, Server};
pub use load::sockets::{self, Route, ServerId, Socket};
pub use load::static_auth::{AuthHttpAnswer, Unanswered};
pub use load::{certificate_warnings, load, test, tls_files};

#[cfg(test)]
pub use model::testing;
pub use model::{
    AccessAction, AccessRule, AddedHeader, Admission, Affinity, Alpn, AnsweringBlock, AuthAction,
    AuthRule, AuthUrl, BackendAddress, Balancing, BareNewlines, Cidr, ClientTls, ColorMode,
    Command, CommandFiles, ConnRule, Files, Format, Found, HealthCheck, HealthMatch, KeepAlive,
    LimitPrefix, LimitRules, LimitStore, LimitZone, Limits, LineFormat, LogBuffer, LogDestination,
    LogEscape, LogEvents, LogFormat, LogTarget, MailLog, Mask, MessageField, Messages, Method,
    Methods, Names, Options, Origin, OwnFile, Part, PassPhrases, PidOption, ProxyPass,
    ProxyProtocol, ProxyRoute, ProxySmtpAuth, ProxySmtpHelo, Rate, RequestVariable, ResolvedName,
    Resolver, RewriteCondition, RewritePattern, RewriteStep, RouteText, SentTlv, SessionCache,
    SessionField, SessionRule, SessionVariable, SocketOptions, Stage, StartTls, StaticAuth,
    StaticReply, StatusListen, StatusToken, Step as RouteStep, SyslogTarget, Template, TlsFault,
    TlsFile, TlsMaterial, TlsMode, TlsProbes, TlsVersions, Upstream, UpstreamGroup, UpstreamServer,
    UsesZone, Variable, VariableSource, Verify, VerifyClient, World, Xclient, ZoneKey, ZoneKind,
    unbracketed,
};
pub use openssl::certificate::Names as CertificateNames;
pub use openssl::{ciphers, pem};
pub use schema::table::rows;
pub use schema::values::backend_address;
pub use schema::{Contexts, Directive, absolute, similar};
pub use show::dump::{dump, dump_selected};
pub use show::json::{Output, TestResult};
pub use show::reference;
pub use show::selection::{NoSuchServer, Selection};
pub use show::settings::settings as settings_in_force;
pub use syntax::{Diagnostic, Ending, Item, Lint, Parser, Source, Span, Statement};

/// The settings of a server or of the main context, a struct for each nginx module.
pub mod settings {
    pub use super::schema::modules::{
        AuthHttp, Core, Events, Imap, Mail, Pop3, Proxy, Realip, Sieve, Smtp, Ssl,
    };
}
