//! The TLS settings of a server, checked where TLS is used and only there.

pub mod client;
mod commands;
pub mod files;
mod place;
pub mod server;
pub mod unsupported;
pub mod warnings;
