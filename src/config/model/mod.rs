//! Plain values that the loader makes and the rest of the program reads.

pub mod glob;
pub mod log_target;
pub mod tls;
pub mod world;
