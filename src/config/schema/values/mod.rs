//! The readers of values, one small type per kind. The values themselves are `model`'s where the rest of the program uses them.

pub mod affinity;
pub mod auth_url;
pub mod choice;
pub mod cidr;
pub mod flag;
pub mod ip;
pub mod listen;
pub mod log;
pub mod number;
pub mod passwords;
pub mod path;
pub mod protocol;
pub mod resolver;
pub mod sasl;
pub mod session_cache;
pub mod set;
pub mod size;
pub mod syslog;
pub mod text;
pub mod thread_pool;
pub mod time;
pub mod tls;
pub mod upstream;
pub mod url;
pub mod user;
