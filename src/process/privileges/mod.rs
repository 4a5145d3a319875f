//! What a worker gives up before its first thread exists: root's identity, capabilities, the file system, most system calls.
//!
//! The order matters. Resource limits and the priority need root; so does clearing the bounding set. Landlock and the system call
//! filter come last, since they forbid what the other steps do. Nothing here is ever taken back: each restriction holds for all
//! threads that start later.

mod account;
mod capabilities;
mod file_system;
pub mod resources;
mod system_calls;

use std::io;

pub use account::Account;

use crate::base::Errno;

/// What a worker is restricted to. Displays as the worker's notice: `worker: uid 65534, gid 65534, no capabilities, …`.
#[derive(Debug)]
pub struct Restrictions(Vec<String>);

/// Whether the process leaves a core file when it crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreFiles {
    /// No: neither the disk nor another process of the same user gets to see its memory.
    Kept,
    /// Yes, as `worker_rlimit_core` has it.
    Written,
}

/// A step that must succeed fails. Displays as nginx's line: `setgid(65534) failed (1: Operation not permitted)`.
#[derive(Debug)]
pub struct PrivilegeError {
    call: String,
    error: io::Error,
}

impl PrivilegeError {
    fn of(call: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let call = call.into();
        move |error| Self { call, error }
    }
}

impl std::fmt::Display for PrivilegeError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} failed{}", self.call, Errno(&self.error))
    }
}

impl std::fmt::Display for Restrictions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "worker: {}", self.0.join(", "))
    }
}

impl Restrictions {
    /// Changes to the account, if there is one, and gives up all that needs no privilege to give up. Where the kernel lacks a
    /// restriction, the process continues without it, and the value says so. Must be called before the process has a second
    /// thread.
    ///
    /// # Errors
    /// The process keeps an identity or a capability that it must not have.
    pub fn apply(account: Option<&Account>, core_files: CoreFiles) -> Result<Self, PrivilegeError> {
        let mut held = Vec::new();
        let bounding = capabilities::clear_bounding_set();
        if let Some(account) = account {
            account.assume()?;
        }
        held.push(account::identity());
        capabilities::clear()?;
        held.push(match bounding {
            Ok(()) => "no capabilities".to_owned(),
            Err(_) => "no capabilities but a bounding set".to_owned(),
        });
        if core_files == CoreFiles::Written && resources::allow_core_files().is_err() {
            held.push("no core files".to_owned());
        }
        held.push(match rustix::thread::set_no_new_privs(true) {
            Ok(()) => "no new privileges".to_owned(),
            Err(error) => missing("no_new_privs", error.into()),
        });
        held.push(file_system::restrict());
        held.push(match system_calls::restrict() {
            Ok(()) => "system call filter".to_owned(),
            Err(error) => format!("no system call filter ({error})"),
        });
        Ok(Self(held))
    }
}

fn missing(what: &str, error: io::Error) -> String {
    format!("no {what}{}", Errno(&error))
}
