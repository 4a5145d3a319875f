//! The certificates of peers: verified as OpenSSL verifies them, and reported in its terms.
//!
//! A handshake with a client succeeds whatever its certificate is: as in nginx the client hears of a bad or missing certificate in its
//! own protocol. A handshake with a server fails. That the peer holds the key of its certificate is proved in every handshake.

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
