//! Extensions of PROXY headers in version 2: `proxy_protocol_v2_tlv`.

use super::text::Bytes;
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind, refuse};

/// The types that the PROXY protocol leaves to its users (section 2.2.7): custom, experimental and future ones.
const USER_TYPES: std::ops::RangeInclusive<u8> = 0xe0..=0xff;

/// A type and a value; lines add up.
#[derive(Debug)]
pub struct Tlvs;

impl ValueKind for Tlvs {
    type Value = Vec<(u8, Bytes)>;
    const SYNTAX: &'static str = "type value";
    const ABOUT: &'static str =
        "The type is `0x` with two hexadecimal digits, from `0xe0` to `0xff`.";
    const ARITY: Arity = Arity::exactly(2);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut tlvs = before.unwrap_or_default();
        if let [word, value] = args.words {
            let kind = user_type(word)
                .ok_or_else(|| refuse!("invalid PROXY protocol TLV type \"", word, "\""))?;
            if tlvs.iter().any(|(known, _)| *known == kind) {
                return Err(refuse!("duplicate PROXY protocol TLV type \"", word, "\""));
            }
            tlvs.push((kind, value.clone()));
        }
        Ok(tlvs)
    }
}

fn user_type(word: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(word.strip_prefix(b"0x")?).ok()?;
    let is_hex = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let kind = is_hex.then(|| u8::from_str_radix(digits, 16).ok())??;
    USER_TYPES.contains(&kind).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (word, want) in [
            ("0xe0", Some(0xe0)),
            ("0xFf", Some(0xff)),
            ("0xdf", None),
            ("0XE0", None),
            ("0x0e0", None),
            ("0xe", None),
            ("0x+e", None),
            ("e0", None),
            ("", None),
        ] {
            assert_eq!(user_type(word.as_bytes()), want, "{word}");
        }
    }
}
