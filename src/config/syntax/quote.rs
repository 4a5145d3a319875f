//! Quotes and escapes of words: how a parser removes them, and how a word is written so that it reads back unchanged.

/// The word as it must be written, in quotes where it needs them.
pub fn quoted(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| !byte.is_ascii_whitespace() && !b"\"'\\;{}#$\0\x0b".contains(byte);
    if !word.is_empty() && word.iter().all(plain) {
        return word.to_vec();
    }
    let mut text = vec![b'"'];
    for byte in word {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(b'"');
    text
}

/// The value of a word: `\"`, `\'`, `\\` lose the backslash, `\t`, `\r`, `\n` become the control character, all else stays.
pub fn unescaped(text: &[u8]) -> Box<[u8]> {
    if !text.contains(&b'\\') {
        return text.into();
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        let (next, used) = match (byte, tail.first()) {
            (b'\\', Some(escaped @ (b'"' | b'\'' | b'\\'))) => (*escaped, 2),
            (b'\\', Some(b't')) => (b'\t', 2),
            (b'\\', Some(b'r')) => (b'\r', 2),
            (b'\\', Some(b'n')) => (b'\n', 2),
            _ => (*byte, 1),
        };
        plain.push(next);
        rest = &rest[used..];
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::quoted;
    use crate::config::syntax::parser::Parser;
    use crate::config::syntax::source::Source;
    use crate::config::syntax::statement::Item;

    fn read_back(word: &[u8]) -> Vec<Box<[u8]>> {
        let text = [b"x ", quoted(word).as_slice(), b" y;"].concat();
        let source = Arc::new(Source::of_text("text", text));
        match Parser::new(source).next_item() {
            Ok(Item::Statement(statement)) => statement.words,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_come_back() {
        let awkward: &[u8] = b"a \"'\\;{}#$tnr\n\t\r\0\x0b\xff)";
        let mut words: Vec<Vec<u8>> = vec![Vec::new(), b"${a}b".to_vec(), b"data:\nx".to_vec()];
        for a in awkward {
            for b in awkward {
                words.extend(awkward.iter().map(|c| vec![*a, *b, *c]));
                words.push(vec![*a, *b]);
            }
            words.push(vec![*a]);
        }
        for word in words {
            let back = read_back(&word);
            assert_eq!(back.len(), 3, "{word:?}");
            assert_eq!(&*back[1], word.as_slice());
        }
    }

    #[test]
    fn plain_words_stay_plain() {
        for word in ["127.0.0.1:25", "HIGH:!aNULL", "shared:a:10m", "/etc/x.pem"] {
            assert_eq!(quoted(word.as_bytes()), word.as_bytes());
        }
    }
}
