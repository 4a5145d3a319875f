//! Logins at the auth server (`auth_http`): the request, the HTTP exchange, and the connections that are kept for the next one.

pub mod auth_server;
pub mod exchange;
mod keepalive;
pub mod pool;
pub mod request;
