//! A temporary folder with certificates, in which every start of a program gets a folder of its own.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};
use support::TempDir;

use crate::failure::{Context as _, Failure};
use crate::server::Server;

/// The folder; removed on drop.
#[derive(Debug)]
pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    /// Creates the folder and the certificates: for each name in [`Server::certificate`] `name.pem` and `name.key`, and both in
    /// `name.both`.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub fn create() -> Result<Self, Failure> {
        let folder = TempDir::create("bench").context(|| "create a folder".to_owned())?;
        for name in Server::ALL.iter().filter_map(|server| server.certificate()) {
            let key = match name {
                "rsa" => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
                _ => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            };
            let signed = key.and_then(|key| {
                let params = CertificateParams::new(vec!["localhost".to_owned()])?;
                Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
            });
            let (certificate, key) = signed.context(|| "make a certificate".to_owned())?;
            for (end, text) in [
                ("pem", &certificate),
                ("key", &key),
                ("both", &(certificate.clone() + &key)),
            ] {
                write_new(&folder.path().join(format!("{name}.{end}")), text)?;
            }
        }
        Ok(Self { folder })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a folder in it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn prefix(&self, name: &str) -> Result<PathBuf, Failure> {
        let prefix = self.path().join(name);
        fs::create_dir(&prefix).context(|| format!("create {}", prefix.display()))?;
        Ok(prefix)
    }
}

/// Writes a file that only its owner can read.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .context(|| format!("write {}", path.display()))
}
