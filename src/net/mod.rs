//! Sockets: accepting, connecting, TLS or not, and the tunnel. Knows bytes, not protocols.

pub mod accept;
pub mod bound;
pub mod dialer;
pub mod listener;
pub mod resolver;
pub mod socket;
pub mod stream;
pub mod tunnel;
