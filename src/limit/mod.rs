//! Zones: what is counted for a key, in bounded memory, over all sessions and all servers that name the zone.
//!
//! There is one kind of zone for each kind of limit: [`ConnZone`] counts open connections, [`SessionZone`] new sessions and [`AuthZone`]
//! failed logins. Each has one call, `check`, whose result is data: the caller waits, refuses or goes on. There are no sockets and no
//! clock here; times come with the calls. [`Zones`] has the zones that are in use, by name, and makes the [`Limits`] of a server.

mod auth;
mod conn;
mod figures;
mod rules;
mod session;
mod table;
#[cfg(test)]
mod tests;
mod zones;

pub use auth::{Attempt, AuthLimit, AuthPermit, AuthVerdict, AuthZone};
pub use conn::{ConnLease, ConnZone};
pub use figures::{Decision, Tally, Zone, ZoneFigures};
pub use rules::{Limits, Zoned};
pub use session::{
    SessionCheck, SessionVerdict, SessionZone, check_sessions, peek_sessions, slowest,
};
pub use zones::{Zones, rebound};
