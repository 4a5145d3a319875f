//! The dialogues with backends, once for all protocols.
//!
//! [`AuthorizedLogin`] logs in where the auth server has decided, [`BackendLogin`] where the backend itself authenticates,
//! [`StartTls`] upgrades the connection before either, [`CapabilityProbe`] asks for the capabilities,
//! [`AvailabilityProbe`] finds out whether the backend works. What differs between
//! the protocols (framing, classes of replies, commands) is behind [`reply::Replies`] and [`wire::Wire`], which each protocol
//! implements in its `wire`.

pub mod authorized_login;
pub mod availability_probe;
pub mod backend_login;
pub mod capability_probe;
pub mod discovery;
pub mod framing;
pub mod identification;
pub mod relay;
pub mod reply;
pub mod start_tls;
pub mod steps;
pub mod wire;

pub use authorized_login::AuthorizedLogin;
pub use availability_probe::AvailabilityProbe;
pub use backend_login::BackendLogin;
pub use capability_probe::CapabilityProbe;
pub use start_tls::StartTls;

/// The ways in which a backend accepts a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The client is logged in.
    LoggedIn,
    /// The client is logged in and gets the backend's own reply, which may be a part of the exchange: in SCRAM, a completion that
    /// comes in place of the backend's last message.
    WithReply,
    /// Mail without a login: the client gets the backend's own reply, whether it is positive or negative.
    Answered,
}

#[cfg(test)]
mod tests;
