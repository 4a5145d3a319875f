//! The directive table: one file of rows per nginx module.

pub mod auth_http;
pub mod core;
pub mod events;
pub mod imap;
pub mod mail;
pub mod pop3;
pub mod proxy;
pub mod proxy_ssl;
pub mod realip;
pub mod smtp;
pub mod ssl;
