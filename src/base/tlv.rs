//! The extensions (TLV) of PROXY headers in version 2: their names in a configuration, and a list of them as bytes (proxy-protocol.txt,
//! section 2.2).

use std::borrow::Cow;
use std::fmt;

/// The types of the protocol.
pub mod kind {
    pub const ALPN: u8 = 0x01;
    pub const AUTHORITY: u8 = 0x02;
    pub const CRC32C: u8 = 0x03;
    pub const UNIQUE_ID: u8 = 0x05;
    pub const SSL: u8 = 0x20;
    pub const SSL_VERSION: u8 = 0x21;
    pub const SSL_CN: u8 = 0x22;
    pub const SSL_CIPHER: u8 = 0x23;
    pub const SSL_SIG_ALG: u8 = 0x24;
    pub const SSL_KEY_ALG: u8 = 0x25;
    pub const NETNS: u8 = 0x30;
}

/// The name of a TLV in `$proxy_protocol_tlv_NAME` and `proxy_protocol_tlv`, as in nginx's stream module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlvName {
    /// `alpn`, or `0xNN`: this type.
    Type(u8),
    /// `ssl_version`, or `ssl_0xNN`: this type inside the TLV `ssl`.
    Ssl(u8),
    /// `ssl_verify`: the result of the verification, a field of the TLV `ssl`.
    SslVerify,
}

/// The types that have names.
const TYPES: [(&str, u8); 5] = [
    ("alpn", kind::ALPN),
    ("authority", kind::AUTHORITY),
    ("unique_id", kind::UNIQUE_ID),
    ("ssl", kind::SSL),
    ("netns", kind::NETNS),
];

/// The types inside `ssl` that have names, without `ssl_`.
const SSL_TYPES: [(&str, u8); 5] = [
    ("version", kind::SSL_VERSION),
    ("cn", kind::SSL_CN),
    ("cipher", kind::SSL_CIPHER),
    ("sig_alg", kind::SSL_SIG_ALG),
    ("key_alg", kind::SSL_KEY_ALG),
];

impl TlvName {
    /// All names, for messages.
    pub const NAMES: &'static str = "alpn, authority, unique_id, netns, ssl, ssl_version, ssl_cn, ssl_cipher, ssl_sig_alg, \
                                     ssl_key_alg, ssl_verify, or a type such as 0xe0 or ssl_0xe0";

    /// The TLV of this name. As in nginx, a number in hexadecimal may have any number of leading zeros.
    pub fn find(name: &str) -> Option<Self> {
        match name.strip_prefix("ssl_") {
            Some("verify") => Some(Self::SslVerify),
            Some(name) => find_type(&SSL_TYPES, name).map(Self::Ssl),
            None => find_type(&TYPES, name).map(Self::Type),
        }
    }

    /// The value in a list of TLVs. `ssl_verify` is a decimal number. `None`: there is no such TLV before the end of the list, or
    /// before the place where it is malformed.
    pub fn find_in(self, tlvs: &[u8]) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Type(kind) => first(tlvs, kind).map(Cow::Borrowed),
            Self::Ssl(kind) => {
                let ssl = SslTlv::read(first(tlvs, kind::SSL)?)?;
                first(ssl.tlvs, kind).map(Cow::Borrowed)
            }
            Self::SslVerify => {
                let ssl = SslTlv::read(first(tlvs, kind::SSL)?)?;
                Some(Cow::Owned(ssl.verify.to_string().into()))
            }
        }
    }
}

fn find_type(names: &[(&str, u8)], name: &str) -> Option<u8> {
    if let Some(digits) = name.strip_prefix("0x") {
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_hex.then(|| u8::from_str_radix(digits, 16).ok())?;
    }
    let found = names.iter().find(|(known, _)| *known == name);
    found.map(|(_, kind)| *kind)
}

/// Displays the name in a configuration.
impl fmt::Display for TlvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, names, kind) = match self {
            Self::SslVerify => return f.write_str("ssl_verify"),
            Self::Type(kind) => ("", &TYPES, kind),
            Self::Ssl(kind) => ("ssl_", &SSL_TYPES, kind),
        };
        match names.iter().find(|(_, known)| known == kind) {
            Some((name, _)) => write!(f, "{prefix}{name}"),
            None => write!(f, "{prefix}0x{kind:02x}"),
        }
    }
}

/// The value of the TLV `ssl` (section 2.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SslTlv<'a> {
    /// Flags.
    pub client: u8,
    /// 0 if the client has shown a certificate that is valid.
    pub verify: u32,
    /// The list of TLVs inside.
    pub tlvs: &'a [u8],
}

impl<'a> SslTlv<'a> {
    /// Reads the value. `None`: it is too short. The list inside may be malformed.
    pub fn read(value: &'a [u8]) -> Option<Self> {
        let (client, rest) = value.split_first()?;
        let (verify, tlvs) = rest.split_first_chunk::<4>()?;
        Some(Self {
            client: *client,
            verify: u32::from_be_bytes(*verify),
            tlvs,
        })
    }
}

/// A list of TLVs is cut in the middle of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokenTlv;

/// The TLVs of a list, up to the place where it is malformed.
#[derive(Clone, Debug)]
pub struct TlvList<'a>(pub &'a [u8]);

impl<'a> Iterator for TlvList<'a> {
    /// The type and the value.
    type Item = Result<(u8, &'a [u8]), BrokenTlv>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((kind, value, rest)) = split(self.0) else {
            self.0 = &[];
            return Some(Err(BrokenTlv));
        };
        self.0 = rest;
        Some(Ok((kind, value)))
    }
}

fn split(tlvs: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([kind, high, low], rest) = tlvs.split_first_chunk::<3>()?;
    let (value, rest) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into())?;
    Some((*kind, value, rest))
}

/// The first TLV of a type.
fn first(tlvs: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut found = TlvList(tlvs).map_while(Result::ok);
    found.find_map(|(kind, value)| (kind == wanted).then_some(value))
}

/// Whether a list, or the list inside `ssl`, is malformed.
pub fn is_broken(tlvs: &[u8]) -> bool {
    TlvList(tlvs).any(|tlv| match tlv {
        Ok((kind::SSL, value)) => {
            SslTlv::read(value).is_none_or(|ssl| TlvList(ssl.tlvs).any(|tlv| tlv.is_err()))
        }
        Ok(_) => false,
        Err(BrokenTlv) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, want, shown) in [
            ("alpn", Some(TlvName::Type(1)), "alpn"),
            ("authority", Some(TlvName::Type(2)), "authority"),
            ("unique_id", Some(TlvName::Type(5)), "unique_id"),
            ("netns", Some(TlvName::Type(0x30)), "netns"),
            ("ssl", Some(TlvName::Type(0x20)), "ssl"),
            ("ssl_version", Some(TlvName::Ssl(0x21)), "ssl_version"),
            ("ssl_cn", Some(TlvName::Ssl(0x22)), "ssl_cn"),
            ("ssl_cipher", Some(TlvName::Ssl(0x23)), "ssl_cipher"),
            ("ssl_sig_alg", Some(TlvName::Ssl(0x24)), "ssl_sig_alg"),
            ("ssl_key_alg", Some(TlvName::Ssl(0x25)), "ssl_key_alg"),
            ("ssl_verify", Some(TlvName::SslVerify), "ssl_verify"),
            ("0xe0", Some(TlvName::Type(0xe0)), "0xe0"),
            ("0xFf", Some(TlvName::Type(0xff)), "0xff"),
            ("0x5", Some(TlvName::Type(5)), "unique_id"),
            ("0x0005", Some(TlvName::Type(5)), "unique_id"),
            ("0x00", Some(TlvName::Type(0)), "0x00"),
            ("ssl_0x22", Some(TlvName::Ssl(0x22)), "ssl_cn"),
            ("ssl_0x2f", Some(TlvName::Ssl(0x2f)), "ssl_0x2f"),
            ("0x100", None, ""),
            ("0x", None, ""),
            ("0x+e", None, ""),
            ("0xg0", None, ""),
            ("0XE0", None, ""),
            ("e0", None, ""),
            ("ssl_", None, ""),
            ("ssl_alpn", None, ""),
            ("version", None, ""),
            ("crc32c", None, ""),
            ("", None, ""),
        ] {
            let found = TlvName::find(name);
            assert_eq!(found, want, "{name}");
            assert_eq!(
                found.map(|name| name.to_string()).unwrap_or_default(),
                shown
            );
        }
    }

    /// The value of a name, as text.
    fn value(name: &str, tlvs: &[u8]) -> Option<String> {
        let value = TlvName::find(name).expect("a name").find_in(tlvs)?;
        Some(String::from_utf8_lossy(&value).into_owned())
    }

    #[test]
    fn values() {
        let tlvs = [
            b"\x01\x00\x04smtp\x05\x00\x00\xe1\x00\x01a\xe1\x00\x01b".as_slice(),
            b"\x20\x00\x13\x05\xff\xff\xff\xfe\x21\x00\x02v1\x22\x00\x03joe\xe1\x00\x00",
            b"\x20\x00\x05\x00\x00\x00\x00\x00",
        ]
        .concat();
        for (name, want) in [
            ("alpn", Some("smtp")),
            ("unique_id", Some("")),
            ("authority", None),
            // The first one holds.
            ("0xe1", Some("a")),
            ("ssl_version", Some("v1")),
            ("ssl_cn", Some("joe")),
            ("ssl_0xe1", Some("")),
            ("ssl_cipher", None),
            ("ssl_verify", Some("4294967294")),
        ] {
            assert_eq!(value(name, &tlvs).as_deref(), want, "{name}");
        }
        let ssl = TlvName::Type(kind::SSL).find_in(&tlvs).expect("a value");
        assert_eq!(ssl.len(), 0x13);
        assert!(!is_broken(&tlvs));
        assert_eq!(value("ssl_verify", b""), None);
    }

    #[test]
    fn malformed_lists() {
        // As in nginx, the TLVs before the fault can be used.
        for tail in [
            &b"\xe1"[..],
            b"\xe1\x00",
            b"\xe1\x00\x01",
            b"\xe1\xff\xffab",
        ] {
            let tlvs = [b"\x02\x00\x02mx", tail].concat();
            assert_eq!(value("authority", &tlvs).as_deref(), Some("mx"));
            assert_eq!(value("0xe1", &tlvs), None, "{tail:?}");
            assert_eq!(value("0xe2", &tlvs), None, "{tail:?}");
            assert!(is_broken(&tlvs), "{tail:?}");
        }
        for ssl in [
            &b"\x20\x00\x04\x01\x00\x00\x00"[..],
            b"\x20\x00\x00",
            b"\x20\x00\x06\x01\x00\x00\x00\x00\x22",
            b"\x20\x00\x09\x01\x00\x00\x00\x00\x22\x00\x02j",
        ] {
            assert_eq!(value("ssl_cn", ssl), None, "{ssl:?}");
            assert!(is_broken(ssl), "{ssl:?}");
        }
        assert_eq!(
            value("ssl_verify", b"\x20\x00\x06\x01\x00\x00\x00\x07\x22").as_deref(),
            Some("7")
        );
    }
}
