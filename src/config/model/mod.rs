//! Plain values that the loader makes and the rest of the program reads, and the traits by which the loader asks the machine.
//!
//! Below `schema`: its readers produce these values, and the structs that it generates hold them. `Config` and `Server` consist of
//! those structs, so they are in `load`.

pub mod capabilities;
pub mod choices;
pub mod cidr;
pub mod client_tls;
pub mod files;
pub mod glob;
pub mod listen;
pub mod log_target;
pub mod options;
pub mod peers;
pub mod sasl;
pub mod tls;
pub mod tls_mode;
pub mod user;
pub mod versions;
pub mod world;
