//! Self-signed certificates.

use std::fs;
use std::path::PathBuf;

use crate::TempDir;

/// The files of a self-signed certificate for `localhost` and 127.0.0.1, and its key (ECDSA on P-256).
#[derive(Debug)]
pub struct Certificate(TempDir);

impl Certificate {
    /// Makes a new one.
    ///
    /// # Panics
    /// When it cannot be made or written.
    #[expect(clippy::new_without_default, reason = "each one is different")]
    pub fn new() -> Self {
        let (certificate, key) = self_signed(&["localhost", "127.0.0.1"]).expect("a certificate");
        let folder = TempDir::new("certificate");
        fs::write(folder.path().join("cert.pem"), certificate).expect("cert.pem");
        fs::write(folder.path().join("key.pem"), key).expect("key.pem");
        Self(folder)
    }

    pub fn chain(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }
}

/// A self-signed certificate for these names, and its key, both in PEM.
///
/// # Errors
/// When it cannot be made.
pub fn self_signed(names: &[&str]) -> Result<(String, String), rcgen::Error> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}
