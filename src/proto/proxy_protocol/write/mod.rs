//! Headers for backends.

use std::fmt;
use std::net::IpAddr;

use crc::{CRC_32_ISCSI, Crc};

use super::Addresses;
use super::read::SIGNATURE;
use crate::base::address::Ipv6Text;
use crate::proto::login::Bytes;

/// CRC32C (RFC 3720).
const CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Types of version 2's extensions (section 2.2).
mod kind {
    pub const ALPN: u8 = 0x01;
    pub const AUTHORITY: u8 = 0x02;
    pub const CRC32C: u8 = 0x03;
    pub const SSL: u8 = 0x20;
    pub const SSL_VERSION: u8 = 0x21;
    pub const SSL_CN: u8 = 0x22;
    pub const SSL_CIPHER: u8 = 0x23;
    pub const SSL_SIG_ALG: u8 = 0x24;
    pub const SSL_KEY_ALG: u8 = 0x25;
}

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

/// Version 1: a line of text. Without addresses, `UNKNOWN`.
pub fn v1(addresses: Option<Addresses>) -> Vec<u8> {
    let Some(Addresses {
        source,
        destination,
    }) = addresses
    else {
        return b"PROXY UNKNOWN\r\n".to_vec();
    };
    let family = if source.is_ipv4() { 4 } else { 6 };
    let (from, to) = (source.port(), destination.port());
    let (source, destination) = (Text(source.ip()), Text(destination.ip()));
    format!("PROXY TCP{family} {source} {destination} {from} {to}\r\n").into_bytes()
}

/// Version 2: binary, with the TLS extension and a checksum. Without addresses, LOCAL.
pub fn v2(addresses: Option<Addresses>, tls: Option<Tls<'_>>) -> Vec<u8> {
    v2_extended(addresses, tls, &[])
}

/// The same with further extensions, by type.
pub fn v2_extended(
    addresses: Option<Addresses>,
    tls: Option<Tls<'_>>,
    more: &[(u8, Bytes)],
) -> Vec<u8> {
    let mut out = SIGNATURE.to_vec();
    let (command, family) = match &addresses {
        None => (0x20, 0x00),
        Some(both) if both.source.is_ipv4() => (0x21, 0x11),
        Some(_) => (0x21, 0x21),
    };
    out.extend_from_slice(&[command, family, 0, 0]);
    let body = out.len();
    if let Some(Addresses {
        source,
        destination,
    }) = addresses
    {
        for end in [source, destination] {
            match end.ip() {
                IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
                IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
            }
        }
        for end in [source, destination] {
            out.extend_from_slice(&end.port().to_be_bytes());
        }
    }
    if let Some(tls) = tls {
        let authority = tls.authority.map(str::as_bytes);
        put_some(&mut out, kind::AUTHORITY, authority);
        put_some(&mut out, kind::ALPN, tls.alpn);
        put(&mut out, kind::SSL, &ssl(&tls));
    }
    for (kind, value) in more {
        put(&mut out, *kind, value);
    }
    // The checksum is computed with its own field set to zero.
    put(&mut out, kind::CRC32C, &[0; 4]);
    let length = u16::try_from(out.len() - body).unwrap_or(u16::MAX);
    out[body - 2..body].copy_from_slice(&length.to_be_bytes());
    let sum = CRC32C.checksum(&out);
    let end = out.len() - 4;
    out[end..].copy_from_slice(&sum.to_be_bytes());
    out
}

/// The TLS extension (section 2.2.6).
fn ssl(tls: &Tls<'_>) -> Vec<u8> {
    const SSL: u8 = 1;
    const CERT_CONN: u8 = 2;
    const CERT_SESS: u8 = 4;
    let (client, verify) = match tls.certificate {
        // X509_V_ERR_UNSPECIFIED
        None => (SSL, 1),
        Some(shown) if shown.shown_now => (SSL | CERT_CONN | CERT_SESS, shown.verify),
        Some(shown) => (SSL | CERT_SESS, shown.verify),
    };
    let mut value = vec![client];
    value.extend_from_slice(&verify.to_be_bytes());
    let (version, cipher) = tls.words.unzip();
    let name = tls.certificate.and_then(|shown| shown.name);
    put_some(&mut value, kind::SSL_VERSION, version.map(str::as_bytes));
    put_some(&mut value, kind::SSL_CN, name.map(str::as_bytes));
    put_some(&mut value, kind::SSL_CIPHER, cipher.map(str::as_bytes));
    put_some(
        &mut value,
        kind::SSL_SIG_ALG,
        tls.signature.map(str::as_bytes),
    );
    put_some(&mut value, kind::SSL_KEY_ALG, tls.key.map(str::as_bytes));
    value
}

fn put_some(out: &mut Vec<u8>, kind: u8, value: Option<&[u8]>) {
    if let Some(value) = value {
        put(out, kind, value);
    }
}

/// Writes one extension; omits a value that is too long.
fn put(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    if let Ok(length) = u16::try_from(value.len()) {
        out.push(kind);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
}

/// An address as nginx prints it.
struct Text(IpAddr);

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => ip.fmt(out),
            IpAddr::V6(ip) => Ipv6Text(ip).fmt(out),
        }
    }
}

#[cfg(test)]
mod tests;
