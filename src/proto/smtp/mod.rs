//! SMTP (RFC 5321), both faces: the server that clients talk to, the client that backends talk to.

pub mod capabilities;
pub mod command;
pub mod opening;
pub mod reply;
pub mod server;
pub mod settings;
pub mod wire;
mod words;

pub use server::ServerDialogue;
pub use settings::Settings;
