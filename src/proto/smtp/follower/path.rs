//! The argument of MAIL and RCPT: a path and its parameters (RFC 5321, section 4.1.2).

use super::verb_scanner::is_blank;

/// The path of a MAIL or RCPT command, with the parameters after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// The address between `<` and `>`. Empty for the null sender.
    pub address: &'a [u8],
    parameters: &'a [u8],
}

/// The BODY parameter of MAIL (RFC 6152, RFC 3030).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    #[default]
    SevenBit,
    EightBitMime,
    BinaryMime,
}

impl<'a> Path<'a> {
    /// Parses a MAIL or RCPT line without its line end. A path without `<` ends at white space. `None` if `:` or `>` is missing.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let colon = memchr::memchr(b':', line)?;
        let rest = line[colon + 1..].trim_ascii();
        let Some(inner) = rest.strip_prefix(b"<") else {
            let end = rest.iter().position(is_blank).unwrap_or(rest.len());
            let (address, parameters) = rest.split_at(end);
            return Some(Path {
                address,
                parameters,
            });
        };
        let end = closing(inner)?;
        Some(Path {
            address: &inner[..end],
            parameters: &inner[end + 1..],
        })
    }

    /// The parameters: keyword and value.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let words = self.parameters.split(is_blank);
        words
            .filter(|word| !word.is_empty())
            .map(|word| match memchr::memchr(b'=', word) {
                Some(at) => (&word[..at], Some(&word[at + 1..])),
                None => (word, None),
            })
    }

    /// The SIZE parameter in octets (RFC 1870).
    pub fn size(&self) -> Option<u64> {
        let digits = self.value(b"SIZE")?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The BODY parameter.
    pub fn body(&self) -> Body {
        match self.value(b"BODY") {
            Some(body) if body.eq_ignore_ascii_case(b"8BITMIME") => Body::EightBitMime,
            Some(body) if body.eq_ignore_ascii_case(b"BINARYMIME") => Body::BinaryMime,
            _ => Body::SevenBit,
        }
    }

    /// Whether the SMTPUTF8 parameter is there (RFC 6531).
    pub fn smtputf8(&self) -> bool {
        self.parameters()
            .any(|(keyword, _)| keyword.eq_ignore_ascii_case(b"SMTPUTF8"))
    }

    fn value(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut parameters = self.parameters();
        parameters.find_map(|(keyword, value)| value.filter(|_| keyword.eq_ignore_ascii_case(name)))
    }
}

/// The index of the first `>` outside quotes.
fn closing(text: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.iter().position(|byte| {
        let end = *byte == b'>' && !quoted;
        quoted ^= *byte == b'"' && !escaped;
        escaped = quoted && *byte == b'\\' && !escaped;
        end
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (line, address, size, body, utf8) in [
            ("MAIL FROM:<a@b.c>", "a@b.c", None, Body::SevenBit, false),
            (
                "mail from: <> size=12 BODY=8bitmime SMTPUTF8",
                "",
                Some(12),
                Body::EightBitMime,
                true,
            ),
            (
                r#"RCPT TO:<"a> \"b"@c> BODY=BINARYMIME"#,
                r#""a> \"b"@c"#,
                None,
                Body::BinaryMime,
                false,
            ),
            ("MAIL FROM:a@b SIZE=x", "a@b", None, Body::SevenBit, false),
            (
                "RCPT TO:<@a,@b:c@d>",
                "@a,@b:c@d",
                None,
                Body::SevenBit,
                false,
            ),
        ] {
            let path = Path::parse(line.as_bytes()).expect(line);
            assert_eq!(path.address, address.as_bytes(), "{line}");
            let found = (path.size(), path.body(), path.smtputf8());
            assert_eq!(found, (size, body, utf8), "{line}");
        }
        for line in ["MAIL", "MAIL FROM:<a", "RCPT TO:<\"a>"] {
            assert_eq!(Path::parse(line.as_bytes()), None, "{line}");
        }
    }
}
