//! OpenSSL's view of TLS settings: which cipher strings, groups, commands and files it accepts, and the words in which nginx
//! repeats its refusals.
//!
//! No cryptography and no file access. Beside `schema`: `load` checks values with it, and `tls` translates cipher strings with it.

pub mod cause;
pub mod certificate;
pub mod ciphers;
pub mod conf_command;
pub mod der;
pub mod groups;
pub mod key_location;
pub mod messages;
pub mod pem;
pub mod unsupported;
