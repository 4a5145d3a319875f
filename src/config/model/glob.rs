//! glob(3): which files a mask matches. `*`, `?`, `[…]` with ranges, classes and `!` or `^`, and backslashes.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The files that a mask matches, sorted by their bytes. `list` returns the names in a folder; `exists`, whether a path exists.
pub fn expand(
    mask: &Path,
    list: impl Fn(&Path) -> Vec<OsString>,
    exists: impl Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    let parts = mask.as_os_str().as_bytes().split(|byte| *byte == b'/');
    for (index, part) in parts.enumerate() {
        let folders = found.into_iter().map(|mut folder| {
            folder.extend((index > 0).then_some(b'/'));
            folder
        });
        found = folders
            .flat_map(|folder| within(folder, part, &list))
            .collect();
    }
    found.retain(|path| exists(Path::new(OsStr::from_bytes(path))));
    found.sort_unstable();
    let paths = found.into_iter().map(OsString::from_vec);
    paths.map(PathBuf::from).collect()
}

/// The names in a folder that one part of a mask matches. The folder's name ends in a slash.
fn within(mut folder: Vec<u8>, part: &[u8], list: impl Fn(&Path) -> Vec<OsString>) -> Vec<Vec<u8>> {
    if let Some(name) = plain(part) {
        folder.extend_from_slice(&name);
        return vec![folder];
    }
    let path: &[u8] = if folder.is_empty() { b"." } else { &folder };
    let names = list(Path::new(OsStr::from_bytes(path))).into_iter();
    names
        .map(OsString::into_vec)
        .filter(|name| matches(part, name))
        .map(|name| [&*folder, &name].concat())
        .collect()
}

/// Whether `mask` matches the name of a file. Neither contains a slash. Only a dot matches a dot at the start.
fn matches(mask: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && mask.first() != Some(&b'.') && mask.get(..2) != Some(b"\\.") {
        return false;
    }
    // The position to resume at when the mask after the last star does not match here.
    let (mut at, mut in_name, mut retry) = (0, 0, None);
    while in_name < name.len() {
        match step(&mask[at..], name[in_name]) {
            Step::Star => {
                at += 1;
                retry = Some((at, in_name));
                continue;
            }
            Step::Matches(used) => {
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

/// The one name that a mask without wildcards matches; `None` for other masks.
fn plain(mask: &[u8]) -> Option<Vec<u8>> {
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
    /// The byte matches; the number is how much of the mask it takes.
    Matches(usize),
    Differs,
}

fn step(mask: &[u8], byte: u8) -> Step {
    match mask {
        [b'*', ..] => Step::Star,
        [b'?', ..] => Step::Matches(1),
        [b'[', rest @ ..] => match bracket(rest, byte) {
            Some((true, used)) => Step::Matches(used + 1),
            Some((false, _)) => Step::Differs,
            // Without a closing bracket it matches itself.
            None if byte == b'[' => Step::Matches(1),
            None => Step::Differs,
        },
        [b'\\', escaped, ..] if *escaped == byte => Step::Matches(2),
        [b'\\', _, ..] => Step::Differs,
        [own, ..] if *own == byte => Step::Matches(1),
        _ => Step::Differs,
    }
}

/// Whether a bracket expression contains the byte, and the length of the expression with its `]`.
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
    use super::{matches, plain};

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
