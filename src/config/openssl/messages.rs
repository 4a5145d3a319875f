//! nginx's sentences about TLS settings, with OpenSSL's reasons in them.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::ciphers::CipherError;
use super::{conf_command, pem};
use crate::base::Errno;
use crate::config::model::TlsFault;
use crate::config::syntax::message;

const KEY_MISMATCH: &str = "error:05800074:x509 certificate routines::key values mismatch";
const KEY_TOO_SMALL: &str = "error:0A00018F:SSL routines::ee key too small";
/// The entry of a function that calls one about PEM.
pub const PEM_LIB: &str = " error:0A080009:SSL routines::PEM lib";

/// A file that BIO_new_file() cannot open.
pub fn file(path: &Path, error: &io::Error) -> Vec<u8> {
    let (name, reason) = (path.as_os_str().as_bytes(), open_reason(path, error));
    message!("BIO_new_file(\"", name, "\") failed (SSL: ", reason, ")")
}

/// A file of CAs that cannot be opened.
pub fn authorities(path: &Path, error: &io::Error) -> Vec<u8> {
    let (name, reason) = (path.as_os_str().as_bytes(), open_reason(path, error));
    let end = " error:05880002:x509 certificate routines::system lib)";
    let begin = "SSL_CTX_load_verify_locations(\"";
    message!(begin, name, "\") failed (SSL: ", reason, end)
}

/// A file without CAs.
pub fn no_authorities(path: &Path) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    call(
        "SSL_CTX_load_verify_locations",
        &[name],
        pem::NO_CAS.as_bytes(),
    )
}

/// A file of CAs whose names cannot be sent to clients.
pub fn no_names(path: &Path) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    call("SSL_load_client_CA_file", &[name], pem::NO_NAMES.as_bytes())
}

/// A file of revoked certificates that cannot be opened.
pub fn crl(path: &Path, error: &io::Error) -> Vec<u8> {
    let (name, reason) = (path.as_os_str().as_bytes(), open_reason(path, error));
    let middle = "\": BIO_new_file() failed (SSL: ";
    message!("cannot load CRL \"", name, middle, reason, ")")
}

/// A file without DH parameters.
pub fn dhparam(path: &Path, reason: &str) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    call("PEM_read_bio_DHparams", &[name], reason.as_bytes())
}

/// A cipher string that selects nothing.
pub fn ciphers(string: &[u8], why: CipherError) -> Vec<u8> {
    call(
        "SSL_CTX_set_cipher_list",
        &[string],
        why.reason().as_bytes(),
    )
}

/// `ssl_ecdh_curve` with an unknown group.
pub fn curves(list: &[u8], reason: &[u8]) -> Vec<u8> {
    call("SSL_CTX_set1_curves_list", &[list], reason)
}

/// `ssl_conf_command` that OpenSSL refuses.
pub fn command(name: &[u8], value: &[u8], reason: &[u8]) -> Vec<u8> {
    call("SSL_CONF_cmd", &[name, value], reason)
}

/// `FUNCTION("ARGUMENT", …) failed (SSL: REASON)`
fn call(function: &str, arguments: &[&[u8]], reason: &[u8]) -> Vec<u8> {
    let arguments = arguments.join(&b"\", \""[..]);
    let end = in_parentheses(reason);
    message!(function, "(\"", arguments, "\") failed", end)
}

/// A certificate or a key (`what`) that cannot be loaded.
pub fn unloadable(what: &str, name: &[u8], reason: impl AsRef<[u8]>) -> Vec<u8> {
    message!("cannot load ", what, " \"", name, "\": ", reason)
}

/// A fault that only a TLS library finds. `string` is the cipher string.
pub fn probed(why: &TlsFault, string: &[u8]) -> Vec<u8> {
    match why {
        TlsFault::Certificate(path) => {
            unloadable("certificate", path.as_os_str().as_bytes(), pem::NO_ASN1)
        }
        TlsFault::Key(path) => {
            unloadable("certificate key", path.as_os_str().as_bytes(), pem::NO_KEY)
        }
        TlsFault::SmallKey(path) => {
            let name = path.as_os_str().as_bytes();
            call("SSL_CTX_use_certificate", &[name], KEY_TOO_SMALL.as_bytes())
        }
        TlsFault::KeyKind(path, kind) => unloadable(
            "certificate key",
            path.as_os_str().as_bytes(),
            format!(
                "{kind} keys are not supported; use RSA of 2048 to 8192 bits, ECDSA (P-256, P-384, P-521) or Ed25519"
            ),
        ),
        TlsFault::Locked(path) => {
            let name = path.as_os_str().as_bytes();
            unloadable("certificate key", name, pem::LOCKED_KEY)
        }
        TlsFault::Mismatch(path) => {
            let name = path.as_os_str().as_bytes();
            call("SSL_CTX_use_PrivateKey", &[name], KEY_MISMATCH.as_bytes())
        }
        TlsFault::InCommand(command, why) => in_command(command, why),
        TlsFault::Ciphers => ciphers(string, CipherError::NoMatch),
        TlsFault::Other(text) => text.clone().into_bytes(),
    }
}

/// A file of an `ssl_conf_command` that cannot be used.
fn in_command(name: &'static str, why: &TlsFault) -> Vec<u8> {
    let (path, reason, end) = match why {
        TlsFault::Certificate(path) => (path, pem::reason(pem::NO_ASN1), PEM_LIB),
        TlsFault::Key(path) => (path, pem::reason(pem::NO_KEY), PEM_LIB),
        TlsFault::Locked(path) => (path, pem::reason(pem::LOCKED_KEY), PEM_LIB),
        TlsFault::Mismatch(path) => (path, KEY_MISMATCH, ""),
        TlsFault::SmallKey(path) => (path, KEY_TOO_SMALL, ""),
        other => return probed(other, b""),
    };
    let (name, path) = (name.as_bytes(), path.as_os_str().as_bytes());
    let reason = conf_command::bad_value(name, path, &message!(reason, end));
    command(name, path, &reason)
}

/// The entry of a failed system call: `error:80000002:system library::No such file or directory`.
pub fn system_error(error: &io::Error) -> String {
    let number = error.raw_os_error().unwrap_or(0);
    let code = 0x8000_0000_u32 | number.unsigned_abs();
    format!("error:{code:08X}:system library::{}", Errno(error).text())
}

/// Why `OSSL_STORE_open()` cannot open a file, with the name of the function.
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
pub fn in_parentheses(reason: &[u8]) -> Vec<u8> {
    match reason {
        [] => Vec::new(),
        reason => message!(" (SSL: ", reason, ")"),
    }
}
