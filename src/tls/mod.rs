//! TLS: rustls configurations made from what the configuration read, and what rustls tells in nginx's words.
//!
//! `server` is the side towards clients, `client` the one towards servers. What any side needs stands beside it: certificates and keys (`pair`, `pem`), versions,
//! cipher suites and groups (`settings`, `provider` and their words), and how handshakes fail (`failure`).
//! No file is opened here: `TlsMaterial` carries the bytes. Faults are `config::TlsFault`, which has nginx's sentences.

mod ciphers;
mod client;
mod failure;
mod groups;
mod locked;
mod pair;
mod peer;
mod pem;
mod provider;
mod server;
mod settings;
mod versions;

pub use client::{Connector, Connectors, Identity, Towards, check_client};
pub use failure::{Failure, failure};
pub use peer::{Client, Details, Reason, Refusal};
pub use server::resumption::Resumption;
pub use server::{Server, check, check_pair};
