//! The whole configuration, and the files it was loaded from.
//!
//! Like [`Server`], it consists of structs that `schema` generates, so it cannot be in `model`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::server::Server;
use super::sockets::Socket;
use super::static_auth::AuthHttpAnswer;
use super::written::Written;
use crate::config::model::LogTarget;
use crate::config::schema::modules::{Core, Events};

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
    /// The pid file: `pid`, or the built-in one.
    pub pid: PathBuf,
    /// The main `error_log`. The log of `-e` is in it if no other is a file or standard error.
    pub error_log: Vec<LogTarget>,
    /// The servers of `mail {}`, in the order written.
    pub servers: Vec<Arc<Server>>,
    /// What answers each `auth_http`, in the order written.
    pub auth_http: Vec<AuthHttpAnswer>,
    /// The sockets of the servers.
    pub sockets: Vec<Socket>,
    /// The sockets of `status`, which have no routes.
    pub status_sockets: Vec<Socket>,
    /// The file of every `error_log` line, once, in the order written: nginx opens all of them, those that no server uses too.
    pub log_files: Vec<PathBuf>,
}

impl Config {
    /// All sockets to bind: those of the servers and those of `status`.
    pub fn all_sockets(&self) -> impl Iterator<Item = &Socket> {
        self.sockets.iter().chain(&self.status_sockets)
    }
}

/// A configuration and the files it was read from.
#[derive(Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every file once, in the order opened, as `-T` prints them.
    pub files: Vec<(PathBuf, Arc<Vec<u8>>)>,
    /// The directives as written.
    pub written: Written,
}

/// Prints the configuration, not the files, which may contain private keys.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
