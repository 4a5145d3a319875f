//! Bytes as nginx handles them: messages, C strings, decimal numbers.

/// Concatenates strings and bytes: `message!("host not found in \"", name, "\"")`. Names in a configuration need not be UTF-8,
/// so messages are bytes.
macro_rules! message {
    ($($part:expr),+ $(,)?) => {
        [$(AsRef::<[u8]>::as_ref(&$part)),+].concat()
    };
}
pub(crate) use message;

/// Cuts a string at its first NUL, as nginx's `%s` does.
pub fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

/// Reads a number of decimal digits and nothing else (`ngx_atoi`). `None` for any other text, or above [`i64::MAX`].
pub fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0_i64, |number, digit| {
        number.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    })
}

/// Stores a number as nginx does in an `int`: the low 32 bits, with a sign. -1 stands for an error there.
pub fn c_int(number: i64) -> Option<i32> {
    let low = number as i32;
    (low != -1).then_some(low)
}
