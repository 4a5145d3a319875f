//! The certificates of peers: verified as OpenSSL verifies them, and reported in its terms.
//!
//! A handshake with a client succeeds whatever its certificate is: as in nginx, a bad or missing certificate is reported in the
//! mail protocol. A handshake with a server fails. Every handshake proves that the peer holds the key of its certificate.

mod algorithms;
mod certificate;
mod chain;
mod client;
mod constraints;
mod crl;
mod details;
mod extensions;
mod fault;
mod handshake;
mod key;
mod login_names;
mod names;
mod reason;
mod server;
mod signature;
mod trust;
mod verify;

pub use algorithms::CertificateAlgorithms;

pub(super) use certificate::has_small_key;
pub(super) use chain::complete_chain;
pub(super) use client::ClientPolicy;
pub use client::{ClientCertificate, Refusal};
pub use crl::RevocationLists;
pub use details::Details;
pub use extensions::Purpose;
pub use fault::Fault;
pub(super) use handshake::client_verifier;
pub use login_names::login;
pub use reason::Reason;
pub(super) use server::ServerVerifier;
pub use verify::ChainVerifier;
