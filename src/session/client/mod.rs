//! The client's connection and what is known about the client. The phases of a session use these parts; none of them depends
//! on a phase.

pub mod connection;
pub mod handshake;
pub mod host_name;
pub mod identity;
pub mod source;
