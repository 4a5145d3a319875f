//! Collects the lines of a `map` block.

use std::collections::HashMap;
use std::sync::Arc;

use super::key_table::{KeyTable, Texts, Word};
use super::map::{Head, Map, Pattern, Value};
use super::pattern::compile;
use super::variable::{Template, TemplateError, Variable};
use crate::config::syntax::{Span, message};

/// A `map` block of which more lines may come.
#[derive(Debug)]
pub struct MapBuilder {
    map: Map,
    /// The numbers of the values with variables.
    computed: HashMap<Box<[u8]>, u32>,
}

/// Finds a variable by its name.
pub type Find<'f> = &'f mut dyn FnMut(&str) -> Option<Variable>;

/// A key or a value: the word, and its bytes in the source where it is written there as it is.
#[derive(Clone, Copy, Debug)]
pub struct Read<'w> {
    /// The word as read.
    pub word: &'w [u8],
    /// Its bytes in the source of the line.
    pub range: Option<(usize, usize)>,
}

impl MapBuilder {
    /// A block without lines that looks up this text.
    pub fn new(source: Template) -> Self {
        Self {
            map: Map {
                source,
                has_hostnames: false,
                default: None,
                texts: Texts::default(),
                exact: KeyTable::default(),
                heads: KeyTable::default(),
                tails: KeyTable::default(),
                patterns: Vec::new(),
                computed: Vec::new(),
            },
            computed: HashMap::new(),
        }
    }

    /// `hostnames`: later keys may be wildcards.
    pub fn hostnames(&mut self) {
        self.map.has_hostnames = true;
    }

    /// Adds a key and its value, which are written at `span`.
    ///
    /// # Errors
    /// nginx's sentence about one of them.
    pub fn add(
        &mut self,
        key: Read<'_>,
        value: Read<'_>,
        span: &Span,
        find: Find<'_>,
    ) -> Result<(), Vec<u8>> {
        match key.word {
            b"default" => {
                let value = template(value.word, find)?;
                if self.map.default.is_some() {
                    return Err(b"duplicate default map parameter".into());
                }
                self.map.default = Some((value, span.clone()));
                Ok(())
            }
            [b'~', pattern @ ..] => self.pattern(pattern, value.word, span.clone(), find),
            [b'\\', ..] => {
                let key = Read {
                    word: &key.word[1..],
                    range: key.range.map(|(start, end)| (start + 1, end)),
                };
                self.key(key, value, span, find)
            }
            _ => self.key(key, value, span, find),
        }
    }

    fn pattern(
        &mut self,
        pattern: &[u8],
        value: &[u8],
        span: Span,
        find: Find<'_>,
    ) -> Result<(), Vec<u8>> {
        let (pattern, any_case) = match pattern {
            [b'*', rest @ ..] => (rest, true),
            rest => (rest, false),
        };
        let regex = compile(pattern, any_case)?;
        let mut find = |name: &str| {
            let number = name.parse().ok().filter(|number| (1..=9).contains(number));
            let named = || regex.capture_names().position(|own| own == Some(name));
            let group = number.or_else(named).map(Variable::Capture);
            group.or_else(|| find(name))
        };
        let value = template(value, &mut find)?;
        self.map.patterns.push(Pattern { regex, value, span });
        Ok(())
    }

    fn key(
        &mut self,
        key: Read<'_>,
        value: Read<'_>,
        span: &Span,
        find: Find<'_>,
    ) -> Result<(), Vec<u8>> {
        let shown = || key.word.to_ascii_lowercase();
        let too_long = || message!("too long parameter \"", key.word, "\"");
        let value = match value.word.contains(&b'$') {
            true => Value::Computed(self.computed(value.word, find)?),
            false => Value::Word(self.word(value, span).ok_or_else(too_long)?),
        };
        let invalid = || message!("invalid hostname or wildcard \"", key.word, "\"");
        let (form, cut) = match self.map.has_hostnames {
            true => form(key.word).ok_or_else(invalid)?,
            false => (Form::Exact, 0),
        };
        let skip = if form == Form::Tail { 0 } else { cut };
        let end = key.word.len() - if form == Form::Tail { cut } else { 0 };
        let part = Read {
            word: &key.word[skip..end],
            range: key.range.map(|(start, _)| (start + skip, start + end)),
        };
        let word = self.word(part, span).ok_or_else(too_long)?;
        let map = &mut self.map;
        let texts = &map.texts;
        let is_new = match form {
            Form::Exact => {
                let names = map.heads.get(texts, part.word);
                let is_named = names.is_some_and(|(_, (_, head))| *head == Head::Itself);
                !is_named && map.exact.insert(texts, word, value)
            }
            Form::Head(head) => {
                let is_exact = head == Head::Itself && map.exact.get(texts, part.word).is_some();
                !is_exact && map.heads.insert(texts, word, (value, head))
            }
            Form::Tail => map.tails.insert(texts, word, value),
        };
        match is_new {
            true => Ok(()),
            false => Err(message!("conflicting parameter \"", shown(), "\"")),
        }
    }

    /// The number of a value with variables.
    fn computed(&mut self, value: &[u8], find: Find<'_>) -> Result<u32, Vec<u8>> {
        if let Some(number) = self.computed.get(value) {
            return Ok(*number);
        }
        let mut find = |name: &str| match name.parse() {
            // No regular expression has matched.
            Ok(number @ 1..=9) => Some(Variable::Capture(number)),
            _ => find(name),
        };
        let template = template(value, &mut find)?;
        let number = self.map.computed.len() as u32;
        self.map.computed.push(template);
        self.computed.insert(value.into(), number);
        Ok(number)
    }

    /// A word in the texts of the block.
    fn word(&mut self, read: Read<'_>, span: &Span) -> Option<Word> {
        let texts = &mut self.map.texts;
        if let Some(range) = read.range
            && let Some(word) = texts.word(&span.source, range)
        {
            return Some(word);
        }
        texts.copy(read.word, span)
    }

    /// The block, complete.
    pub fn finish(mut self) -> Arc<Map> {
        self.map.exact.shrink();
        Arc::new(self.map)
    }
}

fn template(value: &[u8], find: Find<'_>) -> Result<Template, Vec<u8>> {
    let template = Template::parse_with(value, find);
    template.map_err(|error: TemplateError| error.of_value().into())
}

/// The form of a key with `hostnames`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Exact,
    Head(Head),
    Tail,
}

/// The form of a key, and the length of its wildcard; `None` for a name that nginx does not accept (`ngx_hash_add_key`).
fn form(key: &[u8]) -> Option<(Form, usize)> {
    let stars = key.iter().filter(|byte| **byte == b'*').count();
    let has_empty_label = key.windows(2).any(|pair| pair == b"..");
    if stars > 1 || has_empty_label || key.contains(&0) {
        return None;
    }
    match key {
        [b'.', _, ..] => Some((Form::Head(Head::Itself), 1)),
        [b'*', b'.', _, ..] => Some((Form::Head(Head::Below), 2)),
        [_, .., b'.', b'*'] => Some((Form::Tail, 2)),
        _ if stars > 0 => None,
        _ => Some((Form::Exact, 0)),
    }
}
