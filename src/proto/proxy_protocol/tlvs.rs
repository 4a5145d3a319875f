//! The extensions of a header for a backend: those about the client's TLS, and those that the configuration adds or replaces.

use std::borrow::Cow;
use std::fmt;

use crate::base::TlvName;
use crate::base::tlv::{SslTlv, TlvList, kind};

/// The flags of `ssl` (section 2.2.6).
mod client {
    pub const SSL: u8 = 1;
    pub const CERT_CONN: u8 = 2;
    pub const CERT_SESS: u8 = 4;
}

/// The result of a verification that has not taken place: X509_V_ERR_UNSPECIFIED.
const NOT_VERIFIED: u32 = 1;

/// A client's TLS connection.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// The server name that the client sent (SNI).
    pub authority: Option<&'a str>,
    /// The negotiated protocol (ALPN).
    pub alpn: Option<&'a [u8]>,
    /// Version and cipher in OpenSSL's names.
    pub words: Option<(&'a str, &'a str)>,
    /// The client's certificate, if it sent one.
    pub certificate: Option<Certificate<'a>>,
    /// The algorithm by which the gateway's own certificate is signed, in OpenSSL's name.
    pub signature: Option<&'a str>,
    /// The kind and the length of the key of the gateway's own certificate: `RSA2048`.
    pub key: Option<&'a str>,
}

/// A client's certificate.
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// The result of its verification: OpenSSL's error number, 0 for a valid one.
    pub verify: u32,
    /// Whether it was sent on this connection; otherwise it is from the resumed session.
    pub shown_now: bool,
    /// The common name of its subject.
    pub name: Option<&'a str>,
}

/// Extensions, by type.
#[derive(Clone, Debug, Default)]
pub struct Tlvs<'a> {
    pub(super) authority: Option<Cow<'a, [u8]>>,
    pub(super) alpn: Option<Cow<'a, [u8]>>,
    pub(super) ssl: Option<Ssl<'a>>,
    /// In the order of the configuration.
    pub(super) others: Vec<Tlv<'a>>,
    pub(super) omitted: Vec<OmittedTlv>,
}

/// A type and a value.
pub(super) type Tlv<'a> = (u8, Cow<'a, [u8]>);

/// The extension `ssl`.
#[derive(Clone, Debug)]
pub(super) struct Ssl<'a> {
    pub client: u8,
    pub verify: u32,
    pub parts: Vec<Tlv<'a>>,
}

impl Default for Ssl<'_> {
    /// A client that uses TLS.
    fn default() -> Self {
        Self {
            client: client::SSL,
            verify: NOT_VERIFIED,
            parts: Vec::new(),
        }
    }
}

/// An extension that is not sent. Displays its name and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OmittedTlv {
    pub name: TlvName,
    pub fault: TlvFault,
}

/// Why a value cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlvFault {
    /// The header has no room for it.
    TooLong,
    /// The value of `ssl` is not a list of its parts.
    Malformed,
    /// The value of `ssl_verify` is not a number.
    NotANumber,
}

impl fmt::Display for OmittedTlv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            TlvFault::TooLong => "too long",
            TlvFault::Malformed => "malformed",
            TlvFault::NotANumber => "not a number",
        };
        write!(f, "{} ({fault})", self.name)
    }
}

impl<'a> From<Tls<'a>> for Tlvs<'a> {
    fn from(tls: Tls<'a>) -> Self {
        Self {
            authority: tls.authority.map(|name| Cow::Borrowed(name.as_bytes())),
            alpn: tls.alpn.map(Cow::Borrowed),
            ssl: Some(Ssl::from(tls)),
            ..Self::default()
        }
    }
}

impl<'a> From<Tls<'a>> for Ssl<'a> {
    fn from(tls: Tls<'a>) -> Self {
        use client::{CERT_CONN, CERT_SESS, SSL};
        let (client, verify) = match tls.certificate {
            None => (SSL, NOT_VERIFIED),
            Some(shown) if shown.shown_now => (SSL | CERT_CONN | CERT_SESS, shown.verify),
            Some(shown) => (SSL | CERT_SESS, shown.verify),
        };
        let (version, cipher) = tls.words.unzip();
        let parts = [
            (kind::SSL_VERSION, version),
            (kind::SSL_CN, tls.certificate.and_then(|shown| shown.name)),
            (kind::SSL_CIPHER, cipher),
            (kind::SSL_SIG_ALG, tls.signature),
            (kind::SSL_KEY_ALG, tls.key),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(kind, text)| Some((kind, Cow::Borrowed(text?.as_bytes()))));
        Self {
            client,
            verify,
            parts: parts.collect(),
        }
    }
}

impl Tlvs<'_> {
    /// Sets an extension, or a part of `ssl`, in place of one that is there. An empty value removes it, and so does one that cannot
    /// be sent. Without a valid `ssl_verify`, no certificate is.
    pub fn set(&mut self, name: TlvName, value: Vec<u8>) {
        let set = match name {
            TlvName::Type(kind::AUTHORITY) => {
                self.authority = filled(value);
                Ok(())
            }
            TlvName::Type(kind::ALPN) => {
                self.alpn = filled(value);
                Ok(())
            }
            TlvName::Type(kind::SSL) => self.set_ssl(&value),
            TlvName::Type(kind) => {
                set(&mut self.others, kind, value);
                Ok(())
            }
            TlvName::Ssl(kind) => {
                self.set_part(kind, value);
                Ok(())
            }
            TlvName::SslVerify => self.set_verify(&value),
        };
        if let Err(fault) = set {
            self.omitted.push(OmittedTlv { name, fault });
        }
    }

    fn set_ssl(&mut self, value: &[u8]) -> Result<(), TlvFault> {
        self.ssl = None;
        if !value.is_empty() {
            self.ssl = Some(Ssl::read(value).ok_or(TlvFault::Malformed)?);
        }
        Ok(())
    }

    fn set_part(&mut self, kind: u8, value: Vec<u8>) {
        // An empty value begins no `ssl`.
        if value.is_empty() && self.ssl.is_none() {
            return;
        }
        let ssl = self.ssl.get_or_insert_default();
        if kind == kind::SSL_CN && !value.is_empty() {
            ssl.client |= client::CERT_SESS;
        }
        set(&mut ssl.parts, kind, value);
    }

    fn set_verify(&mut self, value: &[u8]) -> Result<(), TlvFault> {
        if value.is_empty() && self.ssl.is_none() {
            return Ok(());
        }
        let number = std::str::from_utf8(value).ok();
        let number = number.and_then(|text| text.parse().ok());
        self.ssl.get_or_insert_default().verify = number.unwrap_or(NOT_VERIFIED);
        match number {
            None if !value.is_empty() => Err(TlvFault::NotANumber),
            _ => Ok(()),
        }
    }
}

impl Ssl<'_> {
    /// Reads the value of an extension. `None`: it is malformed.
    fn read(value: &[u8]) -> Option<Self> {
        let ssl = SslTlv::read(value)?;
        let parts = TlvList(ssl.tlvs).map(|tlv| {
            let (kind, value) = tlv.ok()?;
            Some((kind, Cow::Owned(value.to_vec())))
        });
        Some(Self {
            client: ssl.client,
            verify: ssl.verify,
            parts: parts.collect::<Option<_>>()?,
        })
    }
}

/// Sets the value of a type in a list. An empty value removes it.
fn set(list: &mut Vec<Tlv<'_>>, kind: u8, value: Vec<u8>) {
    let at = list.iter().position(|(known, _)| *known == kind);
    match (at, filled(value)) {
        (Some(at), Some(value)) => list[at].1 = value,
        (None, Some(value)) => list.push((kind, value)),
        (_, None) => list.retain(|(known, _)| *known != kind),
    }
}

fn filled(value: Vec<u8>) -> Option<Cow<'static, [u8]>> {
    (!value.is_empty()).then_some(Cow::Owned(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name and a value.
    type Line = (&'static str, &'static [u8]);

    /// Sets values by name and returns `ssl` as text: flags, result of the verification, parts.
    fn ssl(mut tlvs: Tlvs<'_>, lines: &[Line]) -> String {
        for (name, value) in lines {
            let name = TlvName::find(name).expect("a name");
            tlvs.set(name, value.to_vec());
        }
        let Some(ssl) = tlvs.ssl else {
            return "none".to_owned();
        };
        let part = |(kind, value): &Tlv<'_>| {
            format!(
                " {}={}",
                TlvName::Ssl(*kind),
                String::from_utf8_lossy(value)
            )
        };
        let parts: String = ssl.parts.iter().map(part).collect();
        format!("{} {}{parts}", ssl.client, ssl.verify)
    }

    fn own(certificate: Option<Certificate<'_>>) -> Tls<'_> {
        Tls {
            authority: Some("mx"),
            alpn: None,
            words: Some(("v1", "c1")),
            certificate,
            signature: None,
            key: None,
        }
    }

    #[test]
    fn lines_replace_parts_of_ssl() {
        let certificate = Some(Certificate {
            verify: 0,
            shown_now: true,
            name: Some("joe"),
        });
        let none = Tlvs::default;
        let clear = || Tlvs::from(own(None));
        let shown = || Tlvs::from(own(certificate));
        let whole = b"\x07\0\0\0\x15\x22\0\x01a\xe0\0\0".as_slice();
        let rows: [(Tlvs<'_>, &[Line], &str); 17] = [
            (none(), &[], "none"),
            (none(), &[("ssl_cn", b""), ("ssl_verify", b"")], "none"),
            (none(), &[("ssl_version", b"v2")], "1 1 ssl_version=v2"),
            (none(), &[("ssl_cn", b"a")], "5 1 ssl_cn=a"),
            (none(), &[("ssl_verify", b"0")], "1 0"),
            (none(), &[("ssl_0xe0", b"x")], "1 1 ssl_0xe0=x"),
            (none(), &[("ssl", whole)], "7 21 ssl_cn=a ssl_0xe0="),
            (
                none(),
                &[("ssl", whole), ("ssl_cn", b"b"), ("ssl_verify", b"0")],
                "7 0 ssl_cn=b ssl_0xe0=",
            ),
            (clear(), &[], "1 1 ssl_version=v1 ssl_cipher=c1"),
            (
                clear(),
                &[("ssl_cn", b"a"), ("ssl_cipher", b"")],
                "5 1 ssl_version=v1 ssl_cn=a",
            ),
            (shown(), &[], "7 0 ssl_version=v1 ssl_cn=joe ssl_cipher=c1"),
            (
                shown(),
                &[("ssl_cn", b"a")],
                "7 0 ssl_version=v1 ssl_cn=a ssl_cipher=c1",
            ),
            // An empty value does not say that the certificate is valid.
            (
                shown(),
                &[("ssl_verify", b"")],
                "7 1 ssl_version=v1 ssl_cn=joe ssl_cipher=c1",
            ),
            (
                shown(),
                &[("ssl_verify", b"SUCCESS")],
                "7 1 ssl_version=v1 ssl_cn=joe ssl_cipher=c1",
            ),
            (shown(), &[("ssl", b"")], "none"),
            (shown(), &[("ssl", b"\x07\0\0\0")], "none"),
            (shown(), &[("ssl", whole)], "7 21 ssl_cn=a ssl_0xe0="),
        ];
        for (tlvs, lines, want) in rows {
            assert_eq!(ssl(tlvs, lines), want, "{lines:?}");
        }
    }

    #[test]
    fn values_that_cannot_be_sent() {
        for (name, value, want) in [
            ("ssl", &b"x"[..], "ssl (malformed)"),
            ("ssl", b"\x07\0\0\0", "ssl (malformed)"),
            ("ssl", b"\x07\0\0\0\0\x22", "ssl (malformed)"),
            ("ssl", b"\x07\0\0\0\0\x22\0\x02a", "ssl (malformed)"),
            ("ssl", b"\x01\0\0\0\0", ""),
            ("ssl", b"", ""),
            ("ssl_verify", b"SUCCESS", "ssl_verify (not a number)"),
            ("ssl_verify", b"-1", "ssl_verify (not a number)"),
            ("ssl_verify", b"4294967296", "ssl_verify (not a number)"),
            ("ssl_verify", b"\xff", "ssl_verify (not a number)"),
            ("ssl_verify", b"4294967295", ""),
            ("ssl_verify", b"", ""),
        ] {
            let mut tlvs = Tlvs::from(own(None));
            tlvs.set(TlvName::find(name).expect("a name"), value.into());
            let omitted: String = tlvs.omitted.iter().map(OmittedTlv::to_string).collect();
            assert_eq!(omitted, want, "{value:?}");
        }
    }

    #[test]
    fn lines_replace_types() {
        let mut tlvs = Tlvs::from(own(None));
        for (name, value) in [
            ("authority", "a"),
            ("alpn", "smtp"),
            ("unique_id", "7"),
            ("netns", ""),
        ] {
            tlvs.set(TlvName::find(name).expect("a name"), value.into());
        }
        assert_eq!(tlvs.authority.as_deref(), Some(&b"a"[..]));
        assert_eq!(tlvs.alpn.as_deref(), Some(&b"smtp"[..]));
        assert_eq!(tlvs.others, [(kind::UNIQUE_ID, Cow::Borrowed(&b"7"[..]))]);
        tlvs.set(TlvName::Type(kind::AUTHORITY), Vec::new());
        assert_eq!(tlvs.authority, None);
    }
}
