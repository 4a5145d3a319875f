//! Headers for backends.

use std::fmt;
use std::net::IpAddr;

use crc::{CRC_32_ISCSI, Crc};

use super::read::SIGNATURE;
use super::tlvs::TlvFault;
use super::{Addresses, OmittedTlv, Tlvs};
use crate::base::TlvName;
use crate::base::address::Ipv6Text;
use crate::base::tlv::kind;

/// CRC32C (RFC 3720).
const CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The longest part of a header after its length, in bytes.
const LONGEST: usize = u16::MAX as usize;
/// Type and length of an extension.
const TLV: usize = 3;
/// The extension with the checksum.
const CHECKSUM: usize = TLV + 4;

/// A header to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentHeader {
    pub bytes: Vec<u8>,
    /// The extensions that it should have and has not.
    pub omitted: Vec<OmittedTlv>,
}

/// Version 1: a line of text. Without addresses, `UNKNOWN`.
pub fn v1(addresses: Option<Addresses>) -> SentHeader {
    SentHeader {
        bytes: line(addresses).into_bytes(),
        omitted: Vec::new(),
    }
}

fn line(addresses: Option<Addresses>) -> String {
    let Some(Addresses {
        source,
        destination,
    }) = addresses
    else {
        return "PROXY UNKNOWN\r\n".to_owned();
    };
    let family = if source.is_ipv4() { 4 } else { 6 };
    let (from, to) = (source.port(), destination.port());
    let (source, destination) = (Text(source.ip()), Text(destination.ip()));
    format!("PROXY TCP{family} {source} {destination} {from} {to}\r\n")
}

/// Version 2: binary, with extensions and a checksum. Without addresses, LOCAL. The order is nginx's.
pub fn v2(addresses: Option<Addresses>, tlvs: &Tlvs<'_>) -> SentHeader {
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
    let mut list = ListWriter::new(LONGEST - CHECKSUM - (out.len() - body));
    list.omitted.extend_from_slice(&tlvs.omitted);
    list.write(tlvs);
    out.extend_from_slice(&list.bytes);
    // The checksum is computed with its own field set to zero.
    out.extend_from_slice(&[kind::CRC32C, 0, 4, 0, 0, 0, 0]);
    let length = u16::try_from(out.len() - body).unwrap_or(u16::MAX);
    out[body - 2..body].copy_from_slice(&length.to_be_bytes());
    let sum = CRC32C.checksum(&out);
    let end = out.len() - 4;
    out[end..].copy_from_slice(&sum.to_be_bytes());
    SentHeader {
        bytes: out,
        omitted: list.omitted,
    }
}

/// Writes a list of extensions of limited length.
struct ListWriter {
    bytes: Vec<u8>,
    longest: usize,
    omitted: Vec<OmittedTlv>,
}

impl ListWriter {
    fn new(longest: usize) -> Self {
        Self {
            bytes: Vec::new(),
            longest,
            omitted: Vec::new(),
        }
    }

    fn write(&mut self, tlvs: &Tlvs<'_>) {
        if let Some(authority) = &tlvs.authority {
            self.put(TlvName::Type(kind::AUTHORITY), kind::AUTHORITY, authority);
        }
        if let Some(alpn) = &tlvs.alpn {
            self.put(TlvName::Type(kind::ALPN), kind::ALPN, alpn);
        }
        if let Some(ssl) = &tlvs.ssl {
            let mut inner = Self::new(self.room());
            inner.bytes.push(ssl.client);
            inner.bytes.extend_from_slice(&ssl.verify.to_be_bytes());
            for (kind, value) in &ssl.parts {
                inner.put(TlvName::Ssl(*kind), *kind, value);
            }
            self.omitted.append(&mut inner.omitted);
            self.put(TlvName::Type(kind::SSL), kind::SSL, &inner.bytes);
        }
        for (kind, value) in &tlvs.others {
            self.put(TlvName::Type(*kind), *kind, value);
        }
    }

    /// The longest value that another extension may have.
    fn room(&self) -> usize {
        self.longest.saturating_sub(self.bytes.len() + TLV)
    }

    /// Writes one extension; omits a value that is too long.
    fn put(&mut self, name: TlvName, kind: u8, value: &[u8]) {
        match u16::try_from(value.len()) {
            Ok(length) if self.bytes.len() + TLV + value.len() <= self.longest => {
                self.bytes.push(kind);
                self.bytes.extend_from_slice(&length.to_be_bytes());
                self.bytes.extend_from_slice(value);
            }
            _ => self.omitted.push(OmittedTlv {
                name,
                fault: TlvFault::TooLong,
            }),
        }
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
