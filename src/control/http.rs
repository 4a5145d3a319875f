//! A request to the status pages over blocking sockets.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::base::Address;
use crate::config::StatusToken;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the gateway may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest answer, in bytes: more than half a million sessions.
const LONGEST: u64 = 512 << 20;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub code: u16,
    pub body: String,
}

/// A connected socket.
trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

/// Sends a request without a body and reads the answer.
///
/// # Errors
/// Nobody listens, the connection breaks, or the answer is not HTTP.
pub(super) fn ask(
    address: &Address,
    token: Option<&StatusToken>,
    (method, path): (&str, &str),
) -> io::Result<Answer> {
    let mut stream = connect(address)?;
    // HTTP/1.0: the end of the connection is the end of the body.
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\n").into_bytes();
    if let Some(token) = token {
        request.extend([b"Authorization: Bearer ", &**token.reveal(), b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    stream.write_all(&request)?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    let unexpected = || io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP");
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").ok_or_else(unexpected)?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        code: code.ok_or_else(unexpected)?,
        body: String::from_utf8_lossy(&answer[end + 4..]).into_owned(),
    })
}

fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(match address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(SILENCE))?;
            stream.set_write_timeout(Some(SILENCE))?;
            Box::new(stream)
        }
        Address::Inet(address) => {
            let stream = TcpStream::connect_timeout(&reachable(*address), CONNECT)?;
            stream.set_read_timeout(Some(SILENCE))?;
            stream.set_write_timeout(Some(SILENCE))?;
            Box::new(stream)
        }
    })
}

/// An address of this machine in place of a wildcard.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// A name in percent-encoding, for one segment of a path (RFC 3986).
pub(super) fn encoded(name: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.iter().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment() {
        for (name, segment) in [
            (&b"joe.b-c_d~1"[..], "joe.b-c_d~1"),
            (b"a@b c/%", "a%40b%20c%2F%25"),
            (b"\0\xff", "%00%FF"),
        ] {
            assert_eq!(encoded(name), segment);
        }
    }

    #[test]
    fn a_wildcard_is_reached_by_loopback() {
        for (written, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("192.0.2.1:1", "192.0.2.1:1"),
        ] {
            let address = written.parse().unwrap();
            assert_eq!(reachable(address).to_string(), reached);
        }
    }
}
