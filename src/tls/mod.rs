//! TLS: makes rustls configurations from the settings, and translates rustls's results into nginx's terms.
//!
//! `server` is the side towards clients, `client` the side towards servers, `peer` verifies certificates of either. The rest serves
//! both sides: certificates and keys (`pair`, `own`, `pem`, `encrypted_key`), what is negotiated (`settings`, `provider`, `suites`, `signatures`),
//! and failed handshakes (`failure`). No file is opened here: `TlsMaterial` carries the bytes. Errors are `config::TlsFault`, which has nginx's
//! sentences.

mod client;
mod encrypted_key;
mod facts;
mod failure;
mod key_kind;
mod own;
mod pair;
pub mod peer;
mod pem;
mod provider;
mod server;
mod settings;
mod signatures;
mod suites;

pub use client::{Connector, ConnectorId, Connectors, Target, check_client};
pub use facts::CertificateFacts;
pub use failure::{Failure, broken_record, failure};
pub use pair::Pairs;
pub use peer::{CertificateAlgorithms, ClientCertificate, Details, Refusal};
pub use server::resumption::Resumption;
pub use server::{ServerTls, check, check_pair};
pub use suites::{curve, negotiated};
