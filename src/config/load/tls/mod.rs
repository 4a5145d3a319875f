//! The TLS settings of a server, checked where TLS is used and only there.

pub mod client;
mod commands;
pub mod files;
pub mod server;
pub mod unsupported;
