//! Regular expressions that mean the same to PCRE, which nginx uses, and to the crate `regex`.

use regex::bytes::Regex;

use crate::config::model::compile_pattern;

/// Compiles a regular expression.
///
/// # Errors
/// `regex` does not have it, or may understand it differently. The text names the reason.
pub fn compile(pattern: &[u8], any_case: bool) -> Result<Regex, String> {
    let shown = String::from_utf8_lossy(pattern).into_owned();
    if let Some(difference) = difference(pattern) {
        return Err(format!("the regular expression \"{shown}\" ({difference})"));
    }
    compile_pattern(pattern, any_case)
        .map_err(|_| format!("the regular expression \"{shown}\", which only PCRE has"))
}

/// The names of the groups in a regular expression.
pub fn names(pattern: &[u8]) -> Vec<Box<str>> {
    let mut names = Vec::new();
    let text = String::from_utf8_lossy(pattern);
    for begin in ["(?<", "(?P<"] {
        for (at, _) in text.match_indices(begin) {
            let rest = &text[at + begin.len()..];
            let end = rest.find(|one: char| !one.is_ascii_alphanumeric() && one != '_');
            if let Some(end @ 1..) = end {
                names.push(rest[..end].to_ascii_lowercase().into());
            }
        }
    }
    names
}

/// What both may understand differently.
fn difference(pattern: &[u8]) -> Option<&'static str> {
    if !pattern.is_ascii() {
        return Some("bytes that are not ASCII");
    }
    let mut rest = pattern;
    let mut is_quantified = false;
    while let Some((&first, after)) = rest.split_first() {
        let was_quantified = std::mem::take(&mut is_quantified);
        rest = after;
        match first {
            b'\\' => {
                if let [b'<' | b'>', ..] | [b'b', b'{', ..] = after {
                    return Some("an escape");
                }
                rest = after.get(1..).unwrap_or_default();
            }
            b'[' => match class(after) {
                Some(end) => rest = end,
                None => return Some("a set of characters"),
            },
            b'+' if was_quantified => return Some("a possessive quantifier"),
            b'?' if was_quantified => {}
            b'*' | b'+' | b'?' | b'}' => is_quantified = true,
            b'{' if after.first() == Some(&b',') => return Some("a quantifier"),
            b'(' => {
                if let Some(flags) = after.strip_prefix(b"?") {
                    let mut flags = flags.iter().take_while(|byte| byte.is_ascii_alphabetic());
                    let is_name = flags.clone().next() == Some(&b'P');
                    if !is_name && flags.any(|flag| !b"ims".contains(flag)) {
                        return Some("a flag");
                    }
                    // `?` is no quantifier here.
                    rest = &after[1..];
                }
            }
            _ => {}
        }
    }
    None
}

/// The rest after a set of characters; `None` for one that may differ: `regex` has sets in sets, `&&`, `--` and `~~`.
fn class(after: &[u8]) -> Option<&[u8]> {
    let mut rest = after.strip_prefix(b"^").unwrap_or(after);
    // A `]` at the start is a character.
    rest = rest.strip_prefix(b"]").unwrap_or(rest);
    loop {
        rest = match rest {
            [] | [b'&', b'&', ..] | [b'-', b'-', ..] | [b'~', b'~', ..] => return None,
            [b']', rest @ ..] => return Some(rest),
            [b'\\', _, rest @ ..] => rest,
            [b'[', b':', named @ ..] => {
                let end = named.windows(2).position(|pair| pair == b":]")?;
                &named[end + 2..]
            }
            [b'[', ..] => return None,
            [_, rest @ ..] => rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{compile, names};

    #[test]
    fn what_both_understand() {
        for pattern in [
            r"^/auth$",
            r".php$",
            r"^(?<user>[^@]+)@(?P<domain>[[:alnum:].-]+)$",
            r"[]a]+?(?:x|y){2,3}?",
            r"(?i)^a\.b\/c",
            r"[\]x]\\",
        ] {
            let found = compile(pattern.as_bytes(), false);
            assert!(found.is_ok(), "{pattern}: {found:?}");
        }
    }

    #[test]
    fn what_they_may_understand_differently() {
        for pattern in [
            r"a++", r"a*+", r"a{2}+", r"[[ab]]", r"[a&&b]", r"[a--b]", r"[a~~b]", r"\<a\>",
            r"a{,2}", r"(?x) a", r"(?!a)", r"(?<=a)b", r"(a)\1", r"\Qa\E", "é", r"[a",
        ] {
            assert!(compile(pattern.as_bytes(), false).is_err(), "{pattern}");
        }
    }

    #[test]
    fn names_of_groups() {
        let found = names(br"(?<User>a)(?P<b_2>c)(?<=d)(?<!e)(?:f)");
        let found: Vec<&str> = found.iter().map(|name| &**name).collect();
        assert_eq!(found, ["user", "b_2"]);
    }
}
