//! The identifier of a session in every log, from the client to the backend.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// Identifies a session: a number drawn at the start of the process, and the number of the connection in the process. Two
/// sessions of different processes, machines or starts differ with a probability of 1 - 2^-40.
///
/// Displays as `7qk2m9xa-1f`: eight letters and digits for the process, the connection in base 32. No letter of it can be
/// mistaken for another (Crockford's alphabet: no I, L, O, U), and it needs no quoting in any log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId {
    process: u64,
    connection: u64,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The digits of the process's number: 40 bits.
const PROCESS_DIGITS: usize = 8;

impl SessionId {
    /// The bytes of the longest one as it is displayed.
    pub const LONGEST: usize = PROCESS_DIGITS + 1 + (u64::BITS as usize).div_ceil(5);

    /// The session of connection `number` of this process.
    pub fn of_connection(number: u64) -> Self {
        // The keys of the standard library's hash maps come from the system's random numbers.
        static PROCESS: LazyLock<u64> =
            LazyLock::new(|| RandomState::new().build_hasher().finish());
        Self {
            process: *PROCESS,
            connection: number,
        }
    }

    /// The session of this process that is displayed as `text`.
    pub fn of_text(text: &str) -> Option<Self> {
        let (_, digits) = text.split_once('-')?;
        let number = digits.bytes().try_fold(0_u64, |number, letter| {
            let digit = ALPHABET.iter().position(|known| *known == letter)?;
            number.checked_mul(32)?.checked_add(digit as u64)
        })?;
        let id = Self::of_connection(number);
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for digit in (0..PROCESS_DIGITS).rev() {
            out.write_char(letter(self.process >> (5 * digit)))?;
        }
        out.write_char('-')?;
        let bits = u64::BITS - self.connection.leading_zeros();
        for digit in (0..bits.div_ceil(5).max(1)).rev() {
            out.write_char(letter(self.connection >> (5 * digit)))?;
        }
        Ok(())
    }
}

/// The letter of the lowest five bits.
fn letter(bits: u64) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_and_needs_no_quoting() {
        let id = SessionId {
            process: 1 << 39 | 31,
            connection: 47,
        };
        assert_eq!(id.to_string(), "g000000z-1f");
        let first = SessionId {
            process: 0,
            connection: 0,
        };
        assert_eq!(first.to_string(), "00000000-0");
        let last = SessionId {
            process: u64::MAX,
            connection: u64::MAX,
        };
        assert_eq!(last.to_string(), "zzzzzzzz-fzzzzzzzzzzzz");
        assert_eq!(last.to_string().len(), SessionId::LONGEST);
    }

    #[test]
    fn is_read_as_it_is_displayed() {
        for number in [0, 1, 31, 32, 4711, u64::MAX] {
            let id = SessionId::of_connection(number);
            assert_eq!(SessionId::of_text(&id.to_string()), Some(id), "{number}");
        }
        let own = SessionId::of_connection(1).to_string();
        for text in [
            "",
            "-",
            "1",
            &own.to_uppercase(),
            &own.replace("-1", "-01"),
            &own.replace("-1", "-i"),
            &own.replace("-1", "-"),
            &format!("{own}zzzzzzzzzzzzzzz"),
            &format!("x{own}"),
        ] {
            // Digits only have no upper case.
            assert!(text == own || SessionId::of_text(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_process_part_is_the_same_for_all_connections() {
        let (one, two) = (SessionId::of_connection(1), SessionId::of_connection(2));
        assert_ne!(one, two);
        assert_eq!(one.to_string()[..9], two.to_string()[..9]);
    }
}
