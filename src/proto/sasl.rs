//! SASL messages (RFC 4616 PLAIN, LOGIN, RFC 2195 CRAM-MD5, EXTERNAL): base64 in, credentials out.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::note::Mechanism;
use super::{Credentials, Note, Secret};

/// Padding may be missing, and the last character may carry stray bits: clients do both.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Length of a CRAM-MD5 digest in hex.
const DIGEST: usize = 32;

/// Decodes one argument. What follows the first `=` is not looked at.
fn decode(text: &[u8], mechanism: Mechanism) -> Result<Vec<u8>, Note> {
    let end = memchr::memchr(b'=', text).unwrap_or(text.len());
    LENIENT
        .decode(&text[..end])
        .map_err(|_| Note::Encoding(mechanism))
}

/// Encodes a challenge or an answer.
pub fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A challenge that a backend sent; `None` when it is not base64.
pub fn challenge(text: &[u8]) -> Option<Box<[u8]>> {
    decode(text.trim_ascii_end(), "").ok().map(Into::into)
}

/// CR, LF and NUL have no place in a login or a password: a backend would take them for the end of one.
fn forbidden(bytes: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, bytes).is_some()
}

/// `authzid NUL login NUL password`; the authzid is thrown away.
///
/// # Errors
/// The line for the log; the client hears "invalid command".
pub fn plain(text: &[u8]) -> Result<Credentials, Note> {
    const NAME: Mechanism = "PLAIN";
    let message = decode(text, NAME)?;
    let after = |from: usize| memchr::memchr(0, &message[from..]).map(|at| from + at + 1);
    let user_at = after(0)
        .filter(|&at| at < message.len())
        .ok_or(Note::Login(NAME))?;
    let pass_at = after(user_at).ok_or(Note::Password(NAME))?;
    let (user, pass) = (&message[user_at..pass_at - 1], &message[pass_at..]);
    told(user, pass, NAME)
}

/// A login and a password as the client told them.
///
/// # Errors
/// As [`plain`].
pub fn told(user: &[u8], pass: &[u8], mechanism: Mechanism) -> Result<Credentials, Note> {
    if forbidden(user) {
        return Err(Note::Login(mechanism));
    }
    if forbidden(pass) {
        return Err(Note::Password(mechanism));
    }
    Ok(Credentials::Plain {
        user: user.into(),
        pass: Secret::new(pass.into()),
    })
}

/// The user name of LOGIN or EXTERNAL.
///
/// # Errors
/// As [`plain`].
pub fn user(text: &[u8], mechanism: Mechanism) -> Result<Box<[u8]>, Note> {
    let user = decode(text, mechanism)?;
    if forbidden(&user) {
        return Err(Note::Login(mechanism));
    }
    Ok(user.into())
}

/// The password of LOGIN.
///
/// # Errors
/// As [`plain`].
pub fn password(text: &[u8]) -> Result<Secret<Box<[u8]>>, Note> {
    let pass = decode(text, "LOGIN")?;
    if forbidden(&pass) {
        return Err(Note::Password("LOGIN"));
    }
    Ok(Secret::new(pass.into()))
}

/// `login SP digest`, an answer to the challenge `salt`.
///
/// # Errors
/// As [`plain`].
pub fn cram_md5(text: &[u8], salt: &[u8]) -> Result<Credentials, Note> {
    const NAME: Mechanism = "CRAM-MD5";
    let message = decode(text, NAME)?;
    let space = memchr::memchr(b' ', &message).ok_or(Note::Hash)?;
    let (user, digest) = (&message[..space], &message[space + 1..]);
    if digest.len() != DIGEST || forbidden(digest) {
        return Err(Note::Hash);
    }
    if forbidden(user) {
        return Err(Note::Login(NAME));
    }
    Ok(Credentials::CramMd5 {
        user: user.into(),
        salt: salt.into(),
        digest: Secret::new(digest.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_takes_what_nginx_takes() {
        let ok = |text: &str| match plain(text.as_bytes()) {
            Ok(Credentials::Plain { user, pass }) => {
                format!(
                    "{}/{}",
                    String::from_utf8_lossy(&user),
                    String::from_utf8_lossy(pass.reveal())
                )
            }
            other => format!("{other:?}"),
        };
        for (message, want) in [
            (&b"\0user\0pass"[..], "user/pass"),
            (b"admin\0user\0pass", "user/pass"),
            (b"\0\0", "/"),
            (b"\0user\0", "user/"),
            (b"", "Err(Login(\"PLAIN\"))"),
            (b"user", "Err(Login(\"PLAIN\"))"),
            (b"user\0", "Err(Login(\"PLAIN\"))"),
            (b"\0user", "Err(Password(\"PLAIN\"))"),
            (b"\0us\rer\0pass", "Err(Login(\"PLAIN\"))"),
            (b"\0user\0pa\0ss", "Err(Password(\"PLAIN\"))"),
            (b"\0user\0pass\n", "Err(Password(\"PLAIN\"))"),
        ] {
            assert_eq!(ok(&encode(message)), want, "{message:?}");
        }
        assert_eq!(ok("AHVzZXIAcGFzcw"), "user/pass", "padding is optional");
        assert_eq!(
            ok("AHVzZXIAcGFzcw==trailing"),
            "user/pass",
            "what follows = is not read"
        );
        assert_eq!(ok("AHVz!XIA"), "Err(Encoding(\"PLAIN\"))");
        assert_eq!(ok("AHVzZ"), "Err(Encoding(\"PLAIN\"))");
    }

    #[test]
    fn cram_md5_wants_32_bytes_behind_a_space() {
        let digest = "0123456789abcdef0123456789abcdef";
        let answer = |text: String| cram_md5(encode(text.as_bytes()).as_bytes(), b"<1.2@x>");
        assert!(answer(format!("user {digest}")).is_ok());
        assert_eq!(answer(format!("user{digest}")), Err(Note::Hash));
        assert_eq!(answer(format!("user {digest}0")), Err(Note::Hash));
        assert_eq!(answer(format!("user x {digest}")), Err(Note::Hash));
        assert_eq!(
            answer(format!("us\ner {digest}")),
            Err(Note::Login("CRAM-MD5"))
        );
    }
}
