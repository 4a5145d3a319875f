//! The BDAT command (RFC 3030), after which octets follow that are no commands.

/// The largest chunk, in octets. Some servers parse the size into 32 bits.
const MAX_CHUNK: u64 = i32::MAX as u64;

/// The arguments of BDAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The number of octets after the command.
    pub octets: u64,
    /// It is the last chunk of the message.
    pub last: bool,
}

/// Whether a line is BDAT, or begins in a way that some server may take for it.
pub fn is_bdat(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let verb = line.get(..4);
    verb.is_some_and(|verb| verb.eq_ignore_ascii_case(b"BDAT"))
}

/// Parses a BDAT command without its line end. It must have the exact form of RFC 3030, with no more than 31 bits and no leading
/// zeros: servers read other forms in different ways.
pub fn parse(command: &[u8]) -> Option<Chunk> {
    let mut words = command.split(|&b| b == b' ');
    let verb = words.next()?;
    if !verb.eq_ignore_ascii_case(b"BDAT") {
        return None;
    }
    let octets = size(words.next()?)?;
    let last = match (words.next(), words.next()) {
        (None, _) => false,
        (Some(word), None) if word.eq_ignore_ascii_case(b"LAST") => true,
        _ => return None,
    };
    Some(Chunk { octets, last })
}

fn size(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 10 || (digits.len() > 1 && digits[0] == b'0') {
        return None;
    }
    let add = |sum: u64, digit: &u8| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(sum * 10 + digit)
    };
    let size = digits.iter().try_fold(0, add)?;
    (size <= MAX_CHUNK).then_some(size)
}
