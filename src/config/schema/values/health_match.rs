//! The directives of `match {}`: bytes to send, and what must arrive.

use super::text::Bytes;
use crate::base::Secret;
use crate::config::model::{Expectation, PlainPattern};
use crate::config::schema::{Arguments, Arity, Parsed, ValueError, ValueKind, refuse};

/// Bytes with escapes.
#[derive(Debug)]
pub struct MatchSend;

impl ValueKind for MatchSend {
    type Value = Secret<Bytes>;
    const SYNTAX: &'static str = "string";
    const ABOUT: &'static str = ESCAPES;

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Self::Value> {
        Ok(Secret::new(unescaped(args.first())?))
    }
}

/// Bytes with escapes, or a regular expression.
#[derive(Debug)]
pub struct MatchExpect;

impl ValueKind for MatchExpect {
    type Value = Expectation;
    const SYNTAX: &'static str = "string | ~ regex | ~* regex";
    const ABOUT: &'static str = ESCAPES;
    const ARITY: Arity = Arity::between(1, 2);

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Self::Value> {
        let pattern = |pattern: &[u8], any_case| {
            let pattern = PlainPattern::new(pattern, any_case);
            pattern
                .map(Expectation::Pattern)
                .map_err(ValueError::Message)
        };
        let words: Vec<&[u8]> = args.words.iter().map(|word| &**word).collect();
        match words[..] {
            [b"~", regex] => pattern(regex, false),
            [b"~*", regex] => pattern(regex, true),
            [literal] if !literal.is_empty() => Ok(Expectation::Literal(unescaped(literal)?)),
            [first, ..] => Err(refuse!("invalid parameter \"", first, "\"")),
            [] => Err(refuse!("invalid parameter \"\"")),
        }
    }
}

const ESCAPES: &str =
    "`\\x` with two hexadecimal digits in the string stands for the byte of this value: `\\x80`.";

/// The bytes of a text with escapes.
fn unescaped(text: &[u8]) -> Parsed<Bytes> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let Some(after_sign) = rest.strip_prefix(b"\\x") else {
            bytes.push(*first);
            rest = after;
            continue;
        };
        let digits = after_sign.first_chunk::<2>();
        let byte = digits.and_then(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?));
        let byte = byte
            .ok_or_else(|| refuse!("no two hexadecimal digits after \"\\x\" in \"", text, "\""))?;
        bytes.push(byte);
        rest = &after_sign[2..];
    }
    Ok(bytes.into())
}

fn digit(letter: u8) -> Option<u8> {
    let value = char::from(letter).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::row::read_default;

    #[test]
    fn escapes() {
        for (text, want) in [
            (r"QUIT", Some(b"QUIT".as_slice())),
            (r"\x80\xFfz", Some(b"\x80\xffz")),
            (r"\x00", Some(b"\0")),
            (r"a\xb", None),
            (r"a\x", None),
            (r"\xg0", None),
            (r"\x+1", None),
            // Other backslashes are themselves; quotes and line ends are a matter of the file's syntax.
            (r"\d\", Some(br"\d\")),
            (r"\\x41", Some(br"\A")),
        ] {
            assert_eq!(unescaped(text.as_bytes()).ok().as_deref(), want, "{text}");
        }
    }

    #[test]
    fn expectations() {
        for (text, data, is_found) in [
            ("220", b"xx220-".as_slice(), true),
            ("220", b"22", false),
            ("220", b"", false),
            (r"\x80\x00", b"a\x80\0", true),
            ("~x", b"~x", true),
            ("~x", b"x", false),
            ("~ ^220", b"220 a", true),
            ("~ ^220", b"1220 a", false),
            ("~ esmtp", b"ESMTP", false),
            ("~* esmtp", b"ESMTP", true),
            (r"~ ^\x80.\xff$", b"\x80\xe4\xff", true),
        ] {
            let expectation = read_default::<MatchExpect>(text).expect("a value");
            assert_eq!(expectation.is_found(data), is_found, "{text}");
        }
        for text in ["~ (", "a b", "~* [", r"\x1"] {
            assert!(read_default::<MatchExpect>(text).is_err(), "{text}");
        }
    }
}
