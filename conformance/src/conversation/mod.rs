//! Random conversations, played with nginx and with portcullis, and compared.
//!
//! A seed generates a script: the configuration of a server, a client that sends valid and invalid commands, an auth server and a
//! backend ([`script`], [`generate`]). Both gateways get the same one ([`testbed`], [`play`]). A difference in what the peers
//! receive that no known departure explains ([`rules`]) is played again alone and then reduced ([`shrink`]).

pub mod compare;
mod default_replies;
mod divergence;
pub mod generate;
mod idle_probe;
mod mask;
pub mod play;
mod player;
mod polled_connection;
mod rules;
pub mod run;
pub mod script;
mod shrink;
pub mod testbed;
pub mod timing;
pub mod transcript;
