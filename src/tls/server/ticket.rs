//! Session tickets (RFC 5077, RFC 8446 section 2.2) under nginx's keys: AES-CBC and HMAC-SHA256, in the order of RFC 5077.
//!
//! A ticket has the server's session context, a time and rustls's session. A ticket of another server, or an expired one, is ignored.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::cipher::{
    AES_128, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, rand};

use super::session_context::Context;

const NAME: usize = 16;
const IV: usize = 16;
const MAC: usize = 32;
const TIME: usize = 8;
/// The largest session in a ticket, in bytes. It includes a client's certificates.
const LARGEST: usize = 16 * 1024;

/// Seconds since 1970.
pub(super) type Seconds = u64;

/// One key: a name, which every ticket carries, and two secrets.
pub(super) struct Key {
    name: [u8; NAME],
    cipher: (&'static Algorithm, Box<[u8]>),
    mac: hmac::Key,
}

impl Key {
    /// Reads nginx's file: 48 bytes (name, AES-128 key, HMAC key) or 80 bytes (name, HMAC key, AES-256 key).
    pub fn read(file: &[u8]) -> Option<Self> {
        let (name, rest) = file.split_first_chunk()?;
        let (algorithm, cipher, mac) = match rest.len() {
            32 => (&AES_128, &rest[..16], &rest[16..]),
            64 => (&AES_256, &rest[32..], &rest[..32]),
            _ => return None,
        };
        Some(Self {
            name: *name,
            cipher: (algorithm, cipher.into()),
            mac: hmac::Key::new(hmac::HMAC_SHA256, mac),
        })
    }

    /// Generates a key. `None` without random bytes.
    pub fn random() -> Option<Self> {
        let mut file = [0; 80];
        rand::fill(&mut file).ok()?;
        Self::read(&file)
    }

    /// Whether a ticket carries the name of this key.
    pub fn made(&self, ticket: &[u8]) -> bool {
        ticket.starts_with(&self.name)
    }

    /// Encrypts a session that began at `since`. `None` for one that is too large.
    pub fn seal(&self, context: &Context, since: Seconds, session: &[u8]) -> Option<Vec<u8>> {
        if session.len() > LARGEST {
            return None;
        }
        let mut body = [&context[..], &since.to_be_bytes(), session].concat();
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(self.cipher()?).ok()?;
        // The library generates an initialization vector for each message.
        let random = key.encrypt(&mut body).ok()?;
        let iv = <&[u8]>::try_from(&random).ok()?;
        let mut ticket = [&self.name[..], iv, &body].concat();
        let mac = hmac::sign(&self.mac, &ticket);
        ticket.extend_from_slice(mac.as_ref());
        Some(ticket)
    }

    /// Decrypts a ticket: the time that its session began, and the session. `None` for a ticket that was changed, is of another context, or
    /// is older than `timeout`.
    pub fn open(
        &self,
        context: &Context,
        timeout: Duration,
        ticket: &[u8],
    ) -> Option<(Seconds, Vec<u8>)> {
        let end = ticket.len().checked_sub(MAC)?;
        let (sealed, mac) = ticket.split_at(end);
        hmac::verify(&self.mac, sealed, mac).ok()?;
        let (iv, body) = sealed.get(NAME..)?.split_first_chunk::<IV>()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.cipher()?).ok()?;
        let mut body = body.to_vec();
        let given = DecryptionContext::Iv128(FixedLength::from(*iv));
        let plain = key.decrypt(&mut body, given).ok()?;
        let (theirs, rest) = plain.split_first_chunk::<32>()?;
        let (since, session) = rest.split_first_chunk::<TIME>()?;
        let since = Seconds::from_be_bytes(*since);
        let age = now().saturating_sub(since);
        (theirs == context && age < timeout.as_secs()).then(|| (since, session.to_vec()))
    }

    fn cipher(&self) -> Option<UnboundCipherKey> {
        UnboundCipherKey::new(self.cipher.0, &self.cipher.1).ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// The current time.
pub(super) fn now() -> Seconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(300);

    #[test]
    fn both_lengths_of_a_key_seal_and_open() {
        for length in [48, 80] {
            let file: Vec<u8> = (0..length).collect();
            let (key, same) = (Key::read(&file).unwrap(), Key::read(&file).unwrap());
            let ticket = key.seal(&[7; 32], now(), b"session").unwrap();
            assert!(same.made(&ticket) && ticket.starts_with(&file[..16]));
            assert_eq!(
                same.open(&[7; 32], TIMEOUT, &ticket)
                    .map(|(_, session)| session),
                Some(b"session".to_vec())
            );
            assert_eq!(same.open(&[8; 32], TIMEOUT, &ticket), None);
            assert_eq!(same.open(&[7; 32], Duration::ZERO, &ticket), None);
        }
        assert!(Key::read(&[0; 47]).is_none() && Key::read(&[0; 64]).is_none());
    }

    #[test]
    fn a_session_expires_by_the_time_it_began() {
        let key = Key::random().unwrap();
        for (age, whole) in [(0, true), (290, true), (300, false), (100_000, false)] {
            let ticket = key.seal(&[7; 32], now() - age, b"session").unwrap();
            let opened = key.open(&[7; 32], TIMEOUT, &ticket);
            assert_eq!(opened.is_some(), whole, "{age}");
        }
    }

    #[test]
    fn a_changed_ticket_is_ignored() {
        let key = Key::random().unwrap();
        let ticket = key.seal(&[7; 32], now(), b"session").unwrap();
        for at in 0..ticket.len() {
            let mut other = ticket.clone();
            other[at] ^= 1;
            assert_eq!(key.open(&[7; 32], TIMEOUT, &other), None, "{at}");
            assert_eq!(key.open(&[7; 32], TIMEOUT, &ticket[..at]), None, "{at}");
        }
    }

    #[test]
    fn large_sessions_get_no_ticket() {
        let key = Key::random().unwrap();
        assert!(key.seal(&[7; 32], now(), &vec![0; LARGEST]).is_some());
        assert!(key.seal(&[7; 32], now(), &vec![0; LARGEST + 1]).is_none());
    }
}
