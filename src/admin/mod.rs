//! The status pages: an HTTP server on a thread of its own, which reads what the other parts publish.
//!
//! A session never waits for it: it takes no lock that a session holds for longer than a copy, and a slow or hostile client costs its own
//! connection at most. `paths/` has one file per path, `snapshot/` the values that they show.

mod access;
mod actions;
mod body;
mod connection;
mod in_force;
mod page;
mod paths;
mod patient;
mod percent;
mod process;
mod router;
mod server;
mod snapshot;
mod state;
mod time;

pub use self::access::Access;
pub use self::in_force::{Certificate, InForce, LimitZoneInForce, ServerInForce};
pub use self::process::ProcessSource;
pub use self::server::{Admin, Listening};
pub use self::state::{MOST_CLIENTS, State};
