//! The readers of values, one small type per kind. The types of values that the rest of the program uses are in `model`.

mod cidr;
mod conf_commands;
mod files;
mod imap_id;
mod ip;
mod listen;
mod log;
mod number;
mod peers;
mod process;
pub mod session_cache;
mod sets;
mod size;
mod syslog;
mod text;
mod time;
mod tlv;
mod url;
mod words;

pub use cidr::{Cidrs, DebugConnection};
pub use conf_commands::ConfCommands;
pub use files::{ConfigPath, Key, NamedPath, NamedPaths, Passwords, PrefixPath};
pub use imap_id::ImapId;
pub use listen::Listens;
pub use log::Logs;
pub use number::{Connections, Number, Priority, Processes};
pub use peers::{HttpUrl, Resolvers, UpstreamUrl};
pub use process::{Affinities, Engine, EventMethod, ThreadPools, Users};
pub use session_cache::SessionCaches;
pub use sets::{ImapMethods, Pop3Methods, Protocols, SetOf, SmtpMethods};
pub use size::{Offset, Size};
pub use text::{Announced, Headers, OptionalText, Text, WordPerLine};
pub use time::{Msec, Sec};
pub use tlv::Tlvs;
pub use words::{Choice, Choices, Flag, ProtocolName};
