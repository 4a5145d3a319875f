//! SMTP (RFC 5321), both faces: the server that clients talk to, the client that backends talk to.

pub mod back;
pub mod command;
pub mod front;
pub mod judge;
pub mod learn;
pub mod opening;
pub mod reply;
pub mod settings;
pub mod upgrade;
mod words;

pub use back::Back;
pub use front::Front;
pub use judge::Judge;
pub use settings::Settings;
