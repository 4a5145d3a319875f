//! portcullis: an nginx-compatible mail gateway.

pub mod cli;
pub mod config;
pub mod log;
pub mod net;
pub mod proto;
pub mod run;
pub mod session;
pub mod tls;
