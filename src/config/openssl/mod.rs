//! What OpenSSL accepts, and the words in which it refuses.

pub mod ciphers;
pub mod conf_command;
pub mod errors;
pub mod key_location;
pub mod messages;
pub mod pem;
