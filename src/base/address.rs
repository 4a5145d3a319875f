//! A socket address as configurations name it: an IP address with a port, or the path of a unix socket.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// Where to listen or connect. `Display` prints it as nginx does: `1.2.3.4:25`, `[::1]:25`, `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// IPv4 or IPv6 with a port.
    Inet(SocketAddr),
    /// A unix domain stream socket.
    Unix(PathBuf),
}

impl Address {
    /// The port; 0 for a unix socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Self::Inet(address) => address.port(),
            Self::Unix(_) => 0,
        }
    }

    /// Whether it stands for every address of its family (`0.0.0.0`, `[::]`).
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        matches!(self, Self::Inet(address) if address.ip().is_unspecified())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(SocketAddr::V6(address)) => {
                write!(f, "[{}]:{}", Ipv6Text(*address.ip()), address.port())
            }
            Self::Inet(SocketAddr::V4(address)) => {
                let mut text = Ipv4Text::new(*address.ip());
                text.push(b':');
                text.number(address.port());
                f.write_str(text.as_str())
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An IPv4 address as text, made without an allocation: several are shown in each session.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4Text {
    bytes: [u8; Self::LONGEST],
    length: usize,
}

impl Ipv4Text {
    /// The length of the longest address with a port.
    const LONGEST: usize = "255.255.255.255:65535".len();

    /// The address without a port.
    #[must_use]
    pub fn new(address: Ipv4Addr) -> Self {
        let mut text = Self {
            bytes: [0; Self::LONGEST],
            length: 0,
        };
        for (at, octet) in address.octets().into_iter().enumerate() {
            if at > 0 {
                text.push(b'.');
            }
            text.number(octet.into());
        }
        text
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // It is ASCII.
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    fn number(&mut self, number: u16) {
        let mut unit = 10_000;
        while unit > number && unit > 1 {
            unit /= 10;
        }
        while unit > 0 {
            let digit = number / unit % 10;
            self.push(b"0123456789"[usize::from(digit)]);
            unit /= 10;
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(next) = self.bytes.get_mut(self.length) {
            *next = byte;
            self.length += 1;
        }
    }
}

/// An IPv6 address as nginx prints it: IPv4-compatible and IPv4-mapped addresses end in dotted decimal.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6Text(pub Ipv6Addr);

impl fmt::Display for Ipv6Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.segments();
        let zeros = words.iter().take_while(|word| **word == 0).count();
        let [high, low] = words[7].to_be_bytes();
        match zeros {
            6 => {}
            7 if high != 0 && low != 1 => {}
            _ => return write!(f, "{}", self.0),
        }
        let octets = self.0.octets();
        write!(
            f,
            "::{}.{}.{}.{}",
            octets[12], octets[13], octets[14], octets[15]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn prints_as_nginx_does() {
        for text in [
            "1.2.3.4:25",
            "0.10.100.255:0",
            "255.255.255.255:65535",
            "10.20.99.9:1000",
            "[::1]:25",
            "[::]:25",
            "[::0.0.255.255]:1",
            "[::1.2.3.4]:1",
            "[::ffff:1.2.3.4]:1",
            "[1::2:0:0:3]:1",
        ] {
            let address: std::net::SocketAddr = text.parse().expect("an address");
            assert_eq!(Address::Inet(address).to_string(), text);
        }
        assert_eq!(Address::Unix("/run/x".into()).to_string(), "unix:/run/x");
    }
}
