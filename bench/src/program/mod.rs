//! The programs that are measured: what each can do, how it is configured and started.

pub mod dovecot;
pub mod floor;
pub mod haproxy;
pub mod nginx;
pub mod running;
pub mod workspace;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Context as _, Failure};
use crate::scenario::{Kind as Does, Scenario};
use crate::server::{Addresses, Server};
use crate::sinks::Sinks;

/// A program that can be started.
#[derive(Debug, Clone)]
pub struct Program {
    /// The name in the table.
    pub name: String,
    /// The binary.
    pub path: PathBuf,
    /// How to configure and start it.
    pub kind: Kind,
}

/// How to configure and start a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// nginx with its mail module.
    Nginx,
    /// portcullis.
    Portcullis,
    /// HAProxy, which forwards bytes without a login.
    HaProxy,
    /// Dovecot as a proxy for IMAP and POP3.
    Dovecot,
    /// The relay of this program, the lower limit.
    Floor,
}

/// What a start depends on.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The addresses to listen on.
    pub addresses: Addresses,
    /// The servers behind the program.
    pub sinks: Sinks,
    /// Threads, or worker processes of one thread.
    pub threads: usize,
    /// Sessions that are open at the same time.
    pub sessions: usize,
    /// Whether to run in one process (`master_process off`).
    pub single: bool,
}

impl Program {
    /// The program at this path, whose file name gives the kind.
    #[must_use]
    pub fn new(name: &str, path: PathBuf) -> Self {
        let kind = match path.file_name().and_then(|name| name.to_str()) {
            Some("nginx") => Kind::Nginx,
            Some("haproxy") => Kind::HaProxy,
            Some("dovecot") => Kind::Dovecot,
            _ => Kind::Portcullis,
        };
        Self {
            name: name.to_owned(),
            path,
            kind,
        }
    }

    /// The relay, which is part of this program.
    #[must_use]
    pub fn floor(own: &Path) -> Self {
        Self {
            name: "floor".to_owned(),
            path: own.to_owned(),
            kind: Kind::Floor,
        }
    }

    /// The first line of its version.
    ///
    /// # Errors
    /// When the program cannot be run.
    pub fn version(&self) -> Result<String, Failure> {
        let option = match self.kind {
            Kind::Nginx | Kind::Portcullis | Kind::HaProxy => "-v",
            Kind::Dovecot => "--version",
            Kind::Floor => return Ok("an epoll relay of one thread".to_owned()),
        };
        let output = Command::new(&self.path)
            .arg(option)
            .output()
            .context(|| format!("run {}", self.path.display()))?;
        let text = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned())
    }

    /// Whether it takes part in a scenario.
    #[must_use]
    pub fn takes_part(&self, scenario: &Scenario) -> bool {
        let session = scenario.session();
        match (self.kind, scenario.kind) {
            (Kind::Nginx | Kind::Portcullis, _) => true,
            (_, Does::Reloads { .. } | Does::Configuration(_)) => false,
            // It is the limit for small sessions only, and has one thread.
            (Kind::Floor, Does::Load { clients: None, .. }) => {
                scenario.threads.is_none() && session.is_some_and(|s| self.kind.serves(s.server))
            }
            (Kind::Floor, _) => false,
            (Kind::HaProxy | Kind::Dovecot, _) => {
                session.is_some_and(|session| self.kind.serves(session.server))
            }
        }
    }
}

impl Kind {
    /// Whether it has this server.
    #[must_use]
    pub fn serves(self, server: Server) -> bool {
        match self {
            Self::Nginx | Self::Portcullis | Self::HaProxy => true,
            Self::Dovecot => matches!(server, Server::Imap | Server::Pop3),
            Self::Floor => server.certificate().is_none(),
        }
    }
}
