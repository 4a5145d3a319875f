//! AUTH with PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195) against one account. Pure: the challenge comes from outside.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;

/// The one account that may log in.
#[derive(Clone)]
pub struct Account {
    /// The login name.
    pub user: String,
    /// The password, in clear.
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What the next line of the client answers.
#[derive(Debug)]
pub enum Exchange {
    /// The whole of PLAIN.
    Plain,
    /// LOGIN's name.
    LoginName,
    /// LOGIN's password.
    LoginPassword {
        /// The name given before.
        user: Vec<u8>,
    },
    /// The response to a challenge.
    CramMd5 {
        /// The challenge as sent, with its angle brackets, before base64.
        challenge: String,
    },
}

/// How an exchange goes on.
#[derive(Debug)]
pub enum Progress {
    /// Send `334` with this text (already in base64) and wait for the next line.
    Ask(String, Exchange),
    /// The account's owner.
    Accepted,
    /// Somebody else, or a wrong password.
    Refused,
    /// Not base64, or not of the mechanism's form.
    Malformed,
}

impl Exchange {
    /// Begins `mechanism` (any case); `None` if there is no such mechanism.
    pub fn begin(mechanism: &[u8], challenge: String) -> Option<Progress> {
        Some(match mechanism.to_ascii_uppercase().as_slice() {
            b"PLAIN" => Progress::Ask(String::new(), Exchange::Plain),
            b"LOGIN" => Progress::Ask(STANDARD.encode("Username:"), Exchange::LoginName),
            b"CRAM-MD5" => {
                Progress::Ask(STANDARD.encode(&challenge), Exchange::CramMd5 { challenge })
            }
            _ => return None,
        })
    }

    /// Takes the client's line, still in base64.
    pub fn answer(self, line: &[u8], account: Option<&Account>) -> Progress {
        // RFC 4954, 4: "=" stands for an empty initial response.
        let line = if line == b"=" { b"" } else { line };
        let Ok(text) = STANDARD.decode(line) else {
            return Progress::Malformed;
        };
        match self {
            Exchange::Plain => {
                let parts: Vec<&[u8]> = text.split(|&b| b == 0).collect();
                let &[_authorization, user, password] = parts.as_slice() else {
                    return Progress::Malformed;
                };
                verdict(account.is_some_and(|a| {
                    a.user.as_bytes() == user && a.password.as_bytes() == password
                }))
            }
            Exchange::LoginName => Progress::Ask(
                STANDARD.encode("Password:"),
                Exchange::LoginPassword { user: text },
            ),
            Exchange::LoginPassword { user } => verdict(
                account.is_some_and(|a| a.user.as_bytes() == user && a.password.as_bytes() == text),
            ),
            Exchange::CramMd5 { challenge } => {
                let Some(space) = text.iter().rposition(|&b| b == b' ') else {
                    return Progress::Malformed;
                };
                let (user, digest) = (&text[..space], &text[space + 1..]);
                verdict(account.is_some_and(|a| {
                    a.user.as_bytes() == user
                        && hmac_md5(&a.password, &challenge).as_bytes() == digest
                }))
            }
        }
    }
}

fn verdict(accepted: bool) -> Progress {
    if accepted {
        Progress::Accepted
    } else {
        Progress::Refused
    }
}

/// The digest that CRAM-MD5 asks for, in lower case hex.
pub fn hmac_md5(password: &str, challenge: &str) -> String {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(password.as_bytes()) else {
        return String::new();
    };
    mac.update(challenge.as_bytes());
    mac.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_rfc_2195() {
        let digest = hmac_md5(
            "tanstaaftanstaaf",
            "<1896.697170952@postoffice.reston.mci.net>",
        );
        assert_eq!(digest, "b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn no_account_lets_nobody_in() {
        let line = STANDARD.encode("\0\0");
        assert!(matches!(
            Exchange::Plain.answer(line.as_bytes(), None),
            Progress::Refused
        ));
    }

    #[test]
    fn debug_hides_the_password() {
        let account = Account {
            user: "alice".into(),
            password: "hush".into(),
        };
        assert!(!format!("{account:?}").contains("hush"));
    }
}
