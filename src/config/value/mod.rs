//! How values are written: one small type per kind, one trait.

pub mod affinity;
pub mod auth_url;
pub mod choice;
pub mod cidr;
pub mod flag;
pub mod listen;
pub mod log;
pub mod number;
pub mod passwords;
pub mod path;
pub mod protocol;
pub mod resolver;
pub mod sasl;
pub mod session_cache;
pub mod set;
pub mod size;
pub mod syslog;
pub mod text;
pub mod thread_pool;
pub mod time;
pub mod tls;
pub mod upstream;
pub mod url;
pub mod user;

use super::call::{Call, Refusal};
use super::directive::Arity;

/// A kind of value: how many arguments it takes and how they are read.
pub trait Value {
    /// What comes out.
    type Plain: Clone + PartialEq + std::fmt::Debug;
    /// How it is written, for the reference page.
    const SYNTAX: &'static str;
    /// How many arguments there may be.
    const ARITY: Arity = Arity::exactly(1);
    /// Whether a second line in the same block is an error. Otherwise the reader gets what the earlier lines made.
    const ONCE: bool = true;

    /// Reads the arguments.
    ///
    /// # Errors
    /// A bad value, in nginx's words.
    fn read(call: &mut Call<'_>, before: Option<Self::Plain>) -> Result<Self::Plain, Refusal>;
}

/// Puts a sentence together from text and bytes as they are.
#[must_use]
pub fn sentence(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// `%s` of nginx: a string ends at its first NUL.
#[must_use]
pub fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

/// Decimal digits, nothing else; as far as nginx's integers go (`ngx_atoi`).
#[must_use]
pub fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0_i64, |number, digit| {
        number.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    })
}

/// A number that nginx keeps as an int: the low 32 bits, with a sign; what is then -1 stands for an error.
#[must_use]
pub fn c_int(number: i64) -> Option<i32> {
    let low = number as i32;
    (low != -1).then_some(low)
}
