//! File name masks as glob(3) has them: `*`, `?`, `[…]` with ranges, classes and `!` or `^`, and backslashes. Pure: what a folder
//! holds is the caller's to say.

/// Whether a name of a file is one that `mask` means. Neither holds a slash. A dot at the start is only met by a dot.
#[must_use]
pub fn matches(mask: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && mask.first() != Some(&b'.') && mask.get(..2) != Some(b"\\.") {
        return false;
    }
    // Where to go on when what follows the last star does not fit here.
    let (mut at, mut in_name, mut retry) = (0, 0, None);
    while in_name < name.len() {
        match step(&mask[at..], name[in_name]) {
            Step::Star => {
                at += 1;
                retry = Some((at, in_name));
                continue;
            }
            Step::Fits(used) => {
                at += used;
                in_name += 1;
                continue;
            }
            Step::Differs => {}
        }
        let Some((after_star, from)) = retry else {
            return false;
        };
        (at, in_name) = (after_star, from + 1);
        retry = Some((after_star, from + 1));
    }
    mask[at..].iter().all(|byte| *byte == b'*')
}

/// A mask that means only itself, without its backslashes.
#[must_use]
pub fn plain(mask: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(mask.len());
    let mut rest = mask;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match (byte, tail) {
            (b'*' | b'?', _) => return None,
            (b'[', tail) if tail.contains(&b']') => return None,
            (b'\\', [escaped, after @ ..]) => {
                name.push(*escaped);
                rest = after;
            }
            _ => name.push(*byte),
        }
    }
    Some(name)
}

enum Step {
    Star,
    /// The byte fits; so much of the mask is used up.
    Fits(usize),
    Differs,
}

fn step(mask: &[u8], byte: u8) -> Step {
    match mask {
        [b'*', ..] => Step::Star,
        [b'?', ..] => Step::Fits(1),
        [b'[', rest @ ..] => match bracket(rest, byte) {
            Some((true, used)) => Step::Fits(used + 1),
            Some((false, _)) => Step::Differs,
            // No closing bracket: it means itself.
            None if byte == b'[' => Step::Fits(1),
            None => Step::Differs,
        },
        [b'\\', escaped, ..] if *escaped == byte => Step::Fits(2),
        [b'\\', _, ..] => Step::Differs,
        [own, ..] if *own == byte => Step::Fits(1),
        _ => Step::Differs,
    }
}

/// Whether the byte is in the bracket, and how long that is with its end.
fn bracket(text: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let (first, mut found) = (at, false);
    loop {
        let rest = text.get(at..)?;
        match rest {
            [b']', ..] if at > first => return Some((found != negated, at + 1)),
            [b'[', b':', class @ ..] if class_end(class).is_some() => {
                let end = class_end(class)?;
                found |= in_class(&class[..end], byte);
                at += end + 4;
            }
            [low, b'-', high, ..] if *high != b']' => {
                found |= (*low..=*high).contains(&byte);
                at += 3;
            }
            [b'\\', own, ..] => {
                found |= *own == byte;
                at += 2;
            }
            [own, ..] => {
                found |= *own == byte;
                at += 1;
            }
            [] => return None,
        }
    }
}

fn class_end(text: &[u8]) -> Option<usize> {
    text.windows(2).position(|pair| pair == b":]")
}

fn in_class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alpha" => byte.is_ascii_alphabetic(),
        b"digit" => byte.is_ascii_digit(),
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"upper" => byte.is_ascii_uppercase(),
        b"lower" => byte.is_ascii_lowercase(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"punct" => byte.is_ascii_punctuation(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        b"cntrl" => byte.is_ascii_control(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"graph" => byte.is_ascii_graphic(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{matches, plain};

    #[test]
    fn masks() {
        let cases = [
            ("*", "a", true),
            ("*", ".a", false),
            (".*", ".a", true),
            ("*.conf", "a.conf", true),
            ("*.conf", "a.conf~", false),
            ("a*b*c", "aXbYbZc", true),
            ("**", "abc", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[[:digit:]a]", "7", true),
            ("[[:digit:]a]", "b", false),
            ("[", "[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("", "", true),
        ];
        for (mask, name, wanted) in cases {
            assert_eq!(
                matches(mask.as_bytes(), name.as_bytes()),
                wanted,
                "{mask} {name}"
            );
        }
        assert_eq!(plain(b"a\\*b["), Some(b"a*b[".to_vec()));
        assert_eq!(plain(b"a*"), None);
    }
}
