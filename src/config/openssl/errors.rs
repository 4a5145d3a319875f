//! OpenSSL's words: its names of groups, and its reasons when a file cannot be opened.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::base::errno::Errno;
use crate::config::schema::values::sentence;

/// The groups that OpenSSL 3 knows, a line for each with all its names.
const GROUPS: &str = "X25519
X448
P-256 prime256v1 secp256r1
P-384 secp384r1
P-521 secp521r1
P-224 secp224r1
P-192 prime192v1 secp192r1
secp160k1
secp160r1
secp160r2
secp192k1
secp224k1
secp256k1
brainpoolP256r1
brainpoolP384r1
brainpoolP512r1
K-163 sect163k1
sect163r1
B-163 sect163r2
sect193r1
sect193r2
K-233 sect233k1
B-233 sect233r1
sect239k1
K-283 sect283k1
B-283 sect283r1
K-409 sect409k1
B-409 sect409r1
K-571 sect571k1
B-571 sect571r1
ffdhe2048
ffdhe3072
ffdhe4096
ffdhe6144
ffdhe8192
X25519MLKEM768
SecP256r1MLKEM768
SecP384r1MLKEM1024";

/// Why OpenSSL refuses a list of groups, joined by colons: its reason, empty when it gives none. `None` when it takes it.
#[must_use]
pub fn groups_fault(list: &[u8]) -> Option<Vec<u8>> {
    let mut met = Vec::new();
    for group in list.split(|byte| *byte == b':') {
        if group.is_empty() {
            return Some(Vec::new());
        }
        let mut lines = GROUPS.lines();
        let is_it = |name: &str| name.as_bytes().eq_ignore_ascii_case(group);
        let Some(line) = lines.find(|line| line.split(' ').any(is_it)) else {
            let begin = b"error:0A080106:SSL routines::passed invalid argument:group '";
            return Some(sentence(&[begin, group, b"' cannot be set"]));
        };
        if met.contains(&line) {
            return Some(Vec::new());
        }
        met.push(line);
    }
    None
}

/// The groups that are spoken here, by their first names.
pub const SPOKEN: [&str; 5] = [
    "X25519",
    "P-256",
    "P-384",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
];

/// The groups of a list that are known and not spoken here, as written.
#[must_use]
pub fn groups_never_spoken(list: &[u8]) -> Vec<Vec<u8>> {
    let silent = |group: &&[u8]| {
        let is_it = |name: &str| name.as_bytes().eq_ignore_ascii_case(group);
        let line = GROUPS.lines().find(|line| line.split(' ').any(is_it));
        line.is_some_and(|line| !line.split(' ').any(|name| SPOKEN.contains(&name)))
    };
    let groups = list.split(|byte| *byte == b':');
    groups.filter(silent).map(<[u8]>::to_vec).collect()
}

/// Why OSSL_STORE_open() cannot open a file: all of it.
#[must_use]
pub fn store_reason(path: &Path, error: &io::Error) -> Vec<u8> {
    let number = error.raw_os_error().unwrap_or(0);
    let code = 0x8000_0000_u32 | number.unsigned_abs();
    let text = Errno(error).text();
    let begin = format!(
        "OSSL_STORE_open() failed (SSL: error:{code:08X}:system library::{text}:calling stat("
    );
    sentence(&[begin.as_bytes(), path.as_os_str().as_bytes(), b"))"])
}

/// Why a file could not be opened, as OpenSSL's error queue has it.
#[must_use]
pub fn open_reason(path: &Path, error: &io::Error) -> Vec<u8> {
    let number = error.raw_os_error().unwrap_or(0);
    let (code, text) = (0x8000_0000_u32 | number.unsigned_abs(), Errno(error).text());
    let begin = format!("error:{code:08X}:system library::{text}:calling fopen(");
    let end = match number {
        2 => ", r) error:10000080:BIO routines::no such file",
        _ => ", r) error:10080002:BIO routines::system lib",
    };
    let path = path.as_os_str().as_bytes();
    sentence(&[begin.as_bytes(), path, end.as_bytes()])
}

/// What stands behind a sentence about OpenSSL: ` (SSL: REASON)`, or nothing.
#[must_use]
pub fn behind(reason: &[u8]) -> Vec<u8> {
    if reason.is_empty() {
        return Vec::new();
    }
    sentence(&[b" (SSL: ", reason, b")"])
}

#[cfg(test)]
mod tests {
    use crate::config::groups_fault;

    #[test]
    fn groups() {
        assert_eq!(groups_fault(b"X25519:P-256:secp384r1"), None);
        assert_eq!(groups_fault(b"P-256:prime256v1"), Some(Vec::new()));
        assert_eq!(groups_fault(b"P-256:"), Some(Vec::new()));
        assert!(
            groups_fault(b"P-256:foo")
                .is_some_and(|reason| reason.ends_with(b"'foo' cannot be set"))
        );
    }
}
