//! The capabilities of ManageSieve that a server announces (RFC 5804, section 1.7).

use crate::config::model::Capabilities;
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind, refuse};

/// Names and values of capabilities; lines add up. A word of the value is `name value`, or the name alone where the value is empty.
#[derive(Debug)]
pub struct SieveCapabilities;

impl ValueKind for SieveCapabilities {
    type Value = Capabilities;
    const SYNTAX: &'static str = "name value ...";
    const ABOUT: &'static str = "A value that contains spaces must be quoted. An empty value (`\"\"`) stands for none. A \
                                 name and its value may also be one quoted string.";
    const DEFAULT_IS_FALLBACK: bool = true;
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Capabilities>) -> Parsed<Capabilities> {
        let mut found = match before {
            Some(before) if !args.is_default => before.words().to_vec(),
            _ => Vec::new(),
        };
        let mut words = args.words.iter();
        while let Some(word) = words.next() {
            let (name, value) = match memchr::memchr(b' ', word) {
                Some(space) => (&word[..space], &word[space + 1..]),
                None => match words.next() {
                    Some(value) => (&**word, &**value),
                    None => {
                        let end = "\" in \"sieve_capabilities\" directive, each name needs a value";
                        return Err(refuse!("no value for \"", word, end));
                    }
                },
            };
            let end = "\" in \"sieve_capabilities\" directive";
            let is_name = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
            if name.is_empty() || !name.iter().all(is_name) {
                return Err(refuse!("invalid name \"", name, end));
            }
            if value.iter().any(u8::is_ascii_control) {
                return Err(refuse!("invalid value \"", value, end));
            }
            found.push(match value {
                [] => name.into(),
                value => [name, b" ", value].concat().into(),
            });
        }
        Ok(match args.is_default {
            true => Capabilities::Default(found),
            false => Capabilities::Configured(found),
        })
    }
}
