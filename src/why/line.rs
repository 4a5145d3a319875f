//! One line of a mail log in either built-in format.

use serde_json::Value;

use crate::base::Escaped;
use crate::config::{MessageField, SessionField};

/// The fields of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record(Vec<(Box<str>, Box<str>)>);

impl Record {
    /// Reads a line without its line feed. `None`: the line is in another format.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let fields = match line.first()? {
            b'{' => json(line)?,
            _ => key_value(&String::from_utf8_lossy(line))?,
        };
        let is_known = |name: &str| {
            let mut session = SessionField::ALL.iter().map(|field| field.name());
            let mut message = MessageField::ALL.iter().map(|field| field.name());
            session.any(|known| known == name)
                || message.any(|known| known == name)
                || name == "lost"
        };
        let all_known = fields.iter().all(|(name, _)| is_known(name));
        (all_known && !fields.is_empty()).then_some(Self(fields))
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        fields
            .find(|(known, _)| **known == *name)
            .map(|(_, value)| &**value)
    }

    /// Whether it is the line of a message.
    pub(super) fn is_message(&self) -> bool {
        self.get("sender").is_some()
    }
}

type Fields = Vec<(Box<str>, Box<str>)>;

/// Reads `name=value name="value" …`.
fn key_value(text: &str) -> Option<Fields> {
    let mut fields = Fields::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, rest) = quoted.split_once('"')?;
                (unescape(value), rest)
            }
            None => {
                let end = after.find(' ').unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        fields.push((name.into(), value.into()));
        rest = match rest.strip_prefix(' ') {
            Some(rest) => rest,
            None if rest.is_empty() => "",
            None => return None,
        };
    }
    Some(fields)
}

/// Replaces `\x22`. Control bytes stay escaped, because the result is shown on a terminal.
fn unescape(value: &str) -> String {
    value.replace("\\x22", "\"").replace("\\x5C", "\\")
}

/// Reads an object whose values are strings and numbers.
fn json(line: &[u8]) -> Option<Fields> {
    let members: serde_json::Map<String, Value> = serde_json::from_slice(line).ok()?;
    let field = |(name, value): (String, Value)| {
        let value = match value {
            Value::String(text) => Escaped(text.as_bytes()).to_string(),
            other => other.to_string(),
        };
        (name.into(), value.into())
    };
    Some(members.into_iter().map(field).collect())
}
