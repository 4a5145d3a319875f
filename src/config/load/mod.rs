//! From a file to a `Config`.

pub mod apply;
pub mod files;
pub mod frames;
mod hint;
pub mod mail_block;
pub mod merge;
pub mod messages;
pub mod record;
pub mod report;
pub mod server;
pub mod sockets;
pub mod tainted;
pub mod tls;

#[cfg(test)]
mod tests;
