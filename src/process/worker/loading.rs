//! From a configuration that the master has handed over to what serves it.

use std::future::pending;
use std::os::fd::OwnedFd;

use tokio::task::JoinHandle;

use super::acceptors::{Acceptors, Bound};
use super::generation::Generation;
use super::orders::Configured;
use super::registries::Registries;
use super::status::StatusParts;
use crate::base::{Address, Errno};
use crate::limit;
use crate::process::handover::Cause;

/// What was made from a configuration.
#[derive(Debug)]
pub struct Loaded {
    /// The number that a report names.
    pub number: u64,
    /// What serves.
    pub generation: Generation,
    /// Its sockets that are not open yet.
    pub listeners: Vec<Bound>,
    /// What its status pages need.
    pub status: StatusParts,
}

/// A configuration that is being loaded while the old one serves.
#[derive(Debug)]
pub struct Loading {
    /// The number that a report names.
    pub number: u64,
    /// What loads it.
    pub task: JoinHandle<(Configured, Result<Generation, String>)>,
}

/// Loads a configuration and makes what it needs, as the successor of `before`. Blocks.
pub fn build(
    mut configured: Configured,
    registries: &Registries,
    before: Option<&Generation>,
) -> (Configured, Result<Generation, String>) {
    registries
        .log_files
        .hand_over(std::mem::take(&mut configured.logs));
    let generation = match configured.load() {
        Ok(config) => {
            let names = configured.names();
            let rebound = before.and_then(|before| limit::rebound(&before.config, &config));
            if let Some(reason) = rebound {
                return (configured, Err(reason));
            }
            let built = match (configured.cause, before) {
                (Cause::Certificates, Some(before)) => before.renew(config, names, registries),
                _ => Generation::build(config, names, registries, before),
            };
            built.map_err(|error| error.to_string())
        }
        Err(fault) => Err(String::from_utf8_lossy(&fault.text()).into_owned()),
    };
    (configured, generation)
}

/// The end of the loading, if one goes on; else never.
pub async fn end_of(
    loading: &mut Option<Loading>,
) -> (u64, Result<(Configured, Generation), String>) {
    let Some(Loading { number, task }) = loading else {
        return pending().await;
    };
    let result = match task.await {
        Ok((configured, generation)) => generation.map(|generation| (configured, generation)),
        // It panicked, and nothing has changed.
        Err(error) => Err(error.to_string()),
    };
    (*number, result)
}

/// Moves the sockets that are not open yet to the threads that will accept on them.
pub fn listeners(
    mut sockets: Vec<(Address, OwnedFd)>,
    open: &mut Acceptors,
) -> Result<Vec<Bound>, String> {
    sockets.retain(|(address, _)| !open.has(address));
    let sockets = sockets.into_iter();
    let listeners = sockets.map(|(address, descriptor)| open.bind(descriptor, address));
    let listeners: Result<_, _> = listeners.collect();
    listeners.map_err(|error| format!("epoll_ctl() failed{}", Errno(&error)))
}
