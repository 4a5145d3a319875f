//! nginx's sentences about TLS settings, with OpenSSL's reasons in them.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{ciphers, errors, pem};
use crate::config::TlsFault;
use crate::config::schema::values::sentence;

/// A file that BIO_new_file() cannot open.
pub fn file_text(path: &Path, error: &io::Error) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    sentence(&[
        b"BIO_new_file(\"",
        name,
        b"\") failed (SSL: ",
        &errors::open_reason(path, error),
        b")",
    ])
}

/// A file of CAs that cannot be opened.
pub fn authorities_text(path: &Path, error: &io::Error) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    let reason = errors::open_reason(path, error);
    let end = b" error:05880002:x509 certificate routines::system lib)";
    sentence(&[
        b"SSL_CTX_load_verify_locations(\"",
        name,
        b"\") failed (SSL: ",
        &reason,
        end,
    ])
}

/// A file of revoked certificates that cannot be opened.
pub fn crl_text(path: &Path, error: &io::Error) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    let reason = errors::open_reason(path, error);
    sentence(&[
        b"cannot load CRL \"",
        name,
        b"\": BIO_new_file() failed (SSL: ",
        &reason,
        b")",
    ])
}

/// A file without DH parameters.
pub fn dhparam_text(path: &Path, reason: &str) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    let end = errors::behind(reason.as_bytes());
    sentence(&[b"PEM_read_bio_DHparams(\"", name, b"\") failed", &end])
}

/// `ssl_ciphers` that selects nothing.
pub fn ciphers_text(ciphers: &[u8], why: ciphers::Nothing) -> Vec<u8> {
    let end = errors::behind(why.reason().as_bytes());
    sentence(&[b"SSL_CTX_set_cipher_list(\"", ciphers, b"\") failed", &end])
}

/// `ssl_ecdh_curve` with a group that is not known.
pub fn curves_text(curves: &[u8], reason: &[u8]) -> Vec<u8> {
    let end = errors::behind(reason);
    sentence(&[b"SSL_CTX_set1_curves_list(\"", curves, b"\") failed", &end])
}

/// `ssl_conf_command` that OpenSSL does not take.
pub fn command_text(name: &[u8], value: &[u8], reason: &[u8]) -> Vec<u8> {
    let end = errors::behind(reason);
    sentence(&[
        b"SSL_CONF_cmd(\"",
        name,
        b"\", \"",
        value,
        b"\") failed",
        &end,
    ])
}

/// nginx's sentences for what only a TLS library can find, with OpenSSL's reasons.
pub fn sentence_of(why: &TlsFault, ciphers: &[u8]) -> Vec<u8> {
    let key = |path: &Path, reason: &str| {
        let name = path.as_os_str().as_bytes();
        sentence(&[
            b"cannot load certificate key \"",
            name,
            b"\": ",
            reason.as_bytes(),
        ])
    };
    match why {
        TlsFault::Certificate(path) => {
            let reason = b"\": PEM_read_bio_X509_AUX() failed (SSL: error:0688010A:asn1 encoding routines::nested asn1 error)";
            let name = path.as_os_str().as_bytes();
            sentence(&[b"cannot load certificate \"", name, reason])
        }
        TlsFault::Key(path) => key(path, pem::NO_KEY),
        TlsFault::Locked(path) => key(path, pem::LOCKED_KEY),
        TlsFault::Mismatch(path) => {
            let reason =
                b"\") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)";
            let name = path.as_os_str().as_bytes();
            sentence(&[b"SSL_CTX_use_PrivateKey(\"", name, reason])
        }
        TlsFault::Ciphers => ciphers_text(ciphers, ciphers::Nothing::NoMatch),
        TlsFault::Other(text) => text.clone().into_bytes(),
    }
}
