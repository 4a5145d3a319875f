//! Figures about size: a map of a million users, ten thousand certificates, a group that loses a backend, an attack on passwords, and
//! clients that say nothing; and the cost of `status`.
//!
//! Unlike the scenarios of the catalog, these have targets of their own and nothing to compare with in nginx.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{Gateway, wait_until};

use crate::failure::Failure;
use crate::process_tree::Tree;

pub mod attack;
pub mod held;
pub mod kill;
pub mod map;
pub mod sni;
pub mod status;

/// Starts a gateway, and returns it with the time until it serves.
fn start(main: &str, mail: &str) -> (Gateway, Duration) {
    let begun = Instant::now();
    let gateway = Gateway::start_with(main, mail);
    (gateway, begun.elapsed())
}

/// Reloads a gateway, and returns the time until the new configuration is in force.
fn reload(gateway: &Gateway) -> Duration {
    let path = gateway.folder().join("error.log");
    let count = || {
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        log.matches("reconfigured").count()
    };
    let before = count();
    let begun = Instant::now();
    gateway.signal(Signal::SIGHUP);
    wait_until("the reload", || count() > before);
    begun.elapsed()
}

/// The memory of all processes of a gateway (PSS), in bytes.
fn memory(gateway: &Gateway) -> Result<u64, Failure> {
    Tree::new(gateway.pid()).memory()
}

fn print(what: &str, figure: impl std::fmt::Display) {
    println!("  {what:44} {figure:>10}");
}

/// Seconds, for [`print`].
fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

/// Megabytes, for [`print`].
fn megabytes(bytes: u64) -> String {
    (bytes / 1_000_000).to_string()
}
