//! The form in which SASL messages are sent to a backend.

use crate::proto::strings::quoted;

/// The longest quoted string in bytes (RFC 5804, section 4).
const QUOTED: usize = 1024;

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
    pub fn line(self, message: &str) -> Vec<u8> {
        match self {
            Self::Bare => message.into(),
            Self::Strings if message.len() <= QUOTED => quoted(message.as_bytes()),
            Self::Strings => format!("{{{}+}}\r\n{message}", message.len()).into_bytes(),
        }
    }

    /// A message in the command that begins the exchange.
    pub fn initial(self, message: &str) -> Vec<u8> {
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
            assert_eq!(Framing::Bare.initial(message), bare.as_bytes());
            assert_eq!(Framing::Strings.initial(message), string.as_bytes());
        }
        assert_eq!(Framing::Bare.line(""), b"");
        assert_eq!(Framing::Strings.line("*"), b"\"*\"");
        let long = "a".repeat(1025);
        let literal = format!("{{1025+}}\r\n{long}");
        assert_eq!(Framing::Strings.line(&long), literal.as_bytes());
    }
}
