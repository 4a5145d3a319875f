//! portcullis: an nginx-compatible mail gateway.

pub mod cli;
pub mod config;
