//! The form in which SASL messages are sent to a backend.

use crate::proto::strings::{Sender, string};

/// How a protocol writes SASL messages. All are in base64, except for `*`, which cancels the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// As they are (RFC 4954, RFC 5034, RFC 9051).
    Bare,
    /// As strings (RFC 5804, section 2.1).
    Strings,
}

impl Framing {
    /// A message on a line of its own.
    pub fn line(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Bare => message.into(),
            Self::Strings => string(message, Sender::Client),
        }
    }

    /// A message in the command that begins the exchange.
    pub fn initial(self, message: &[u8]) -> Vec<u8> {
        match self {
            // RFC 4954, section 4
            Self::Bare if message.is_empty() => b"=".into(),
            framing => framing.line(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        for (message, bare, string) in [("dQ==", "dQ==", "\"dQ==\""), ("", "=", "\"\"")] {
            let message = message.as_bytes();
            assert_eq!(Framing::Bare.initial(message), bare.as_bytes());
            assert_eq!(Framing::Strings.initial(message), string.as_bytes());
        }
        assert_eq!(Framing::Bare.line(b""), b"");
        assert_eq!(Framing::Strings.line(b"*"), b"\"*\"");
        let long = "a".repeat(1025);
        let literal = format!("{{1025+}}\r\n{long}");
        assert_eq!(Framing::Strings.line(long.as_bytes()), literal.as_bytes());
    }
}
