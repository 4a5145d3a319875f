//! ManageSieve (RFC 5804): the server that clients talk to, and the client that backends talk to.

pub mod capabilities;
pub mod command;
pub mod replies;
pub mod reply;
mod response_code;
pub mod server;
pub mod settings;
pub mod wire;

pub use server::SieveServer;
pub use settings::Settings;
