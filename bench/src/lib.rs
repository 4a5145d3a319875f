//! Tools beside the gateway: the backend that `script/demo` delivers to, and the load generator and sinks of `script/bench`.
//!
//! Nothing here knows the gateway's code: it is started as a program and spoken to over sockets, so that nginx can stand
//! in the same place.

pub mod failure;
pub mod sink_smtp;
