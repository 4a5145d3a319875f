//! Sizes in bytes: digits and one unit letter.

use crate::config::schema::{Arguments, Parsed, ValueError, ValueKind};
use crate::config::syntax::digits;

/// `size`: units `k` and `m`.
#[derive(Debug)]
pub struct Size;

impl ValueKind for Size {
    type Value = usize;
    const SYNTAX: &'static str = "size";
    const ABOUT: &'static str = "The size is in bytes, or in kilobytes or megabytes with the suffix `k` or `m`: `8192`, `8k`.";

    fn read(args: &mut Arguments<'_>, _: Option<usize>) -> Parsed<usize> {
        parse_size(args.first())
            .and_then(|size| usize::try_from(size).ok())
            .ok_or(ValueError::Predicate("invalid value"))
    }
}

/// `offset`: units `k`, `m` and `g`.
#[derive(Debug)]
pub struct Offset;

impl ValueKind for Offset {
    type Value = i64;
    const SYNTAX: &'static str = "size";
    const ABOUT: &'static str = "The size is in bytes, or in kilobytes, megabytes or gigabytes with the suffix `k`, `m` or `g`.";

    fn read(args: &mut Arguments<'_>, _: Option<i64>) -> Parsed<i64> {
        parse_offset(args.first()).ok_or(ValueError::Predicate("invalid value"))
    }
}

/// Reads a size in bytes (`ngx_parse_size`); 0 is allowed.
pub fn parse_size(text: &[u8]) -> Option<i64> {
    match text {
        [number @ .., b'k' | b'K'] => digits(number)?.checked_mul(1 << 10),
        [number @ .., b'm' | b'M'] => digits(number)?.checked_mul(1 << 20),
        number => digits(number),
    }
}

/// Reads a file size in bytes (`ngx_parse_offset`).
pub fn parse_offset(text: &[u8]) -> Option<i64> {
    match text {
        [number @ .., b'g' | b'G'] => digits(number)?.checked_mul(1 << 30),
        text => parse_size(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_offset, parse_size};

    #[test]
    fn units() {
        let cases: [(&[u8], Option<i64>); 9] = [
            (b"0", Some(0)),
            (b"4096", Some(4096)),
            (b"8k", Some(8192)),
            (b"8K", Some(8192)),
            (b"1m", Some(1 << 20)),
            (b"1g", None),
            (b"k", None),
            (b"-1", None),
            (b"9223372036854775807k", None),
        ];
        for (text, size) in cases {
            assert_eq!(parse_size(text), size, "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(parse_offset(b"1g"), Some(1 << 30));
    }
}
