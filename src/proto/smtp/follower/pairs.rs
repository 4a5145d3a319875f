//! Searches for a pair of adjacent octets. Unlike a search for one of the two, its speed does not depend on the data.

/// Pairs that are tested together, by vector instructions.
const BLOCK: usize = 64;

/// The index of the first octet for which `is(octet before, octet)` holds.
#[inline]
pub(super) fn find(bytes: &[u8], is: impl Fn(u8, u8) -> bool) -> Option<usize> {
    let mut at = 1;
    while at < bytes.len() {
        let end = bytes.len().min(at + BLOCK);
        let (before, these) = (&bytes[at - 1..end - 1], &bytes[at..end]);
        let pairs = before.iter().zip(these);
        if pairs.fold(0, |any, (a, b)| any | u8::from(is(*a, *b))) != 0 {
            let mut pairs = before.iter().zip(these);
            return pairs.position(|(a, b)| is(*a, *b)).map(|n| at + n);
        }
        at = end;
    }
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_the_first() {
        let mut bytes = vec![b'a'; 300];
        assert_eq!(super::find(&bytes, |a, b| a == b'.' && b == b'.'), None);
        bytes[299] = b'.';
        for first in [0, 1, 62, 63, 64, 65, 127, 128, 250, 298] {
            bytes[first] = b'.';
            bytes[first + 1] = b'.';
            let found = super::find(&bytes, |a, b| a == b'.' && b == b'.');
            assert_eq!(found, Some(first + 1));
            bytes[first] = b'a';
            bytes[first + 1] = if first == 298 { b'.' } else { b'a' };
        }
        assert_eq!(super::find(b"", |_, _| true), None);
        assert_eq!(super::find(b"a", |_, _| true), None);
    }
}
