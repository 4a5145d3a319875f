//! Limits, priority and processors of a worker, as the configuration has them.

use std::path::Path;
use std::{fmt, io};

use nix::sys::resource::{Resource, setrlimit};
use rustix::process::{DumpableBehavior, set_dumpable_behavior, setpriority_process};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::{Deserialize, Serialize};

use crate::base::Errno;
use crate::process::limits::DescriptorLimit;

/// A call that failed; the worker continues. Displays as nginx's line: `setpriority(-5) failed (13: Permission denied)`.
#[derive(Debug)]
pub struct ResourceError {
    call: String,
    error: io::Error,
}

impl fmt::Display for ResourceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} failed{}", self.call, Errno(&self.error))
    }
}

fn named<T>(call: impl FnOnce() -> String, result: io::Result<T>) -> Result<T, ResourceError> {
    result.map_err(|error| ResourceError {
        call: call(),
        error,
    })
}

/// `worker_rlimit_nofile` for so many workers of nginx; without it the soft limit is raised to the hard one. Where the kernel does
/// not allow the product, as much as possible, and at least the limit of one worker.
///
/// # Errors
/// A limit above the hard one needs CAP_SYS_RESOURCE.
pub fn set_open_files(per_worker: Option<u64>, workers: usize) -> Result<(), ResourceError> {
    let now = DescriptorLimit::now();
    let Some(per_worker) = per_worker else {
        return set_open_files_limit(now.hard);
    };
    let product = per_worker.saturating_mul(workers as u64);
    set_open_files_limit(product).or_else(|_| set_open_files_limit(per_worker.max(now.hard)))
}

fn set_open_files_limit(limit: u64) -> Result<(), ResourceError> {
    let now = DescriptorLimit::now();
    if (now.soft, now.hard) == (limit, limit) {
        return Ok(());
    }
    let set = setrlimit(Resource::RLIMIT_NOFILE, limit, limit).map_err(io::Error::from);
    named(|| format!("setrlimit(RLIMIT_NOFILE, {limit})"), set)
}

/// `worker_priority`
///
/// # Errors
/// A more favourable priority needs CAP_SYS_NICE.
pub fn set_priority(priority: i32) -> Result<(), ResourceError> {
    let set = setpriority_process(None, priority).map_err(io::Error::from);
    named(|| format!("setpriority({priority})"), set)
}

/// `worker_rlimit_core`, in bytes.
///
/// # Errors
/// A limit above the hard one needs CAP_SYS_RESOURCE.
pub fn set_core_limit(bytes: u64) -> Result<(), ResourceError> {
    let set = setrlimit(Resource::RLIMIT_CORE, bytes, bytes).map_err(io::Error::from);
    named(|| format!("setrlimit(RLIMIT_CORE, {bytes})"), set)
}

/// Allows core files after a change of the user. The memory of a process that has changed its user is otherwise kept from other
/// processes of that user, so this is done only where core files are asked for.
///
/// # Errors
/// The kernel refuses.
pub fn allow_core_files() -> Result<(), ResourceError> {
    let set = set_dumpable_behavior(DumpableBehavior::Dumpable).map_err(io::Error::from);
    named(|| "prctl(PR_SET_DUMPABLE)".to_owned(), set)
}

/// `working_directory`
///
/// # Errors
/// The folder is missing or closed to the worker's user.
pub fn enter(folder: &Path) -> Result<(), ResourceError> {
    let entered = std::env::set_current_dir(folder);
    named(|| format!("chdir(\"{}\")", folder.display()), entered)
}

/// The processors that one thread may run on, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processors(Vec<u16>);

impl Processors {
    /// A set of processors.
    pub fn new(numbers: Vec<u16>) -> Self {
        Self(numbers)
    }

    /// Binds the calling thread to them.
    ///
    /// # Errors
    /// None of them exists or is allowed.
    pub fn bind(&self) -> Result<(), ResourceError> {
        let mut set = CpuSet::new();
        for number in &self.0 {
            set.set(usize::from(*number));
        }
        let bound = sched_setaffinity(None, &set).map_err(io::Error::from);
        named(|| "sched_setaffinity()".to_owned(), bound)
    }
}
