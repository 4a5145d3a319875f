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

use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use super::arguments::{Call, Folders, Refusal, full_name};
use super::row::Arity;

/// What a second line in the same block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// It is an error.
    Once,
    /// It adds to the first: the reader gets what the earlier lines made.
    AddUp,
    /// It is all that holds.
    LastHolds,
}

/// [`Value::full`], as rows keep it.
pub type Full = fn(&[Box<[u8]>], &Folders) -> Vec<Box<[u8]>>;

/// A kind of value: how many arguments it takes and how they are read.
pub trait Value {
    /// What comes out.
    type Plain: Clone + PartialEq + std::fmt::Debug;
    /// How it is written, for the reference page.
    const SYNTAX: &'static str;
    /// The words of `SYNTAX` explained, units above all, as Markdown; empty where there is nothing to explain.
    const ABOUT: &'static str = "";
    /// How many arguments there may be.
    const ARITY: Arity = Arity::exactly(1);
    /// What a second line in the same block does.
    const LINES: Lines = Lines::Once;

    /// Whether the default is a fallback: without a line the value may come from elsewhere, so that the default written
    /// down says something else.
    const FALLBACK: bool = false;

    /// Reads the arguments.
    ///
    /// # Errors
    /// A bad value, in nginx's words.
    fn read(call: &mut Call<'_>, before: Option<Self::Plain>) -> Result<Self::Plain, Refusal>;

    /// The arguments as they mean the same from anywhere: names of files are made full.
    #[must_use]
    fn full(args: &[Box<[u8]>], _folders: &Folders) -> Vec<Box<[u8]>> {
        args.to_vec()
    }
}

/// A name of a file made full from `folder`; an empty one, which names none, stays empty.
#[must_use]
pub fn full_word(folder: &Path, name: &[u8]) -> Box<[u8]> {
    match name {
        b"" => Box::default(),
        name => full_name(folder, name).into_os_string().into_vec().into(),
    }
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
