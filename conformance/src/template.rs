//! Bytes with places for what is known only when the case runs: ports, and the random challenge of CRAM-MD5 and APOP.
//!
//! A place is written `@NAME@`. A name that is not known is plain text, so that mail addresses need no escape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};

/// What is known while a case runs.
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// The address that the gateway listens on.
    pub listen_addr: String,
    pub listen_port: u16,
    pub auth_port: u16,
    pub backend_port: u16,
    /// The port of the client's own socket.
    pub client_port: u16,
    /// The case's own folder.
    pub root: String,
    /// The challenge that the gateway sent last, decoded: `<random.time@name>`.
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
    /// The challenge in base64; seen, checked for its shape and kept.
    Challenge,
    /// The challenge in clear, as POP3 greets with it; seen, checked for its shape and kept.
    Stamp,
    /// The challenge in clear, as seen before.
    Salt,
    /// The client's answer to the challenge, in base64.
    Cram {
        user: String,
        secret: String,
    },
    /// The digest in that answer.
    Digest(String),
    /// The digest of APOP.
    Apop(String),
    /// Anything up to the end of the line.
    Any,
}

/// How far some bytes agree with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Whole; so many bytes of the input belong to it.
    Whole(usize),
    /// So far so good, but more must come.
    Part,
    Not,
}

/// Bytes with places in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Finds the places in decoded bytes.
    pub fn new(mut bytes: &[u8]) -> Self {
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        while let Some(&byte) = bytes.first() {
            if let Some((part, used)) = place(bytes) {
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

    /// The bytes to send or to show. A challenge that is not known yet shows as its name.
    pub fn fill(&self, values: &Values) -> Vec<u8> {
        self.0.iter().flat_map(|part| part.fill(values)).collect()
    }

    /// Compares; a challenge that is met on the way is kept in `values`.
    pub fn agrees(&self, input: &[u8], values: &mut Values) -> Agreement {
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
                        return Agreement::Part;
                    }
                    let Some(salt) = challenge(&rest[..run]) else {
                        return Agreement::Not;
                    };
                    values.salt = Some(salt);
                    at += run;
                }
                Part::Stamp => {
                    let Some(end) = rest.iter().position(|&byte| byte == b'>') else {
                        return Agreement::Part;
                    };
                    let salt = &rest[..=end];
                    if !is_challenge(salt) {
                        return Agreement::Not;
                    }
                    values.salt = Some(salt.to_vec());
                    at += salt.len();
                }
                Part::Any => match rest.iter().position(|&byte| byte == b'\r' || byte == b'\n') {
                    Some(end) => at += end,
                    None => return Agreement::Part,
                },
                known => {
                    let want = known.fill(values);
                    let common = want.len().min(rest.len());
                    if want[..common] != rest[..common] {
                        return Agreement::Not;
                    }
                    if common < want.len() {
                        return Agreement::Part;
                    }
                    at += common;
                }
            }
        }
        Agreement::Whole(at)
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
            Self::Stamp => b"@STAMP@".to_vec(),
            Self::Any => b"@ANY@".to_vec(),
            Self::Salt => salt.to_vec(),
            Self::Cram { user, secret } => STANDARD
                .encode(format!("{user} {}", digest(secret, salt)))
                .into_bytes(),
            Self::Digest(secret) => digest(secret, salt).into_bytes(),
            Self::Apop(secret) => apop(secret, salt).into_bytes(),
        }
    }
}

fn place(bytes: &[u8]) -> Option<(Part, usize)> {
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
        "STAMP" => Part::Stamp,
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

/// The hex digest of CRAM-MD5 (RFC 2195).
pub fn digest(secret: &str, salt: &[u8]) -> String {
    // HMAC takes a key of any length
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(salt);
    hex(&mac.finalize().into_bytes())
}

/// The hex digest of APOP (RFC 1939).
pub fn apop(secret: &str, salt: &[u8]) -> String {
    hex(&Md5::digest([salt, secret.as_bytes()].concat()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The challenge that this text in base64 is, if it is one.
pub fn challenge(text: &[u8]) -> Option<Vec<u8>> {
    let salt = STANDARD.decode(text).ok();
    salt.filter(|salt| is_challenge(salt))
}

/// `<digits.digits@name>`, what nginx makes.
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
    use super::{Agreement, Template, Values, digest, is_challenge};

    #[test]
    fn the_example_of_rfc_2195() {
        let salt = b"<1896.697170952@postoffice.reston.mci.net>";
        assert!(is_challenge(salt));
        assert_eq!(
            digest("tanstaaftanstaaf", salt),
            "b913a602c7eda7a495b4e6e7334d3890"
        );
    }

    #[test]
    fn places_are_filled_and_other_at_signs_stay() {
        let values = Values {
            backend_port: 2525,
            ..Values::default()
        };
        let template = Template::new(b"to a@B@c on @BACKEND_PORT@");
        assert_eq!(template.fill(&values), b"to a@B@c on 2525");
    }

    #[test]
    fn a_challenge_is_taken_in_and_known_afterwards() {
        let mut values = Values::default();
        let template = Template::new(b"334 @CHALLENGE@\r\n");
        assert_eq!(template.agrees(b"334 PDEu", &mut values), Agreement::Part);
        assert_eq!(
            template.agrees(b"334 PDEuMkBteD4=\r\n250 x", &mut values),
            Agreement::Whole(18)
        );
        assert_eq!(values.salt.as_deref(), Some(&b"<1.2@mx>"[..]));
        assert_eq!(template.agrees(b"500 no\r\n", &mut values), Agreement::Not);
    }
}
