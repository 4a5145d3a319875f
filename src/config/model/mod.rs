//! Plain values that the loader makes and the rest of the program reads, and the traits by which the loader asks the machine.
//!
//! Below `schema`: its readers produce these values, and the structs that it generates hold them. `Config` and `Server` consist of
//! those structs, so they are in `load`.

mod access;
mod affinity;
mod cidr;
mod conf_command;
mod files;
mod geo;
mod geo_builder;
mod glob;
mod health_check;
mod health_match;
mod key_table;
mod limit;
mod limit_store;
mod listen;
mod log_target;
mod mail_log;
mod map;
mod map_builder;
mod messages;
mod options;
mod origin;
mod pattern;
mod peers;
mod proxy_pass;
mod request_variable;
mod sasl;
mod sent_tlv;
mod static_auth;
mod status;
#[cfg(test)]
pub mod testing;
mod tls;
mod upstream_group;
mod values;
mod variable;
mod variable_names;
mod versions;
mod world;

pub use access::{AccessAction, AccessRule};
pub use affinity::{Affinity, Mask};
pub use cidr::{Cidr, masked};
pub use conf_command::{Command, CommandFile, CommandFiles, OwnFile, Place};
pub use files::{NamedFile, PassPhrases, TlsFile};
pub use geo_builder::GeoBuilder;
pub use health_check::HealthCheck;
pub use health_match::{Expectation, HealthMatch};
pub use limit::{
    AuthAction, AuthRule, ConnRule, LimitPrefix, LimitRules, LimitZone, Limits, Rate, SessionRule,
    Stage, UsesZone, ZoneKey, ZoneKind, stage_of,
};
pub use limit_store::{LimitStore, StoreLogin, without_password};
pub use listen::{KeepAlive, Listen, SocketOptions};
pub use log_target::{LineFormat, LogDestination, LogTarget, SyslogTarget};
pub use mail_log::{LogBuffer, LogEscape, LogEvents, LogFormat, MailLog};
pub use map_builder::{MapBuilder, Read};
pub use messages::{ColorMode, Format, Messages};
pub use options::{Options, PidOption};
pub use origin::Origin;
pub use pattern::{PlainPattern, compile as compile_pattern};
pub use peers::{AuthUrl, Resolver, unbracketed};
pub use proxy_pass::{BackendAddress, ProxyPass, ProxyPassText, ProxyRoute, RouteText};
pub use request_variable::RequestVariable;
pub use sasl::{Method, Methods};
pub use sent_tlv::SentTlv;
pub use static_auth::{
    AddedHeader, AnsweringBlock, RewriteCondition, RewritePattern, RewriteStep, StaticAuth,
    StaticReply,
};
pub use status::{DEFAULT_MODE, StatusListen, StatusToken};
pub use tls::{ClientTls, SessionCache, TlsFault, TlsMaterial, TlsMode, Verify};
pub use upstream_group::{
    Admission, Balancing, ResolvedName, Upstream, UpstreamGroup, UpstreamServer,
};
pub use values::{
    Alpn, BackendTls, BareNewlines, Capabilities, DebugPoints, ProxyProtocol, ProxySmtpAuth,
    ProxySmtpHelo, StartTls, User, VerifyClient, Xclient,
};
pub use variable::{
    Defined, Found, Part, Step, Template, TemplateError, Variable, VariableBlock, VariableSource,
};
pub use variable_names::{MessageField, SessionField, SessionVariable};
pub use versions::{NamedVersions, TlsVersions};
pub use world::{Files, Names, Nowhere, TlsProbes, World};
