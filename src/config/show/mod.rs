//! Writes a loaded configuration down (`--dump-config`), the result of a test (`--format=json`), and the reference of all directives.
//!
//! The top layer of `config`.

pub mod dump;
pub mod json;
pub mod reference;
pub mod selection;
pub mod settings;
