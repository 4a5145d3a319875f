//! Parsing a header that may arrive in pieces.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Addresses;
use crate::base::Escaped;
use crate::proto::redact;

/// The longest header that is read, in bytes: version 2 with its extensions.
pub const LIMIT: usize = 4096;
/// The longest line of version 1, with CR LF.
const LINE: usize = 107;
/// The first bytes of version 2.
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The first bytes of version 1.
const START: &[u8] = b"PROXY ";
/// Signature, version and command, family and transport, length.
const PREFIX: usize = 16;

/// An error in a header. Displays as in nginx's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a header; the text up to the first line end, where it may be shown.
    Broken(Box<[u8]>),
    /// A version that does not exist.
    Version(u8),
    /// Longer than [`LIMIT`].
    TooLarge,
}

impl Fault {
    /// The error of bytes after which nothing comes. nginx says of version 2 that the part that is missing does not fit.
    #[must_use]
    pub fn cut_short(bytes: &[u8]) -> Self {
        if bytes.len() >= PREFIX && bytes.starts_with(SIGNATURE) {
            return Self::TooLarge;
        }
        Self::broken(bytes)
    }

    /// The error of bytes that are not a header.
    #[must_use]
    pub fn broken(bytes: &[u8]) -> Self {
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next();
        let line = line.unwrap_or_default();
        if starts_alike(line, START) {
            return Self::Broken(line.into());
        }
        // A client that sends no header may send its login.
        Self::Broken(redact::command(line).into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(text) => write!(out, "broken header: \"{}\"", Escaped(text)),
            Self::Version(version) => write!(out, "unknown PROXY protocol version: {version}"),
            Self::TooLarge => out.write_str("header is too large"),
        }
    }
}

/// A complete header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedHeader<'a> {
    /// The addresses, if it has any of a TCP connection.
    pub addresses: Option<Addresses>,
    /// The list of extensions, which may be malformed. As in nginx, empty where there are no addresses.
    pub tlvs: &'a [u8],
    /// Its length in bytes.
    pub length: usize,
}

/// Parses a header at the front of `bytes`. `None` while it is incomplete, which it never is with [`LIMIT`] bytes.
///
/// # Errors
/// The bytes are not a header.
pub fn parse(bytes: &[u8]) -> Result<Option<ReceivedHeader<'_>>, Fault> {
    if starts_alike(bytes, SIGNATURE) {
        return binary(bytes);
    }
    if !starts_alike(bytes, START) {
        return Err(Fault::broken(bytes));
    }
    let line = &bytes[..bytes.len().min(LINE)];
    match line.iter().position(|byte| *byte == b'\n') {
        Some(end) => match text(&line[..=end]) {
            Some(addresses) => Ok(Some(ReceivedHeader {
                addresses,
                tlvs: &[],
                length: end + 1,
            })),
            None => Err(Fault::broken(bytes)),
        },
        None if line.len() == LINE => Err(Fault::broken(bytes)),
        None => Ok(None),
    }
}

/// Whether one of the two is a prefix of the other.
fn starts_alike(bytes: &[u8], start: &[u8]) -> bool {
    bytes.iter().zip(start).all(|(one, other)| one == other)
}

/// Parses a line of version 1: the outer `None` stands for a malformed one, the inner for `UNKNOWN`.
fn text(line: &[u8]) -> Option<Option<Addresses>> {
    let line = line.strip_suffix(b"\r\n")?.strip_prefix(START)?;
    if line.starts_with(b"UNKNOWN") {
        return Some(None);
    }
    let line = std::str::from_utf8(line).ok()?;
    let line = line
        .strip_prefix("TCP4 ")
        .or_else(|| line.strip_prefix("TCP6 "))?;
    let mut words = line.split(' ');
    let mut word = || words.next();
    let (source, destination) = (word()?.parse().ok()?, word()?.parse().ok()?);
    let (from, to) = (port(word()?)?, port(word()?)?);
    words.next().is_none().then_some(Some(Addresses {
        source: SocketAddr::new(source, from),
        destination: SocketAddr::new(destination, to),
    }))
}

fn port(word: &str) -> Option<u16> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

fn binary(bytes: &[u8]) -> Result<Option<ReceivedHeader<'_>>, Fault> {
    let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let [.., command, kind, high, low] = *prefix;
    if command >> 4 != 2 {
        return Err(Fault::Version(command >> 4));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if PREFIX + length > LIMIT {
        return Err(Fault::TooLarge);
    }
    let Some(body) = rest.get(..length) else {
        return Ok(None);
    };
    // LOCAL, datagrams and unix sockets have no client address: the address of the connection is used.
    let parsed = match (command & 0x0f, kind) {
        (1, 0x11) => Some(inet(body)),
        (1, 0x21) => Some(inet6(body)),
        _ => None,
    };
    let parsed = parsed.map(|parsed| parsed.ok_or_else(|| Fault::broken(bytes)));
    let (addresses, tlvs) = parsed.transpose()?.unzip();
    Ok(Some(ReceivedHeader {
        addresses,
        tlvs: tlvs.unwrap_or_default(),
        length: PREFIX + length,
    }))
}

/// The addresses, and the bytes after them.
fn inet(body: &[u8]) -> Option<(Addresses, &[u8])> {
    let (source, rest) = body.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    let (from, to, rest) = ports(rest)?;
    let addresses = Addresses {
        source: (Ipv4Addr::from(*source), from).into(),
        destination: (Ipv4Addr::from(*destination), to).into(),
    };
    Some((addresses, rest))
}

/// Likewise.
fn inet6(body: &[u8]) -> Option<(Addresses, &[u8])> {
    let (source, rest) = body.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let (from, to, rest) = ports(rest)?;
    let addresses = Addresses {
        source: (Ipv6Addr::from(*source), from).into(),
        destination: (Ipv6Addr::from(*destination), to).into(),
    };
    Some((addresses, rest))
}

fn ports(bytes: &[u8]) -> Option<(u16, u16, &[u8])> {
    let ([a, b, c, d], rest) = bytes.split_first_chunk::<4>()?;
    let port = |high: &u8, low: &u8| u16::from_be_bytes([*high, *low]);
    Some((port(a, b), port(c, d), rest))
}

#[cfg(test)]
mod tests;
