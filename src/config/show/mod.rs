//! Writes a loaded configuration down (`--dump-config`), and the reference of all directives.
//!
//! The top layer of `config`.

pub mod dump;
pub mod reference;
