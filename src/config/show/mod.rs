//! Writing a configuration down.

pub mod dump;
pub mod reference;
