//! OpenSSL's error queue after a file cannot be opened.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::base::Errno;
use crate::config::syntax::message;

/// The entry of a failed system call: `error:80000002:system library::No such file or directory`.
fn system_error(error: &io::Error) -> String {
    let number = error.raw_os_error().unwrap_or(0);
    let code = 0x8000_0000_u32 | number.unsigned_abs();
    format!("error:{code:08X}:system library::{}", Errno(error).text())
}

/// Why `OSSL_STORE_open()` cannot open a file, with the name of the function.
#[must_use]
pub fn store_reason(path: &Path, error: &io::Error) -> Vec<u8> {
    message!(
        "OSSL_STORE_open() failed (SSL: ",
        system_error(error),
        ":calling stat(",
        path.as_os_str().as_bytes(),
        "))"
    )
}

/// Why `BIO_new_file()` cannot open a file.
#[must_use]
pub fn open_reason(path: &Path, error: &io::Error) -> Vec<u8> {
    let end = match error.raw_os_error() {
        Some(2) => ", r) error:10000080:BIO routines::no such file",
        _ => ", r) error:10080002:BIO routines::system lib",
    };
    message!(
        system_error(error),
        ":calling fopen(",
        path.as_os_str().as_bytes(),
        end
    )
}

/// The end of a sentence about OpenSSL: ` (SSL: REASON)`, or nothing.
#[must_use]
pub fn in_parentheses(reason: &[u8]) -> Vec<u8> {
    match reason {
        [] => Vec::new(),
        reason => message!(" (SSL: ", reason, ")"),
    }
}
