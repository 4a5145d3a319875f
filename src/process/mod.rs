//! The process: start, reload, signals, end. The only layer that depends on all others.
//!
//! There is one process. Privileged operations (reading files, binding) happen in `start` and `reload::prepare` alone, and all
//! reading goes through `config::World`.

mod acceptor;
mod acceptors;
mod bind;
mod bootstrap;
mod builder;
mod daemon;
mod embedded;
mod generation;
mod instance;
mod limits;
pub mod machine;
mod pid;
mod process_log;
mod registries;
mod reload;
mod serve;
mod service;
mod session_count;
mod signal;
mod signals;
mod start;
mod test;

pub use self::embedded::Embedded;
pub use self::signal::send;
pub use self::start::start;
pub use self::test::test;
