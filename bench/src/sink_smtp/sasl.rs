//! The server side of PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195) for one account. The challenge is an argument.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::digest::cram_md5;

/// The only account.
#[derive(Clone)]
pub struct Account {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What the next line of the client is.
#[derive(Debug)]
pub enum Exchange {
    /// The message of PLAIN.
    Plain,
    /// The user name of LOGIN.
    LoginName,
    /// The password of LOGIN.
    LoginPassword {
        /// The user name.
        user: Vec<u8>,
    },
    /// The response to a challenge.
    CramMd5 {
        /// The challenge with its angle brackets, decoded.
        challenge: String,
    },
}

/// The next step of an exchange.
#[derive(Debug)]
pub enum Progress {
    /// Send `334` with this text in base64 and read the next line.
    Challenge(String, Exchange),
    /// The credentials are right.
    Accepted,
    /// The credentials are wrong.
    Refused,
    /// Not base64, or not in the form of the mechanism.
    Malformed,
}

impl Exchange {
    /// Starts a mechanism, in any case; `None` if it is unknown.
    pub fn begin(mechanism: &[u8], challenge: String) -> Option<Progress> {
        Some(match mechanism.to_ascii_uppercase().as_slice() {
            b"PLAIN" => Progress::Challenge(String::new(), Exchange::Plain),
            b"LOGIN" => Progress::Challenge(STANDARD.encode("Username:"), Exchange::LoginName),
            b"CRAM-MD5" => {
                Progress::Challenge(STANDARD.encode(&challenge), Exchange::CramMd5 { challenge })
            }
            _ => return None,
        })
    }

    /// Processes the client's line, in base64.
    pub fn respond(self, line: &[u8], account: Option<&Account>) -> Progress {
        // RFC 4954, section 4: "=" stands for an empty initial response.
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
                result(account.is_some_and(|a| {
                    a.user.as_bytes() == user && a.password.as_bytes() == password
                }))
            }
            Exchange::LoginName => Progress::Challenge(
                STANDARD.encode("Password:"),
                Exchange::LoginPassword { user: text },
            ),
            Exchange::LoginPassword { user } => result(
                account.is_some_and(|a| a.user.as_bytes() == user && a.password.as_bytes() == text),
            ),
            Exchange::CramMd5 { challenge } => {
                let Some(space) = text.iter().rposition(|&b| b == b' ') else {
                    return Progress::Malformed;
                };
                let (user, digest) = (&text[..space], &text[space + 1..]);
                result(account.is_some_and(|a| {
                    a.user.as_bytes() == user
                        && cram_md5(&a.password, challenge.as_bytes()).as_bytes() == digest
                }))
            }
        }
    }
}

fn result(accepted: bool) -> Progress {
    if accepted {
        Progress::Accepted
    } else {
        Progress::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_accepted_without_account() {
        let line = STANDARD.encode("\0\0");
        assert!(matches!(
            Exchange::Plain.respond(line.as_bytes(), None),
            Progress::Refused
        ));
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let account = Account {
            user: "alice".into(),
            password: "hush".into(),
        };
        assert!(!format!("{account:?}").contains("hush"));
    }
}
