//! portcullis: an nginx-compatible mail gateway.

pub mod admin;
pub mod base;
pub mod cli;
pub mod config;
pub mod control;
pub mod limit;
pub mod limit_store;
pub mod log;
pub mod migrate;
pub mod monitor;
pub mod net;
pub mod process;
pub mod proto;
pub mod session;
pub mod tls;
pub mod upstream;
pub mod why;
