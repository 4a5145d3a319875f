//! Differential tests against nginx.
//!
//! A case is data: a configuration with the report of `-t` ([`conf_case`]), or a dialogue between a client, an auth server and a
//! backend ([`case`]). Expectations are recorded from nginx ([`record`]) and checked on portcullis and on nginx ([`suite`]).
//! [`rows`], [`random`] and [`conversation`] generate further cases. Deliberate differences are in the [`ledger`]. The formats are
//! described in `conformance/README.md`.

pub mod arguments;
pub mod case;
mod case_run;
pub mod clock;
pub mod conf_case;
pub mod connection;
pub mod conversation;
pub mod diff;
pub mod escape;
pub mod gateway;
pub mod ledger;
pub mod listener;
pub mod log;
pub mod memory;
mod messages;
mod parallel;
mod pattern;
pub mod peers;
pub mod random;
pub mod record;
pub mod replay;
pub mod report;
pub mod rng;
pub mod rows;
pub mod socket;
mod stream;
pub mod suite;
pub mod template;
pub mod workdir;
