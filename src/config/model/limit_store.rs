//! `limit_store`: a server of Valkey or Redis that has the counts of several gateways.

use std::time::Duration;

use super::ClientTls;
use crate::base::{Address, Secret};

/// What stands for a password in every text that shows a store.
const HIDDEN: &[u8] = b"***";

/// A store, and how it is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitStore {
    /// The URL as written, without its password.
    pub shown: Box<str>,
    /// Its addresses when the configuration was read, never empty.
    pub addresses: Vec<Address>,
    /// The name and the port that the addresses come from: each connection looks the name up again. `None` where an address is written.
    pub name: Option<(Box<str>, u16)>,
    /// TLS, for `rediss://`.
    pub tls: Option<Box<ClientTls>>,
    pub login: Option<StoreLogin>,
    /// The number of the database.
    pub database: u32,
    /// What all keys begin with.
    pub prefix: Box<[u8]>,
    /// How long a session waits for an answer.
    pub timeout: Duration,
    /// The key of all hashes in the store. The gateways that share counts have the same one.
    pub secret: Option<Secret<Box<[u8]>>>,
}

/// How the gateway authenticates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreLogin {
    /// `None` for the default user.
    pub user: Option<Box<str>>,
    pub password: Secret<Box<str>>,
}

/// The URL of a store without its password.
pub fn without_password(url: &[u8]) -> Vec<u8> {
    let parts = memchr::memmem::find(url, b"://").and_then(|scheme| {
        let begin = scheme + 3;
        let end = begin + memchr::memrchr(b'@', &url[begin..])?;
        // Without a colon it is probably a password.
        let colon = memchr::memchr(b':', &url[begin..end]);
        let hidden = colon.map_or(begin, |colon| begin + colon + 1);
        Some((&url[..hidden], &url[end..]))
    });
    match parts {
        Some((before, after)) => [before, HIDDEN, after].concat(),
        None => url.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn passwords_are_hidden() {
        for (url, shown) in [
            ("redis://h", "redis://h"),
            ("redis://[::1]:1/2", "redis://[::1]:1/2"),
            ("redis://:s3cret@h", "redis://:***@h"),
            ("redis://s3cret@h", "redis://***@h"),
            ("rediss://joe:s3:c@r/et@h:1/2", "rediss://joe:***@h:1/2"),
            ("unix:/run/a:b@c", "unix:/run/a:b@c"),
        ] {
            assert_eq!(without_password(url.as_bytes()), shown.as_bytes(), "{url}");
        }
    }
}
