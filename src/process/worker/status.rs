//! The status pages of a worker: what they show of each generation, and where they listen.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::generation::Generation;
use super::registries::Registries;
use crate::admin::{
    Access, Admin, Certificate, InForce, Listening, ProcessSource, ServerInForce, State,
};
use crate::base::Address;
use crate::config::{Config, OwnFile, TlsFile};
use crate::log::recent_errors;
use crate::monitor::{ReloadKind, ServerKey};
use crate::process::handover::{Cause, ProcessFiles, Reloaded, StatusSockets};
use crate::tls::CertificateFacts;

/// The status pages. They exist from the first configuration on that has `status`.
#[derive(Debug, Default)]
pub struct Status {
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    state: Arc<State>,
    admin: Admin,
}

/// What was handed over for the pages of one generation.
#[derive(Debug, Default)]
pub struct StatusParts {
    sockets: Vec<(Address, OwnedFd)>,
    process: Option<ProcessFiles>,
}

impl StatusParts {
    /// Takes the sockets of `status` from those of a configuration.
    pub fn take(
        config: &Config,
        sockets: &mut Vec<(Address, OwnedFd)>,
        process: Option<ProcessFiles>,
    ) -> Self {
        let is_status = |address: &Address| {
            let mut own = config.status_sockets.iter();
            own.any(|socket| socket.address == *address)
        };
        let (own, others) = std::mem::take(sockets)
            .into_iter()
            .partition(|(address, _)| is_status(address));
        *sockets = others;
        Self {
            sockets: own,
            process,
        }
    }
}

impl Status {
    /// Shows a generation that is in force, on the addresses of its configuration. Returns the line for the log if that is not possible.
    pub fn follow(
        &mut self,
        generation: &Generation,
        number: u64,
        registries: &Registries,
        parts: StatusParts,
    ) -> Option<String> {
        let monitor = registries.monitor.get()?;
        let running = match &self.running {
            Some(running) => running,
            None => {
                let state = Arc::new(State::new(Arc::clone(monitor)));
                match Admin::start(Arc::clone(&state)) {
                    Ok(admin) => {
                        recent_errors().record();
                        self.running.insert(Running { state, admin })
                    }
                    Err(error) => {
                        return Some(format!(
                            "the thread of \"status\" cannot be started: {error}"
                        ));
                    }
                }
            }
        };
        let Running { state, admin } = running;
        if let Some(files) = parts.process {
            state.set_process(ProcessSource::new(files.memory, files.descriptors));
        }
        state.put_in_force(in_force(generation, number));
        let lines = &generation.config.core.status;
        let sockets = parts.sockets.into_iter();
        let listening = sockets.filter_map(|(address, socket)| {
            let line = lines.iter().find(|line| line.address == address)?;
            Some(Listening {
                access: Access::of(&address, line.token.clone()),
                address,
                socket,
            })
        });
        admin.listen(listening.collect());
        None
    }

    /// Counts the end of a reload.
    pub fn reloaded(&self, reloaded: Reloaded) {
        let Some(Running { state, .. }) = &self.running else {
            return;
        };
        let kind = match reloaded.cause {
            Cause::Reload => ReloadKind::Configuration,
            Cause::Certificates => ReloadKind::Certificates,
        };
        let refusal = reloaded.refusal.map(Into::into);
        state.monitor.reloads.note(kind, refusal);
    }

    /// No more clients are accepted.
    pub fn quit(&self, sockets: StatusSockets) {
        let Some(Running { state, admin }) = &self.running else {
            return;
        };
        state.quit();
        if sockets == StatusSockets::Closed {
            admin.listen(Vec::new());
        }
    }
}

/// What the pages show of a generation.
fn in_force(generation: &Generation, number: u64) -> InForce {
    let config = &generation.config;
    let routes = config.sockets.iter().flat_map(|socket| &socket.routes);
    let servers = routes.map(|route| ServerInForce {
        key: ServerKey {
            address: Arc::from(&*route.name),
            protocol: route.server.protocol(),
        },
        name: String::from_utf8_lossy(&route.server.name).into_owned(),
    });
    InForce {
        number,
        since: SystemTime::now(),
        servers: servers.collect(),
        groups: generation.groups(),
        limit_zones: generation.limit_zones(),
        certificates: certificates(config),
    }
}

/// The certificates of all servers, each once.
fn certificates(config: &Config) -> Vec<Certificate> {
    let routes = config.sockets.iter().flat_map(|socket| &socket.routes);
    let materials = routes.filter_map(|route| route.tls.tls());
    let files = materials.flat_map(|material| {
        let pairs = material.pairs.iter().map(|(chain, _)| chain);
        let commands = material.command_files.own.iter();
        pairs.chain(commands.filter_map(|own| match own {
            OwnFile::Certificate(file) => Some(file),
            OwnFile::PrivateKey(_) => None,
        }))
    });
    let mut met: HashSet<(&PathBuf, Vec<u8>)> = HashSet::new();
    let files = files.filter(|file| met.insert(key(file)));
    let certificates = files.filter_map(|file| {
        Some(Certificate {
            file: file.path.clone(),
            facts: CertificateFacts::of_chain(&file.bytes)?,
        })
    });
    certificates.collect()
}

/// Identifies a file, and one within the configuration by its content.
fn key(file: &TlsFile) -> (&PathBuf, Vec<u8>) {
    let is_inline = file.path.as_os_str() == "data:";
    let content = is_inline.then(|| file.bytes.to_vec());
    (&file.path, content.unwrap_or_default())
}
