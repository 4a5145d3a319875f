//! SMTP (RFC 5321): the server that clients talk to, and the client that backends talk to.

pub mod bdat;
pub mod capabilities;
pub mod command;
pub mod follower;
pub mod opening;
pub mod replies;
pub mod reply;
pub mod server;
pub mod settings;
pub mod wire;

pub use server::SmtpServer;
pub use settings::Settings;
