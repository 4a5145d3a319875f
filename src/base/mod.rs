//! Types that every layer uses: addresses, protocols, log levels, system errors, escaping, secrets. Knows nothing else of the crate.

pub mod address;
pub mod errno;
pub mod escape;
pub mod level;
pub mod protocol;
pub mod secret;

pub use address::Address;
pub use errno::Errno;
pub use escape::Escaped;
pub use level::Level;
pub use protocol::Protocol;
pub use secret::Secret;
