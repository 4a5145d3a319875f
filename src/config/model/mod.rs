//! Plain values that the loader makes and the rest of the program reads, and the traits by which the loader asks the machine.
//!
//! Below `schema`: its readers produce these values, and the structs that it generates hold them. `Config` and `Server` consist of
//! those structs, so they are in `load`.

mod capabilities;
mod choices;
mod cidr;
mod client_tls;
mod files;
mod glob;
mod listen;
mod log_target;
mod options;
mod peers;
mod sasl;
mod tls;
mod tls_mode;
mod user;
mod versions;
mod world;

pub use capabilities::Capabilities;
pub use choices::{
    BackendTls, DebugPoints, ProxyProtocol, ProxySmtpAuth, ProxySmtpHelo, StartTls, VerifyClient,
};
pub use cidr::{Cidr, masked};
pub use client_tls::{ClientTls, Verify};
pub use files::{NamedFile, PassPhrases, TlsFile};
pub use listen::{KeepAlive, Listen, SocketOptions};
pub use log_target::{LogDestination, LogTarget, SyslogTarget};
pub use options::Options;
pub use peers::{AuthUrl, Resolver, Upstream, unbracketed};
pub use sasl::{Method, Methods};
pub use tls::{Command, SessionCache, TlsFault, TlsMaterial};
pub use tls_mode::TlsMode;
pub use user::User;
pub use versions::{NamedVersions, TlsVersions};
pub use world::{Files, Names, Nowhere, TlsProbes, World};
