//! Groups of backends: the choice of a peer for each session, by the rules of nginx's stream module.
//!
//! A [`Balancer`] is a group in force, shared by all sessions. A session makes one [`Selection`], which gives it peer after peer until
//! one works; each counts as a session of its peer until it is dropped. There are no sockets and no clock here.

mod balancer;
mod figures;
mod health;
mod history;
mod ketama;
mod method;
mod peer;
mod ring;
mod selection;
#[cfg(test)]
mod tests;

pub use balancer::{Balancer, Balancers};
pub use figures::{PeerFigures, PeerState};
pub use health::HealthChange;
pub use history::History;
pub use peer::Peer;
pub use selection::{Lease, PeerSession, Selection};
