//! The groups for key exchange, by OpenSSL's names.

use crate::config::syntax::message;

/// The groups that OpenSSL 3 supports: one line per group, with all its names.
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

/// The groups that the gateway supports, by their first names.
const SUPPORTED: [&str; 5] = [
    "X25519",
    "P-256",
    "P-384",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
];

/// All names of a group, in any case of letters.
fn names(group: &[u8]) -> Option<&'static str> {
    let is_it = |name: &str| name.as_bytes().eq_ignore_ascii_case(group);
    GROUPS.lines().find(|line| line.split(' ').any(is_it))
}

/// Why OpenSSL refuses a list of groups, joined by colons: its reason, empty where it gives none. `None` when it accepts the list.
pub fn fault(list: &[u8]) -> Option<Vec<u8>> {
    let mut met = Vec::new();
    for group in list.split(|byte| *byte == b':') {
        if group.is_empty() {
            return Some(Vec::new());
        }
        let Some(line) = names(group) else {
            let begin = "error:0A080106:SSL routines::passed invalid argument:group '";
            return Some(message!(begin, group, "' cannot be set"));
        };
        if met.contains(&line) {
            return Some(Vec::new());
        }
        met.push(line);
    }
    None
}

/// The groups of a list that OpenSSL supports and the gateway does not, as written. `auto` has none.
pub fn unsupported(list: &[u8]) -> Vec<Vec<u8>> {
    let is_unsupported = |group: &&[u8]| {
        names(group).is_some_and(|names| !names.split(' ').any(|name| SUPPORTED.contains(&name)))
    };
    let groups = list.split(|byte| *byte == b':');
    groups.filter(is_unsupported).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn lists() {
        assert_eq!(fault(b"X25519:P-256:secp384r1"), None);
        assert_eq!(fault(b"P-256:prime256v1"), Some(Vec::new()));
        assert_eq!(fault(b"P-256:"), Some(Vec::new()));
        assert!(fault(b"P-256:foo").is_some_and(|reason| reason.ends_with(b"'foo' cannot be set")));
    }
}
