//! IMAP (RFC 3501): the server that clients talk to until they are logged in, and the client that backends talk to.

pub mod capabilities;
pub mod command;
pub mod replies;
pub mod reply;
mod response_code;
pub mod server;
pub mod settings;
pub mod wire;

pub use server::ImapServer;
pub use settings::Settings;
