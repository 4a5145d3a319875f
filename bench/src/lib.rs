//! The backend of `script/demo`, and the load generator and sinks of `script/bench`.
//!
//! Nothing here uses the gateway's code: the gateway is a program that is started and reached over sockets, so nginx can be
//! measured in the same way.

pub mod args;
pub mod client;
pub mod configuration;
pub mod configuration_test;
pub mod descriptors;
pub mod failure;
pub mod gateway;
pub mod load;
pub mod measure;
pub mod process_tree;
pub mod protocol;
pub mod report;
pub mod sink_auth;
pub mod sink_mailbox;
pub mod sink_smtp;
pub mod sinks;
pub mod table;
pub mod tls;
