//! CRAM-MD5 (RFC 2195).

use super::{Fault, decode, forbidden};
use crate::base::Secret;
use crate::proto::note::Mechanism;
use crate::proto::{Credentials, Note};

const NAME: Mechanism = "CRAM-MD5";
/// The length of a digest in hex.
const DIGEST: usize = 32;

/// `login SP digest`, the answer to the challenge `salt`.
pub(super) fn cram_md5(text: &[u8], salt: &[u8]) -> Result<Credentials, Fault> {
    let message = decode(text, NAME)?;
    let Some(space) = memchr::memchr(b' ', &message) else {
        // No login for the log: this may be a password.
        return Err(Note::Hash.into());
    };
    let (user, digest) = (&message[..space], &message[space + 1..]);
    if digest.len() != DIGEST || forbidden(digest) {
        return Err(Note::Hash.of(user));
    }
    if forbidden(user) {
        return Err(Note::Login(NAME).of(user));
    }
    Ok(Credentials::CramMd5 {
        user: user.into(),
        salt: salt.into(),
        digest: Secret::new(digest.into()),
    })
}
