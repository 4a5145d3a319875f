//! The backend of `script/demo`, and the load generator and sinks of `script/bench`.
//!
//! The gateway is a program that is started and reached over sockets, so nginx and others can be measured in the same way. Only
//! [`scale::map`] uses the gateway's code, to measure look-ups.

pub mod args;
pub mod catalog;
pub mod client;
pub mod compare;
pub mod counts;
pub mod descriptors;
pub mod failure;
pub mod floor;
pub mod gate;
pub mod load;
pub mod machine;
pub mod measure;
pub mod metric;
pub mod noise;
pub mod other_load;
pub mod process_tree;
pub mod program;
pub mod protocol;
pub mod results;
pub mod rounds;
pub mod runner;
pub mod scale;
pub mod scenario;
pub mod server;
pub mod sink_auth;
pub mod sink_mailbox;
pub mod sink_smtp;
pub mod sinks;
pub mod table;
pub mod tls;
