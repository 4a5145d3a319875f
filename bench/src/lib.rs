//! Tools beside the gateway: the backend that `script/demo` delivers to, and the load generator and sinks of `script/bench`.
//!
//! Nothing here knows the gateway's code: it is started as a program and spoken to over sockets, so that nginx can stand
//! in the same place.

pub mod args;
pub mod client;
pub mod conf;
pub mod conf_test;
pub mod failure;
pub mod gateway;
pub mod load;
pub mod measure;
pub mod proctree;
pub mod protocol;
pub mod report;
pub mod sink_auth;
pub mod sink_mailbox;
pub mod sink_smtp;
pub mod sinks;
pub mod table;
pub mod tls;
