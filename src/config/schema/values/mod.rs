//! The readers of values, one small type per kind. The types of values that the rest of the program uses are in `model`.

mod access;
mod cidr;
mod conf_commands;
mod files;
mod health_check;
mod health_match;
mod imap_id;
mod ip;
pub mod limit;
mod limit_store;
mod listen;
mod log;
mod mail_log;
mod number;
mod peers;
mod process;
mod sent_tlv;
pub mod session_cache;
mod sets;
mod sieve_capabilities;
mod size;
mod status;
mod syslog;
mod text;
mod time;
mod upstream;
pub mod url;
mod words;

pub use access::AccessRules;
pub use cidr::{Cidrs, DebugConnection, parse_network};
pub use conf_commands::ConfCommands;
pub use files::{ConfigPath, Key, NamedPath, NamedPaths, Passwords, PrefixPath};
pub use health_check::HealthChecks;
pub use health_match::{MatchExpect, MatchSend};
pub use imap_id::ImapId;
pub use ip::ipv4 as parse_ipv4;
pub use limit::{
    AuthRules, AuthZones, ConnRules, ConnZones, LimitPrefixes, SessionRules, SessionZones,
};
pub use limit_store::LimitStores;
pub use listen::Listens;
pub use log::Logs;
pub use mail_log::{LogFormats, MailLogLine, MailLogTargets};
pub use number::{Connections, Number, Priority, Processes};
pub use peers::{HttpUrl, Resolvers, UpstreamName, backend_address, upstream_server};
pub use process::{Affinities, Engine, EventMethod, ThreadPools, Users};
pub use sent_tlv::SentTlvs;
pub use session_cache::SessionCaches;
pub use sets::{ImapMethods, Pop3Methods, Protocols, SetOf, SieveMethods, SmtpMethods};
pub use sieve_capabilities::SieveCapabilities;
pub use size::{Offset, Size};
pub use status::StatusListens;
pub use text::{Announced, Headers, OptionalText, Text, WordPerLine};
pub use time::{Msec, Sec};
pub use upstream::{HashMethod, LeastConnMethod, RandomMethod, UpstreamServers, UpstreamZone};
pub use words::{Choice, Choices, Flag, ProtocolName};
