//! The files that `ssl_conf_command` names: read, and checked as OpenSSL checks them.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{ffi::OsStr, io};

use super::files::{TlsFiles, fault};
use crate::config::model::{Command, CommandFile, CommandFiles, Place, TlsFile};
use crate::config::openssl::key_location::KeyLocation;
use crate::config::openssl::{conf_command, messages, pem};
use crate::config::syntax::{Diagnostic, Span, message};

impl TlsFiles<'_> {
    /// Checks a command, and adds the files that it names to `found`.
    ///
    /// # Errors
    /// OpenSSL refuses the command, or a file of it.
    pub fn command(
        &mut self,
        (name, value): &Command,
        found: &mut CommandFiles,
        user: &Span,
    ) -> Result<(), Diagnostic> {
        let refused = |reason: &[u8]| fault(messages::command(name, value, reason), user);
        let Some((what, place)) = CommandFile::of(name) else {
            let reason = conf_command::fault(name, value);
            return reason.map_or(Ok(()), |reason| Err(refused(&reason)));
        };
        let files = self.named(what, place, value);
        let files = files.map_err(|why| refused(&conf_command::bad_value(name, value, &why)))?;
        for file in files {
            found.add(what, file);
        }
        Ok(())
    }

    /// The files of a command. The error is OpenSSL's reason.
    fn named(
        &mut self,
        what: CommandFile,
        place: Place,
        value: &[u8],
    ) -> Result<Vec<TlsFile>, Vec<u8>> {
        let path = Path::new(OsStr::from_bytes(value));
        match place {
            Place::File => {
                let file = self.file(path);
                let file = file.map_err(|error| unreadable(what, path, &error))?;
                match content_fault(what, &file.bytes) {
                    Some(reason) => Err(reason),
                    None => Ok(vec![file]),
                }
            }
            Place::Folder => self.folder(what, path),
            Place::Store => self.store(value).map(|file| vec![file]),
        }
    }

    /// The certificates in a folder. For verification OpenSSL finds them by the hashes of their names, and ignores a missing folder.
    fn folder(&mut self, what: CommandFile, folder: &Path) -> Result<Vec<TlsFile>, Vec<u8>> {
        let is_listed = what == CommandFile::NamedCas;
        if is_listed && !self.world.exists(folder) {
            let error = io::Error::from_raw_os_error(2);
            let name = folder.as_os_str().as_bytes();
            let end = ") error:0A080002:SSL routines::system lib";
            let call = ":calling OPENSSL_dir_read(";
            return Err(message!(messages::system_error(&error), call, name, end));
        }
        let mut names = self.world.list(folder);
        names.retain(|name| is_listed || is_hash(name.as_bytes()));
        names.sort_unstable();
        let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        Ok(paths
            .iter()
            .filter_map(|path| self.file(path).ok())
            .collect())
    }

    /// The file that a URI names.
    fn store(&mut self, uri: &[u8]) -> Result<TlsFile, Vec<u8>> {
        match KeyLocation::of(&[b"store:", uri].concat()) {
            KeyLocation::Store { path, .. } => self.file(&path).map_err(|error| {
                let begin = "error:16000069:STORE routines::unregistered scheme:scheme=file ";
                let name = path.as_os_str().as_bytes();
                let system = messages::system_error(&error);
                message!(begin, system, ":calling stat(", name, ")")
            }),
            _ => Err(b"error:16000069:STORE routines::unregistered scheme".to_vec()),
        }
    }
}

/// `9d66eef0.0`: a certificate as openssl-rehash(1) names it.
fn is_hash(name: &[u8]) -> bool {
    match name.split_at_checked(8) {
        Some((hash, [b'.', number @ ..])) => {
            hash.iter().all(u8::is_ascii_hexdigit)
                && !number.is_empty()
                && number.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Why a file cannot be opened.
fn unreadable(what: CommandFile, path: &Path, error: &io::Error) -> Vec<u8> {
    let name = path.as_os_str().as_bytes();
    let system = messages::system_error(error);
    let opened = message!(
        system,
        ":calling fopen(",
        name,
        ", r) error:10080002:BIO routines::system lib"
    );
    match what {
        CommandFile::Certificate | CommandFile::PrivateKey | CommandFile::ServerInfo => {
            message!(opened, " error:0A080002:SSL routines::system lib")
        }
        CommandFile::ChainCas | CommandFile::VerifyCas => {
            let reason = messages::open_reason(path, error);
            message!(
                reason,
                " error:05880002:x509 certificate routines::system lib"
            )
        }
        CommandFile::NamedCas | CommandFile::DhParameters => opened,
    }
}

/// Why the content of a file is refused.
fn content_fault(what: CommandFile, bytes: &[u8]) -> Option<Vec<u8>> {
    let reason = match what {
        CommandFile::Certificate => pem::chain(bytes).err()?,
        CommandFile::PrivateKey if pem::first_key(bytes).is_some() => return None,
        CommandFile::PrivateKey => pem::NO_KEY.to_owned(),
        CommandFile::ChainCas | CommandFile::VerifyCas => {
            let is_empty = pem::authorities(bytes).is_empty();
            return is_empty.then(|| pem::NO_CAS.into());
        }
        CommandFile::DhParameters => {
            pem::dhparam_fault(bytes)?;
            return Some(pem::reason(pem::NO_KEY).into());
        }
        CommandFile::ServerInfo => return pem::server_info_fault(bytes).map(Into::into),
        CommandFile::NamedCas => return None,
    };
    Some(message!(pem::reason(&reason), messages::PEM_LIB))
}
