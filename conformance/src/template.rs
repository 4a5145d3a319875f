//! Byte templates with placeholders for values that are known only at run time: ports, and the challenge of CRAM-MD5 and APOP.
//!
//! A placeholder is written `@NAME@`. An unknown name is literal text, so mail addresses need no escape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::digest::{apop, cram_md5};

/// The values of placeholders.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// The address on which the gateway listens.
    pub listen_addr: String,
    pub listen_port: u16,
    pub auth_port: u16,
    pub backend_port: u16,
    /// The port of the client's socket.
    pub client_port: u16,
    /// The working directory.
    pub root: String,
    /// The last challenge that the gateway sent, decoded: `<random.time@name>`.
    pub salt: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Bytes(Vec<u8>),
    ListenAddr,
    ListenPort,
    AuthPort,
    BackendPort,
    ClientPort,
    Root,
    /// The challenge in base64. Matching checks its form and stores it.
    Challenge,
    /// The timestamp in the greeting of POP3. Matching checks its form and stores it.
    Timestamp,
    /// The stored challenge, decoded.
    Salt,
    /// The client's response to the stored challenge, in base64.
    Cram {
        user: String,
        secret: String,
    },
    /// The digest in that response.
    Digest(String),
    /// The digest of APOP.
    Apop(String),
    /// Anything up to the end of the line.
    Any,
}

/// The result of matching bytes with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The template matches this many bytes of the input.
    Complete(usize),
    /// The input matches a part of the template.
    Incomplete,
    Mismatch,
}

/// Bytes with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Finds the placeholders in bytes.
    pub fn new(mut bytes: &[u8]) -> Self {
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        while let Some(&byte) = bytes.first() {
            if let Some((part, used)) = placeholder(bytes) {
                if !literal.is_empty() {
                    parts.push(Part::Bytes(std::mem::take(&mut literal)));
                }
                parts.push(part);
                bytes = &bytes[used..];
            } else {
                literal.push(byte);
                bytes = &bytes[1..];
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Bytes(literal));
        }
        Self(parts)
    }

    /// The bytes to send or to show. An unknown challenge is shown as its placeholder.
    pub fn fill(&self, values: &Values) -> Vec<u8> {
        self.0.iter().flat_map(|part| part.fill(values)).collect()
    }

    /// Matches the beginning of the input. A challenge is stored in `values`.
    pub fn matches(&self, input: &[u8], values: &mut Values) -> Match {
        let mut at = 0;
        for part in &self.0 {
            let rest = &input[at..];
            match part {
                Part::Challenge => {
                    let run = rest
                        .iter()
                        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
                        .count();
                    if run == rest.len() {
                        return Match::Incomplete;
                    }
                    let Some(salt) = challenge(&rest[..run]) else {
                        return Match::Mismatch;
                    };
                    values.salt = Some(salt);
                    at += run;
                }
                Part::Timestamp => {
                    let Some(end) = rest.iter().position(|&byte| byte == b'>') else {
                        return Match::Incomplete;
                    };
                    let salt = &rest[..=end];
                    if !is_challenge(salt) {
                        return Match::Mismatch;
                    }
                    values.salt = Some(salt.to_vec());
                    at += salt.len();
                }
                Part::Any => match rest.iter().position(|&byte| byte == b'\r' || byte == b'\n') {
                    Some(end) => at += end,
                    None => return Match::Incomplete,
                },
                known => {
                    let expected = known.fill(values);
                    let common = expected.len().min(rest.len());
                    if expected[..common] != rest[..common] {
                        return Match::Mismatch;
                    }
                    if common < expected.len() {
                        return Match::Incomplete;
                    }
                    at += common;
                }
            }
        }
        Match::Complete(at)
    }
}

impl Part {
    fn fill(&self, values: &Values) -> Vec<u8> {
        let salt = values.salt.as_deref().unwrap_or(b"@SALT@");
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::ListenAddr => values.listen_addr.clone().into_bytes(),
            Self::ListenPort => values.listen_port.to_string().into_bytes(),
            Self::AuthPort => values.auth_port.to_string().into_bytes(),
            Self::BackendPort => values.backend_port.to_string().into_bytes(),
            Self::ClientPort => values.client_port.to_string().into_bytes(),
            Self::Root => values.root.clone().into_bytes(),
            Self::Challenge => b"@CHALLENGE@".to_vec(),
            Self::Timestamp => b"@STAMP@".to_vec(),
            Self::Any => b"@ANY@".to_vec(),
            Self::Salt => salt.to_vec(),
            Self::Cram { user, secret } => STANDARD
                .encode(format!("{user} {}", cram_md5(secret, salt)))
                .into_bytes(),
            Self::Digest(secret) => cram_md5(secret, salt).into_bytes(),
            Self::Apop(secret) => apop(secret, salt).into_bytes(),
        }
    }
}

/// The placeholder at the beginning of these bytes, and its length.
fn placeholder(bytes: &[u8]) -> Option<(Part, usize)> {
    let inside = bytes.strip_prefix(b"@")?;
    let end = inside.iter().take(80).position(|&byte| byte == b'@')?;
    let name = std::str::from_utf8(&inside[..end]).ok()?;
    let part = match name {
        "LISTEN_ADDR" => Part::ListenAddr,
        "LISTEN_PORT" => Part::ListenPort,
        "AUTH_PORT" => Part::AuthPort,
        "BACKEND_PORT" => Part::BackendPort,
        "CLIENT_PORT" => Part::ClientPort,
        "ROOT" => Part::Root,
        "CHALLENGE" => Part::Challenge,
        "SALT" => Part::Salt,
        "STAMP" => Part::Timestamp,
        "ANY" => Part::Any,
        _ => match name.strip_suffix(')')?.split_once('(')? {
            ("CRAM", both) => {
                let (user, secret) = both.split_once(',')?;
                Part::Cram {
                    user: user.to_owned(),
                    secret: secret.to_owned(),
                }
            }
            ("DIGEST", secret) => Part::Digest(secret.to_owned()),
            ("APOP", secret) => Part::Apop(secret.to_owned()),
            _ => return None,
        },
    };
    Some((part, end + 2))
}

/// Decodes a challenge in base64; `None` if it is not one.
pub fn challenge(text: &[u8]) -> Option<Vec<u8>> {
    let salt = STANDARD.decode(text).ok();
    salt.filter(|salt| is_challenge(salt))
}

/// Whether these bytes have the form of nginx's challenges: `<digits.digits@name>`.
pub fn is_challenge(salt: &[u8]) -> bool {
    let inside = std::str::from_utf8(salt)
        .ok()
        .and_then(|text| text.strip_prefix('<')?.strip_suffix('>'));
    let Some((numbers, name)) = inside.and_then(|inside| inside.split_once('@')) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    !name.is_empty()
        && numbers
            .split_once('.')
            .is_some_and(|(random, time)| digits(random) && digits(time))
}

#[cfg(test)]
mod tests {
    use super::{Match, Template, Values, is_challenge};

    #[test]
    fn form_of_challenges() {
        assert!(is_challenge(b"<1896.697170952@postoffice.reston.mci.net>"));
        assert!(!is_challenge(b"<1896@postoffice.reston.mci.net>"));
    }

    #[test]
    fn placeholders_are_filled_and_other_at_signs_stay() {
        let values = Values {
            backend_port: 2525,
            ..Values::default()
        };
        let template = Template::new(b"to a@B@c on @BACKEND_PORT@");
        assert_eq!(template.fill(&values), b"to a@B@c on 2525");
    }

    #[test]
    fn challenges_are_stored() {
        let mut values = Values::default();
        let template = Template::new(b"334 @CHALLENGE@\r\n");
        assert_eq!(
            template.matches(b"334 PDEu", &mut values),
            Match::Incomplete
        );
        assert_eq!(
            template.matches(b"334 PDEuMkBteD4=\r\n250 x", &mut values),
            Match::Complete(18)
        );
        assert_eq!(values.salt.as_deref(), Some(&b"<1.2@mx>"[..]));
        assert_eq!(
            template.matches(b"500 no\r\n", &mut values),
            Match::Mismatch
        );
    }
}
