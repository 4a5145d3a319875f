//! SMTP (RFC 5321), both faces: the server that clients talk to, the client that backends talk to.

pub mod back;
pub mod command;
pub mod judge;
pub mod learn;
pub mod opening;
pub mod reply;
pub mod server;
pub mod settings;
pub mod upgrade;
mod words;

pub use back::Back;
pub use judge::Judge;
pub use server::ServerDialogue;
pub use settings::Settings;
