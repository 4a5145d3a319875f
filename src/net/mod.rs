//! Sockets, plain and TLS: listening, accepting, connecting, resolving names, and the tunnel. Independent of the mail protocols.

pub mod accept;
pub mod bound_socket;
pub mod dialer;
pub mod linger;
pub mod listener;
pub mod rate;
pub mod resolver;
pub mod scratch;
pub mod socket;
pub mod stream;
mod tls_read;
pub mod tunnel;
