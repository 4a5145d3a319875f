//! Differential cases against nginx.
//!
//! A case is data: a configuration with what `-t` says ([`conf_case`]), or a dialogue between a client, an auth server and a
//! backend ([`case`]). What is expected is recorded from a real nginx ([`record`]) and replayed on portcullis and on nginx
//! again ([`suite`]). Where portcullis differs on purpose, the [`ledger`] says so. The format is in `conformance/README.md`.

pub mod case;
pub mod clock;
pub mod conf_case;
pub mod diff;
pub mod door;
pub mod escape;
pub mod gateway;
pub mod ledger;
pub mod link;
pub mod log;
pub mod memory;
mod messages;
pub mod peers;
pub mod place;
pub mod play;
pub mod random;
pub mod record;
pub mod report;
pub mod rows;
pub mod suite;
pub mod talk;
pub mod template;
pub mod tls;
mod trial;
pub mod values;
