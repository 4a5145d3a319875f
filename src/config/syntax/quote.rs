//! A word as it must be written so that it is read back as it is: the counterpart of the reader of `statement`.

/// The word, in quotes where it needs them.
#[must_use]
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::parser::{Next, Statements};
    use super::source::Source;
    use crate::config::quoted;

    fn read_back(word: &[u8]) -> Vec<Box<[u8]>> {
        let text = [b"x ", quoted(word).as_slice(), b" y;"].concat();
        let source = Arc::new(Source::of_text("text", text));
        match Statements::new(source).read() {
            Ok(Next::Directive(statement)) => statement.words,
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
