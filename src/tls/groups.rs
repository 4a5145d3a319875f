//! `ssl_ecdh_curve` in rustls's terms: the groups that rustls has, of those that are named.

use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::{DEFAULT_KX_GROUPS, kx_group};

/// The groups that both have, by OpenSSL's names (the first is the one of RFC 8422 and its successors).
static KNOWN: [(&str, &dyn SupportedKxGroup); 9] = [
    ("X25519MLKEM768", kx_group::X25519MLKEM768),
    ("SecP256r1MLKEM768", kx_group::SECP256R1MLKEM768),
    ("X25519", kx_group::X25519),
    ("P-256", kx_group::SECP256R1),
    ("prime256v1", kx_group::SECP256R1),
    ("secp256r1", kx_group::SECP256R1),
    ("P-384", kx_group::SECP384R1),
    ("secp384r1", kx_group::SECP384R1),
    ("MLKEM768", kx_group::MLKEM768),
];

/// The groups of a list joined by colons. `auto` is rustls's own choice, X25519MLKEM768 among it. `None` when none of them is one
/// that rustls has.
pub(super) fn select(list: &[u8]) -> Option<Vec<&'static dyn SupportedKxGroup>> {
    if list == b"auto" {
        return Some(DEFAULT_KX_GROUPS.to_vec());
    }
    let known = |word: &[u8]| {
        let is_it = |entry: &&(&str, _)| entry.0.as_bytes().eq_ignore_ascii_case(word);
        KNOWN.iter().find(is_it).map(|entry| entry.1)
    };
    let groups: Vec<_> = list.split(|byte| *byte == b':').filter_map(known).collect();
    (!groups.is_empty()).then_some(groups)
}
