//! Replaces random values in received bytes by placeholders.

use super::script::Script;
use crate::template::{self, Template, Values};

/// A user and the secret with which the client computes digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    user: String,
    secret: String,
}

/// The secrets in the client's responses to challenges.
pub fn secrets(script: &Script) -> Vec<Secret> {
    let sent = String::from_utf8_lossy(&script.sent()).into_owned();
    let responses = sent.split("@CRAM(").skip(1);
    let pairs = responses.filter_map(|response| response.split_once(")@")?.0.split_once(','));
    pairs
        .map(|(user, secret)| Secret {
            user: user.to_owned(),
            secret: secret.to_owned(),
        })
        .collect()
}

/// Replaces the challenge, decoded or in base64, and the digests made with it. The challenge is stored in `values`.
pub fn mask(bytes: &[u8], values: &mut Values, secrets: &[Secret]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let run = rest.iter().take_while(|byte| is_base64(**byte)).count();
        if let Some(salt) = decoded_challenge(rest) {
            out.extend_from_slice(b"@SALT@");
            values.salt = Some(salt.to_vec());
            at += salt.len();
        } else if let Some(salt) = template::challenge(&rest[..run]) {
            out.extend_from_slice(b"@CHALLENGE@");
            values.salt = Some(salt);
            at += run;
        } else {
            out.extend_from_slice(&rest[..run.max(1)]);
            at += run.max(1);
        }
    }
    for Secret { user, secret } in secrets {
        for name in [
            format!("@CRAM({user},{secret})@"),
            format!("@DIGEST({secret})@"),
        ] {
            let bytes = Template::new(name.as_bytes()).fill(values);
            let found = out.windows(bytes.len()).position(|window| window == bytes);
            if let Some(at) = found {
                out.splice(at..at + bytes.len(), name.into_bytes());
            }
        }
    }
    out
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

/// The challenge at the beginning of these bytes.
fn decoded_challenge(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes
        .first()
        .filter(|&&byte| byte == b'<')
        .and_then(|_| bytes.iter().take(200).position(|&byte| byte == b'>'))?;
    Some(&bytes[..=end]).filter(|salt| template::is_challenge(salt))
}
