//! The backend's side of a session: connecting, TLS, the conversation up to the login, and the cache of capabilities.

mod authorized_login;
pub mod backend_login;
pub mod capability_cache;
mod connect;
mod conversation;
mod start_tls;
