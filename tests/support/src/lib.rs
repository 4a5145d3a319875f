//! Shared by the tests of the binary, the conformance suite and the benchmark: the gateway as a process, real and scripted
//! peers, certificates, temporary directories and digests.
//!
//! Nothing here uses the gateway's code. Except for [`temp_dir`], [`digest`] and [`unverified`], which tools use too, everything
//! panics when a step fails, because it runs in tests.

pub mod auth_server;
pub mod authority;
pub mod backend_loss;
pub mod browser;
pub mod certificate;
pub mod client;
pub mod digest;
pub mod dns;
pub mod dovecot;
pub mod error_log;
pub mod gateway;
pub mod guessing;
pub mod haproxy;
pub mod http_servers;
pub mod imap_clients;
pub mod load;
pub mod mail_log;
pub mod mailbox_gateway;
pub mod messages;
pub mod nginx;
pub mod password_auth;
pub mod pop3_clients;
pub mod postfix;
mod process;
pub mod protocol_servers;
pub mod proxy_header;
pub mod redis;
pub mod scripted;
pub mod shipped;
pub mod sieve;
pub mod smtp_gateway;
pub mod status;
pub mod temp_dir;
pub mod tls_backend;
pub mod unverified;
pub mod upstream_group;
mod wait;

pub use certificate::Certificate;
pub use client::{LineClient, auth_plain, connect_from};
pub use gateway::{Gateway, binary, command, worker_processes, write_configuration};
pub use temp_dir::TempDir;
pub use wait::{TIMEOUT, all_cases, free_address, free_port, wait_until};
