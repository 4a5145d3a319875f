//! IMAP's ID (RFC 2971): fields that clients and servers tell each other.

use std::borrow::Cow;
use std::fmt;

use crate::base::Escaped;
use crate::proto::login::Bytes;
use crate::proto::strings::quoted;

/// The longest name and value in bytes, and the largest number of fields (RFC 2971, section 3.3).
const NAME: usize = 30;
const VALUE: usize = 1024;
const FIELDS: usize = 30;

/// Parts of names whose values may be secret.
const SECRET: [&str; 6] = ["pass", "pwd", "secret", "token", "auth", "key"];

/// The fields of one side: names and values, both within the limits of RFC 2971.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Bytes, Bytes)>);

impl Fields {
    /// A client's fields. Those that are too long, those with control bytes, and those that only a proxy may set (`x-`) are
    /// left out.
    #[must_use]
    pub fn of_client<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let is_proxys = |name: &[u8]| {
            let start = name.get(..2);
            start.is_some_and(|start| start.eq_ignore_ascii_case(b"x-"))
        };
        let mut fields = Self::default();
        for (name, value) in pairs {
            if !is_proxys(name) {
                fields.push(name, value);
            }
        }
        fields
    }

    /// Adds a field if it is within the limits.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let fits =
            |text: &[u8], longest| text.len() <= longest && !text.iter().any(u8::is_ascii_control);
        if self.0.len() < FIELDS && !name.is_empty() && fits(name, NAME) && fits(value, VALUE) {
            self.0.push((name.into(), value.into()));
        }
    }

    /// Adds fields after the own ones, as far as their number allows.
    pub fn extend(&mut self, more: &Self) {
        for (name, value) in &more.0 {
            self.push(name, value);
        }
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The list for the command or the response: `("name" "value")`, or `NIL`.
    #[must_use]
    pub fn list(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return b"NIL".to_vec();
        }
        let texts = self.0.iter().flat_map(|(name, value)| [name, value]);
        let quoted: Vec<_> = texts.map(|text| quoted(text)).collect();
        [b"(", &*quoted.join(&b' '), b")"].concat()
    }
}

impl FromIterator<(Bytes, Bytes)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Bytes, Bytes)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.push(&name, &value);
        }
        fields
    }
}

/// Displays the fields for a log line, without values that may be secret.
impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.0.iter().enumerate() {
            let lower = name.to_ascii_lowercase();
            let is_secret = SECRET
                .iter()
                .any(|part| memchr::memmem::find(&lower, part.as_bytes()).is_some());
            let value: Cow<'_, [u8]> = match is_secret {
                true => Cow::Borrowed(b"***"),
                false => Cow::Borrowed(value),
            };
            let gap = if at > 0 { " " } else { "" };
            write!(f, "{gap}\"{}\" \"{}\"", Escaped(name), Escaped(&value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(pairs: &[(&str, &str)]) -> Fields {
        let pairs = pairs.iter();
        Fields::of_client(pairs.map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    fn list(fields: &Fields) -> String {
        String::from_utf8_lossy(&fields.list()).into_owned()
    }

    #[test]
    fn a_clients_fields() {
        let (thirty, long) = ("n".repeat(30), "v".repeat(1025));
        let fields = client(&[
            ("name", "a \"b\" \\c"),
            ("X-Originating-IP", "192.0.2.1"),
            ("x-proxy-ttl", "9"),
            (&thirty, "kept"),
            (&format!("{thirty}n"), "left out"),
            ("", "left out"),
            ("long", &long),
            ("control", "a\r\nb"),
            ("empty", ""),
        ]);
        assert_eq!(
            list(&fields),
            format!("(\"name\" \"a \\\"b\\\" \\\\c\" \"{thirty}\" \"kept\" \"empty\" \"\")")
        );
        assert_eq!(list(&client(&[("x-a", "b")])), "NIL");
        let many = vec![("a", "b"); 40];
        assert_eq!(client(&many).0.len(), 30);
    }

    #[test]
    fn the_log_shows_no_secret() {
        let fields = client(&[("name", "a\", client: x"), ("Password", "s"), ("os", "")]);
        assert_eq!(
            fields.to_string(),
            "\"name\" \"a\\x22\\x2C client: x\" \"Password\" \"***\" \"os\" \"\""
        );
    }
}
