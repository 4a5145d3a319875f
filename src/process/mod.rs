//! The processes: a master that keeps what root is needed for, and a worker that serves. The only part that knows all others.
//!
//! `master` loads, binds and supervises; `handover` is what passes between the two; `worker` takes it, gives up its `privileges`
//! and serves one generation of the configuration after the other.

mod bind;
mod bootstrap;
mod console;
mod daemon;
mod handover;
mod limits;
pub mod machine;
mod master;
mod missing_file;
mod outcome;
mod pid;
pub mod privileges;
mod process_log;
mod reading;
mod route;
mod running;
mod said;
mod signal;
mod signals;
mod test;
pub mod worker;

pub use self::master::start;
pub use self::route::route;
pub use self::signal::send;
pub use self::test::test;
pub use self::worker::Embedded;
