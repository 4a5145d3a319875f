//! Words, lists of words, headers.

use crate::base::Secret;
use crate::config::model::Capabilities;
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind};

/// Bytes as written.
pub type Bytes = Box<[u8]>;

/// One word.
#[derive(Debug)]
pub struct Text;

impl ValueKind for Text {
    type Value = Bytes;
    const SYNTAX: &'static str = "string";

    fn read(args: &mut Arguments<'_>, _: Option<Bytes>) -> Parsed<Bytes> {
        Ok(args.first().into())
    }
}

/// One word; an empty one counts as no value.
#[derive(Debug)]
pub struct OptionalText;

impl ValueKind for OptionalText {
    type Value = Option<Bytes>;
    const SYNTAX: &'static str = "string";

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Option<Bytes>> {
        let word = args.first();
        Ok((!word.is_empty()).then(|| word.into()))
    }
}

/// One word a line; lines add up.
#[derive(Debug)]
pub struct WordPerLine;

impl ValueKind for WordPerLine {
    type Value = Vec<Bytes>;
    const SYNTAX: &'static str = "string";
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<Bytes>>) -> Parsed<Vec<Bytes>> {
        let mut words = before.unwrap_or_default();
        words.extend_from_slice(args.words);
        Ok(words)
    }
}

/// The words that a server announces; lines add up.
#[derive(Debug)]
pub struct Announced;

impl ValueKind for Announced {
    type Value = Capabilities;
    const SYNTAX: &'static str = "string ...";
    const ABOUT: &'static str = "A string that contains spaces must be quoted.";
    const DEFAULT_IS_FALLBACK: bool = true;
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Capabilities>) -> Parsed<Capabilities> {
        if args.is_default {
            return Ok(Capabilities::Default(args.words.to_vec()));
        }
        let mut words = before.map_or_else(Vec::new, |before| before.words().to_vec());
        words.extend_from_slice(args.words);
        Ok(Capabilities::Configured(words))
    }
}

/// A name and a value; lines add up. Values are not printed: headers may authenticate the gateway.
#[derive(Debug)]
pub struct Headers;

impl ValueKind for Headers {
    type Value = Vec<(Bytes, Secret<Bytes>)>;
    const SYNTAX: &'static str = "name value";
    const ARITY: Arity = Arity::exactly(2);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut headers = before.unwrap_or_default();
        if let [name, value] = args.words {
            headers.push((name.clone(), Secret::new(value.clone())));
        }
        Ok(headers)
    }
}
