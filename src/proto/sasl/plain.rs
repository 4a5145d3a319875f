//! PLAIN (RFC 4616), LOGIN, and the user name of EXTERNAL.

use super::{Fault, decode, forbidden};
use crate::base::Secret;
use crate::proto::login::Bytes;
use crate::proto::note::Mechanism;
use crate::proto::{Credentials, Note};

/// `authzid NUL login NUL password`; the authzid is ignored.
pub(super) fn plain(text: &[u8]) -> Result<Credentials, Fault> {
    const NAME: Mechanism = "PLAIN";
    let message = decode(text, NAME)?;
    let after = |from: usize| memchr::memchr(0, &message[from..]).map(|at| from + at + 1);
    let user_at = after(0)
        .filter(|&at| at < message.len())
        .ok_or(Note::Login(NAME))?;
    let pass_at = after(user_at).ok_or(Note::Password(NAME))?;
    let (user, pass) = (&message[user_at..pass_at - 1], &message[pass_at..]);
    if forbidden(user) {
        return Err(Note::Login(NAME).of(user));
    }
    if forbidden(pass) {
        return Err(Note::Password(NAME).of(user));
    }
    Ok(Credentials::Plain {
        user: user.into(),
        pass: Secret::new(pass.into()),
    })
}

/// The user name of LOGIN or EXTERNAL.
pub(super) fn user(text: &[u8], mechanism: Mechanism) -> Result<Bytes, Fault> {
    let user = decode(text, mechanism)?;
    if forbidden(&user) {
        // No login for the log: this may be a message of PLAIN, with the password in it.
        return Err(Note::Login(mechanism).into());
    }
    Ok(user.into())
}

/// The password of LOGIN.
pub(super) fn password(user: Bytes, text: &[u8]) -> Result<Credentials, Fault> {
    let pass = decode(text, "LOGIN")?;
    if forbidden(&pass) {
        return Err(Note::Password("LOGIN").into());
    }
    Ok(Credentials::Plain {
        user,
        pass: Secret::new(pass.into()),
    })
}
