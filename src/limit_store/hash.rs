//! What stands in the store for keys of zones, logins and passwords: hashes that all gateways compute alike.

use std::fmt::Write;

use aws_lc_rs::{digest, hmac};

use crate::base::Secret;

/// The bytes of a hash that identify an entry.
const ENTRY: usize = 16;
/// The bytes of a hash that tell apart the few records of one entry.
const RECORD: usize = 8;

/// Makes the hashes: with HMAC-SHA-256 where the gateways share a secret, else with SHA-256.
pub(super) struct Hasher(Option<hmac::Key>);

/// What a hash is made of, so that no two kinds can have the same one.
#[derive(Clone, Copy)]
enum Kind {
    Key = 0,
    Login = 1,
    Password = 2,
}

impl Hasher {
    pub fn new(secret: Option<&Secret<Box<[u8]>>>) -> Self {
        Self(secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.reveal())))
    }

    /// The key in the store of an entry of a zone: prefix, name of the zone and hash.
    pub fn entry(&self, prefix: &[u8], zone: &[u8], key: &[u8]) -> Vec<u8> {
        let hash = self.hash(Kind::Key, &[zone, key]);
        [prefix, zone, b":", hex(&hash[..ENTRY]).as_bytes()].concat()
    }

    /// The hash of a login and the client's address.
    pub fn login(&self, login: &[u8], address: &[u8]) -> Vec<u8> {
        self.hash(Kind::Login, &[login, address])[..RECORD].to_vec()
    }

    /// The hash of a login and its password. `None` without a secret: who reads the store could find out the password by trying.
    pub fn password(&self, login: &[u8], password: &[u8]) -> Option<Vec<u8>> {
        self.0.as_ref()?;
        Some(self.hash(Kind::Password, &[login, password])[..RECORD].to_vec())
    }

    fn hash(&self, kind: Kind, parts: &[&[u8]]) -> Vec<u8> {
        let mut text = vec![kind as u8];
        for part in parts {
            text.extend((part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        match &self.0 {
            Some(key) => hmac::sign(key, &text).as_ref().to_vec(),
            None => digest::digest(&digest::SHA256, &text).as_ref().to_vec(),
        }
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes all that is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_agree_and_strangers_cannot_guess() {
        let hasher = |secret: Option<&str>| {
            let secret = secret.map(|secret| Secret::new(secret.as_bytes().into()));
            Hasher::new(secret.as_ref())
        };
        let entry = |hasher: &Hasher, key: &[u8]| hasher.entry(b"p:", b"zone", key);
        let [one, other, plain] = [Some("one secret"), Some("another one"), None].map(hasher);
        assert_eq!(entry(&one, b"k"), entry(&hasher(Some("one secret")), b"k"));
        assert!(entry(&one, b"k").starts_with(b"p:zone:"));
        for differs in [entry(&other, b"k"), entry(&plain, b"k"), entry(&one, b"l")] {
            assert_ne!(entry(&one, b"k"), differs);
        }
        assert_ne!(one.login(b"ab", b"c"), one.login(b"a", b"bc"));
        assert_ne!(Some(one.login(b"a", b"b")), one.password(b"a", b"b"));
        assert_eq!(plain.password(b"a", b"b"), None);
    }
}
