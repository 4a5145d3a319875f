//! The process: start, reload, signals, end. The only part that knows all others.
//!
//! One process for now. What a privileged master will do one day (reading files, binding) already happens in `start`
//! and `reload::prepare` alone, and all reading goes through `config::World`.

mod acceptor;
mod acceptors;
mod bind;
mod bootstrap;
mod daemon;
mod embedded;
mod gateway;
mod generation;
mod limits;
pub mod machine;
mod pid;
mod reload;
mod serve;
mod sessions;
mod signal;
mod signals;
mod start;
mod test;
mod voice;

pub use self::embedded::Embedded;
pub use self::signal::send;
pub use self::start::start;
pub use self::test::test;
