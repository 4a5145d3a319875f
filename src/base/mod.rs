//! Types that every layer uses: addresses, protocols, log levels, system errors, escaping, secrets, what a TLS client sends first, the
//! extensions of PROXY headers.
//! Depends on no other module of the crate.

pub mod address;
pub mod client_hello;
pub mod errno;
pub mod escape;
pub mod json;
pub mod level;
pub mod paint;
pub mod protocol;
pub mod registry;
pub mod secret;
pub mod session_id;
pub mod subject;
pub mod tls_suite;
pub mod tlv;

pub use address::Address;
pub use client_hello::ClientHello;
pub use errno::Errno;
pub use escape::{Escaped, OneLine};
pub use json::Json;
pub use level::Level;
pub use paint::Paint;
pub use protocol::Protocol;
pub use registry::Registry;
pub use secret::Secret;
pub use session_id::SessionId;
pub use tls_suite::TlsSuite;
pub use tlv::TlvName;
