//! Everything between accept and a complete login that concerns the client: its buffer, PROXY header, TLS, host name, greeting and commands.

pub mod buffer;
pub mod commands;
mod greeting;
mod handshake;
mod host_name;
pub mod identity;
pub mod source;
