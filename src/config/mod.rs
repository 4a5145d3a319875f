//! From the text of a configuration to a `Config`, which never changes. Knows the machine only through [`world::World`].
//!
//! `grammar` and `statement` read the language, `apply` walks the statements in nginx's order and fills the scopes of `modules`,
//! `resolve` merges them at the end of `mail {}`, `plan` finds the sockets. `dump` writes a configuration down again.

pub mod load;
pub mod model;
pub mod openssl;
pub mod schema;
pub mod show;
pub mod syntax;

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Level;
use crate::config::load::report::{Report, Stop};
use crate::config::schema::modules::MainScope;
use crate::config::schema::modules::core::Core;
use crate::config::schema::modules::events::Events;

pub use crate::config::load::report::Faults;
pub use crate::config::load::server::Server;
pub use crate::config::load::tls::client::ClientTls;
pub use crate::config::model::log_target::{LogDestination, LogTarget, SyslogTarget};
pub use crate::config::model::tls::{TlsFault, TlsFile, TlsMaterial, TlsVersions};
pub use crate::config::model::world::World;
pub use crate::config::schema::modules::proxy::{ProxyProtocol, ProxySmtpAuth};
pub use crate::config::schema::modules::proxy_ssl::BackendTls;
pub use crate::config::schema::modules::ssl::{StartTls, VerifyClient};
pub use crate::config::schema::values::auth_url::AuthUrl;
pub use crate::config::schema::values::resolver::Resolver;
pub use crate::config::schema::values::sasl::{Method, Methods};
pub use crate::config::schema::values::upstream::Upstream;
pub use crate::config::syntax::diagnostic::Diagnostic;

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
    pub error_log: LogDestination,
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
    pub core: Core,
    /// `events {}`
    pub events: Events,
    /// The servers of `mail {}`, in the order written.
    pub servers: Vec<Arc<Server>>,
    /// What to bind.
    pub sockets: Vec<load::sockets::Socket>,
    /// The file of every `error_log` line, once, in the order written: nginx opens them all, those that no server uses too.
    pub log_files: Vec<PathBuf>,
}

/// A configuration and the files it was read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every file once, in the order opened: what `-T` prints.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// The directives as they were written.
    pub journal: load::record::Journal,
}

/// Reads and checks a configuration. Warnings go to `notes` as they come.
///
/// # Errors
/// The first thing that is wrong, as nginx finds it.
pub fn load(
    world: &dyn World,
    options: &Options,
    notes: &mut dyn FnMut(Diagnostic),
) -> Result<Loaded, Diagnostic> {
    read(world, options, Report::new(false, notes)).map_err(|faults| faults.first)
}

/// The same, and goes on behind the first fault.
///
/// # Errors
/// All that is wrong by itself.
pub fn test(
    world: &dyn World,
    options: &Options,
    notes: &mut dyn FnMut(Diagnostic),
) -> Result<Loaded, Faults> {
    read(world, options, Report::new(true, notes))
}

fn read<'a>(world: &'a dyn World, options: &Options, report: Report<'a>) -> Result<Loaded, Faults> {
    let mut walk = load::apply::Walk::new(world, options, report);
    let ended = walk.run(options);
    let load::apply::Walk {
        readers,
        main,
        mail,
        seen,
        doubt,
        journal,
        log_files,
        mut report,
        ..
    } = walk;
    let mut config = finish(options, &main, mail.merged, &mut report);
    config.log_files = log_files;
    // Where the walk was stopped nobody knows what would have come.
    let seen = seen.events || doubt.has("events");
    let _ = ended.and_then(|()| check_whole(&config, seen, &mut report));
    match report.into_faults() {
        Some(faults) => Err(faults),
        None => Ok(Loaded {
            config,
            files: readers.files,
            journal,
        }),
    }
}

/// What only holds once all is read: built-in names of files, logs that are inherited from the file itself, sockets.
fn finish(
    options: &Options,
    main: &MainScope,
    servers: Vec<Server>,
    report: &mut Report<'_>,
) -> Config {
    let mut core = Core::merge(&main.core, &main.core);
    let events = Events::merge(&main.events, &main.events);
    if let Some(masks) = core.worker_cpu_affinity
        && masks != 1
        && masks != core.worker_processes
    {
        let message = "the number of \"worker_processes\" is not equal to the number of \"worker_cpu_affinity\" masks, \
                       using last mask for remaining worker processes";
        report.warn(Diagnostic::bare(Level::Warn, message).after_syntax());
    }
    if core.pid.as_os_str().is_empty() {
        core.pid.clone_from(&options.pid);
    }
    if core.error_log.is_empty() {
        core.error_log = vec![LogTarget {
            destination: options.error_log.clone(),
            level: Level::Error,
        }];
    }
    let with_log = |mut server: Server| {
        if server.mail.error_log.is_empty() {
            server.mail.error_log.clone_from(&core.error_log);
        }
        Arc::new(server)
    };
    let servers: Vec<Arc<Server>> = servers.into_iter().map(with_log).collect();
    let sockets = load::sockets::sockets(&servers);
    Config {
        file: options.file.clone(),
        prefix: options.prefix.clone(),
        core,
        events,
        servers,
        sockets,
        log_files: Vec::new(),
    }
}

/// What is wrong although the text is right.
fn check_whole(config: &Config, events: bool, report: &mut Report<'_>) -> Result<(), Stop> {
    if !events {
        let message = "no \"events\" section in configuration";
        report.fault(Diagnostic::bare(Level::Emerg, message).after_syntax())?;
    }
    let (connections, sockets) = (config.events.worker_connections, config.sockets.len());
    if events && connections < sockets + 1 {
        let message = format!(
            "{connections} worker_connections are not enough for {sockets} listening sockets"
        );
        report.fault(Diagnostic::bare(Level::Emerg, message).after_syntax())?;
    }
    check_versions(config, report)
}

/// Where nginx would speak only what is never spoken here. Last of all, since nginx finds nothing wrong with it.
fn check_versions(config: &Config, report: &mut Report<'_>) -> Result<(), Stop> {
    let mute = |server: &&Arc<Server>| {
        server
            .tls
            .as_ref()
            .is_some_and(|tls| !tls.protocols.tls12 && !tls.protocols.tls13)
    };
    for server in config.servers.iter().filter(mute) {
        let (file, line) = (&server.file, server.line);
        let message = format!(
            "\"ssl_protocols\" leaves neither TLSv1.2 nor TLSv1.3 for server in {file}:{line}"
        );
        report.fault(Diagnostic::bare(Level::Emerg, message).after_syntax())?;
    }
    Ok(())
}
