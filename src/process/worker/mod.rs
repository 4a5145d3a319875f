//! The worker: the process that meets the internet, without privileges. All it has it gets from the master.
//!
//! It is this program again, started by the master with one end of a socket pair as its standard input. It takes its settings and
//! the first configuration, gives up what it does not need (`privileges`), and only then starts threads and serves.

mod acceptor;
mod acceptors;
mod builder;
mod embedded;
mod generation;
mod instance;
mod loading;
mod memory;
mod orders;
mod registries;
mod serve;
mod session_count;
mod start;
mod status;
mod threads;

pub use self::embedded::Embedded;
pub use self::generation::Generation;
pub use self::registries::Registries;
pub use self::start::{FATAL, run, run_in_thread};

use std::ffi::OsStr;

/// What the title of a worker ends with.
const TITLE: &str = ": worker process";

/// The name under which the master starts a worker, which is what ps(1) shows: nginx's.
pub fn title(program: &str) -> String {
    format!("{program}{TITLE}")
}

/// Whether this process was started as a worker.
#[must_use]
pub fn is_worker(name: Option<&OsStr>) -> bool {
    name.is_some_and(|name| name.as_encoded_bytes().ends_with(TITLE.as_bytes()))
}
