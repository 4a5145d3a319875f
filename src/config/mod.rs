//! From the text of a configuration to a `Config`, which never changes. Knows the machine only through [`world::World`].
//!
//! `grammar` and `statement` read the language, `apply` walks the statements in nginx's order and fills the scopes of `modules`,
//! `resolve` merges them at the end of `mail {}`, `plan` finds the sockets.

pub mod address;
pub mod call;
pub mod diagnostic;
pub mod directive;
pub mod errno;
pub mod level;
pub mod log_target;
pub mod modules;
pub mod plan;
pub mod protocol;
pub mod server;
pub mod source;
pub mod tls;
pub mod value;
pub mod world;

use std::path::PathBuf;
use std::sync::Arc;

pub use address::Address;
pub use diagnostic::Diagnostic;
pub use errno::Errno;
pub use level::Level;
pub use log_target::{LogPlace, LogTarget, SyslogTarget};
pub use modules::proxy::{ProxyProtocol, ProxySmtpAuth};
pub use modules::ssl::{StartTls, VerifyClient};
pub use protocol::Protocol;
pub use server::Server;
pub use tls::{TlsFault, TlsFile, TlsMaterial, TlsVersions};
pub use value::auth_url::AuthUrl;
pub use value::sasl::{Method, Methods};
pub use value::upstream::Upstream;
pub use world::World;

/// What the command line says about the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// `portcullis`, or `nginx` when started so.
    pub program: &'static str,
    /// Where relative names of pid, logs and the main file start; ends in `/`.
    pub prefix: PathBuf,
    /// The main file, absolute.
    pub file: PathBuf,
    /// The text of `-g`.
    pub globals: Option<Vec<u8>>,
    /// The log of `-e`; the built-in one otherwise. Absolute, or `Stderr`.
    pub error_log: LogPlace,
    /// The pid file when the configuration names none; absolute.
    pub pid: PathBuf,
}

/// The whole configuration. Immutable, shared by `Arc`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The main file.
    pub file: PathBuf,
    /// The prefix.
    pub prefix: PathBuf,
    /// The directives of the file itself.
    pub core: modules::core::Core,
    /// `events {}`
    pub events: modules::events::Events,
    /// The servers of `mail {}`, in the order written.
    pub servers: Vec<Arc<Server>>,
    /// What to bind.
    pub sockets: Vec<plan::Socket>,
}

/// A configuration and the files it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every file once, in the order opened: what `-T` prints.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// Reads and checks a configuration. Warnings go to `notes` as they come.
///
/// # Errors
/// The first thing that is wrong, as nginx finds it.
pub fn load(
    _world: &dyn World,
    _options: &Options,
    _notes: &mut dyn FnMut(Diagnostic),
) -> Result<Loaded, Diagnostic> {
    Err(Diagnostic::bare(Level::Emerg, "not built yet"))
}
