//! The fields of the gateway's answer to IMAP's ID (RFC 2971).

use super::text::Bytes;
use crate::config::schema::{Arguments, Arity, Parsed, ValueError, ValueKind, refuse};

/// The longest name and value of a field in bytes, and the largest number of fields (RFC 2971, section 3.3).
const NAME: usize = 30;
const VALUE: usize = 1024;
const FIELDS: usize = 30;

/// Names and values of fields; `off` for none.
#[derive(Debug)]
pub struct ImapId;

impl ValueKind for ImapId {
    type Value = Vec<(Bytes, Bytes)>;
    const SYNTAX: &'static str = "name value ... | off";
    const ABOUT: &'static str =
        "A name has at most 30 characters, a value at most 1024; there are at most 30 fields.";
    const ARITY: Arity = Arity::SOME;

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Self::Value> {
        if args.words.len() == 1 && args.first() == b"off" {
            return Ok(Vec::new());
        }
        let (pairs, rest) = args.words.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(refuse!(
                "invalid number of arguments in \"imap_id_send\" directive, each name needs a value"
            ));
        }
        if pairs.len() > FIELDS {
            return Err(ValueError::Predicate("has more than 30 fields"));
        }
        let fits = |word: &[u8], longest| {
            word.len() <= longest && !word.iter().any(u8::is_ascii_control) && word.is_ascii()
        };
        for [name, value] in pairs {
            if name.is_empty() || !fits(name, NAME) {
                return Err(refuse!(
                    "invalid name \"",
                    name,
                    "\" in \"imap_id_send\" directive"
                ));
            }
            if !fits(value, VALUE) {
                return Err(refuse!(
                    "invalid value \"",
                    value,
                    "\" in \"imap_id_send\" directive"
                ));
            }
        }
        let fields = pairs
            .iter()
            .map(|[name, value]| (name.clone(), value.clone()));
        Ok(fields.collect())
    }
}
