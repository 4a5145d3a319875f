//! `map`: a variable whose value depends on another text, as in nginx's stream module.

use std::fmt;

use regex::bytes::{Captures, Regex};

use super::key_table::{KeyTable, Texts, Word};
use super::variable::{Evaluation, Found, Template, VariableBlock};
use crate::config::syntax::Span;

/// A `map` block.
#[derive(Clone, Debug)]
pub struct Map {
    /// The text that is looked up.
    pub(super) source: Template,
    /// `hostnames`: keys may be wildcards, and a final dot of the text does not count.
    pub(super) has_hostnames: bool,
    pub(super) default: Option<(Template, Span)>,
    pub(super) texts: Texts,
    pub(super) exact: KeyTable<Value>,
    /// `*.example.com` and `.example.com`, without the star and the dot.
    pub(super) heads: KeyTable<(Value, Head)>,
    /// `example.*`, without the dot and the star.
    pub(super) tails: KeyTable<Value>,
    pub(super) patterns: Vec<Pattern>,
    /// The values that contain variables.
    pub(super) computed: Vec<Template>,
}

/// The value of a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    /// A word as it is.
    Word(Word),
    /// The number of a text with variables.
    Computed(u32),
}

/// What a wildcard at the start of a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// `*.example.com`: names below it.
    Below,
    /// `.example.com`: the name itself too.
    Itself,
}

/// A key that is a regular expression.
#[derive(Clone)]
pub(super) struct Pattern {
    pub regex: Regex,
    pub value: Template,
    pub span: Span,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Pattern")
            .field(&self.regex.as_str())
            .finish()
    }
}

/// The entry that a text has.
enum Entry<'m, 'k> {
    Key(Word, Value),
    Pattern(&'m Pattern, Captures<'k>),
}

impl VariableBlock for Map {
    fn append(&self, name: &str, evaluation: &mut Evaluation<'_>, out: &mut Vec<u8>) -> bool {
        let mut key = Vec::new();
        self.source.append(evaluation, None, &mut key);
        if self.has_hostnames && key.last() == Some(&b'.') {
            key.pop();
        }
        match self.find(&key) {
            Some(Entry::Key(word, value)) => {
                evaluation.step(name, &key, || Found::Line(self.texts.span(word)));
                match value {
                    Value::Word(value) => out.extend_from_slice(self.texts.bytes(value)),
                    Value::Computed(number) => {
                        if let Some(template) = self.computed.get(number as usize) {
                            template.append(evaluation, None, out);
                        }
                    }
                }
                true
            }
            Some(Entry::Pattern(pattern, captures)) => {
                evaluation.step(name, &key, || Found::Line(pattern.span.clone()));
                pattern.value.append(evaluation, Some(&captures), out);
                true
            }
            None => match &self.default {
                Some((value, span)) => {
                    evaluation.step(name, &key, || Found::Default(span.clone()));
                    value.append(evaluation, None, out);
                    true
                }
                None => {
                    evaluation.step(name, &key, || Found::Nothing);
                    false
                }
            },
        }
    }

    fn templates(&self) -> Vec<&Template> {
        let default = self.default.iter().map(|(value, _)| value);
        let patterns = self.patterns.iter().map(|pattern| &pattern.value);
        let values = self.computed.iter().chain(default).chain(patterns);
        std::iter::once(&self.source).chain(values).collect()
    }
}

impl Map {
    /// The entry of a text: the exact one, the longest wildcard at the start, the longest at the end, the first regular
    /// expression.
    fn find<'k>(&self, key: &'k [u8]) -> Option<Entry<'_, 'k>> {
        let exact = self.exact.get(&self.texts, key).copied();
        let found = exact.or_else(|| self.head(key)).or_else(|| self.tail(key));
        if let Some((word, value)) = found {
            return Some(Entry::Key(word, value));
        }
        if key.is_empty() {
            return None;
        }
        self.patterns.iter().find_map(|pattern| {
            let captures = pattern.regex.captures(key)?;
            Some(Entry::Pattern(pattern, captures))
        })
    }

    fn head(&self, key: &[u8]) -> Option<(Word, Value)> {
        if self.heads.is_empty() || key.is_empty() {
            return None;
        }
        let itself = self.heads.get(&self.texts, key);
        let itself = itself.filter(|(_, (_, head))| *head == Head::Itself);
        let below = || {
            let mut dots = memchr::memchr_iter(b'.', key);
            dots.find_map(|dot| self.heads.get(&self.texts, &key[dot + 1..]))
        };
        let found = itself.or_else(below)?;
        Some((found.0, found.1.0))
    }

    fn tail(&self, key: &[u8]) -> Option<(Word, Value)> {
        if self.tails.is_empty() {
            return None;
        }
        let mut dots = memchr::memrchr_iter(b'.', key);
        let found = dots.find_map(|dot| self.tails.get(&self.texts, &key[..dot]))?;
        Some(*found)
    }
}
