//! The files of TLS settings. Each is read once, however many servers name it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::unsupported::Unsupported;
use crate::base::{Errno, Level};
use crate::config::load::report::Report;
use crate::config::load::written::Written;
use crate::config::model::{NamedFile, TlsFile, World};
use crate::config::openssl::key_location::KeyLocation;
use crate::config::openssl::{cause, der, messages, pem};
use crate::config::syntax::{Diagnostic, Span, message};

/// The files read so far, and the warnings given.
pub struct TlsFiles<'a> {
    /// The machine.
    pub world: &'a dyn World,
    /// The `}` of `mail {}`, where nginx's own messages point.
    pub end: &'a Span,
    /// The directives as written.
    pub written: &'a Written,
    read: HashMap<PathBuf, Arc<[u8]>>,
    /// The warnings about files so far.
    warned: HashSet<Vec<u8>>,
    /// The settings that are never negotiated, for one warning for each directive and file.
    pub unsupported: Vec<Unsupported>,
    /// The files that were passed over because this process may not read them.
    denied: Vec<PathBuf>,
    /// How often they were named.
    passed_over: usize,
}

impl<'a> TlsFiles<'a> {
    /// Nothing read yet.
    pub fn new(world: &'a dyn World, written: &'a Written, end: &'a Span) -> Self {
        Self {
            world,
            end,
            written,
            read: HashMap::new(),
            warned: HashSet::new(),
            unsupported: Vec::new(),
            denied: Vec::new(),
            passed_over: 0,
        }
    }

    /// A certificate chain. `user` is the directive that switches TLS on, where nginx's messages point.
    ///
    /// # Errors
    /// It cannot be read, or contains no certificate.
    pub fn certificate(&mut self, named: &NamedFile, user: &Span) -> Result<TlsFile, Diagnostic> {
        let what = "certificate";
        let (name, file) = match named.inline() {
            Some(text) => (&*named.written, inline(text)),
            None => (
                named.path.as_os_str().as_bytes(),
                self.open(&named.path, what, user)?,
            ),
        };
        match pem::chain(&file.bytes) {
            Err(_) if self.is_denied(&file) => Ok(file),
            Err(reason) => {
                let fault = fault(messages::unloadable(what, name, reason), user);
                Err(fault.with_help(cause::of_certificate(&file.bytes)))
            }
            Ok(_) => Ok(file),
        }
    }

    /// A private key.
    ///
    /// # Errors
    /// It cannot be read, or contains no key.
    pub fn key(&mut self, named: &NamedFile, user: &Span) -> Result<TlsFile, Diagnostic> {
        let what = "certificate key";
        let (name, file) = match KeyLocation::of(&named.written) {
            KeyLocation::Inline(text) => (&b"data:"[..], inline(text)),
            KeyLocation::File => (
                named.path.as_os_str().as_bytes(),
                self.open(&named.path, what, user)?,
            ),
            KeyLocation::Store { uri, path } => {
                let file = self.file(&path).map_err(|error| {
                    let reason = messages::store_reason(&path, &error);
                    fault(messages::unloadable(what, uri, reason), user)
                })?;
                if pem::first_key(&file.bytes).is_some() {
                    return Ok(file);
                }
                let Some(key) = der::key_to_pem(&file.bytes) else {
                    let reason = pem::NO_KEY_IN_STORE;
                    return Err(fault(messages::unloadable(what, uri, reason), user));
                };
                let bytes = key.into();
                return Ok(TlsFile { bytes, ..file });
            }
            KeyLocation::Elsewhere { name, reason } => {
                return Err(fault(messages::unloadable(what, name, reason), user));
            }
        };
        match pem::first_key(&file.bytes) {
            None if self.is_denied(&file) => Ok(file),
            None => {
                let fault = fault(messages::unloadable(what, name, pem::NO_KEY), user);
                Err(fault.with_help(cause::of_key(&file.bytes)))
            }
            Some(_) => Ok(file),
        }
    }

    /// A file of CAs. The names of the CAs in it are sent to clients if it is `ssl_client_certificate`.
    ///
    /// # Errors
    /// It cannot be read, or contains no certificate.
    pub fn authorities(
        &mut self,
        path: Option<&Path>,
        are_named: bool,
        user: &Span,
    ) -> Result<Option<TlsFile>, Diagnostic> {
        let Some(file) = self.optional(path, messages::authorities, user)? else {
            return Ok(None);
        };
        if pem::authorities(&file.bytes).is_empty() {
            let fault = fault(messages::no_authorities(&file.path), user);
            return Err(fault.with_help(cause::of_certificate(&file.bytes)));
        }
        if are_named && !pem::has_names(&file.bytes) {
            return Err(fault(messages::no_names(&file.path), user));
        }
        Ok(Some(file))
    }

    fn open(&mut self, path: &Path, what: &str, user: &Span) -> Result<TlsFile, Diagnostic> {
        self.file(path).map_err(|error| {
            let reason = messages::open_reason(path, &error);
            let reason = message!("BIO_new_file() failed (SSL: ", reason, ")");
            let name = path.as_os_str().as_bytes();
            let fault = fault(messages::unloadable(what, name, reason), user);
            fault.with_help(cause::of_open(&error))
        })
    }

    /// A key for session tickets.
    ///
    /// # Errors
    /// It cannot be read, or has a wrong length.
    pub fn ticket_key(&mut self, path: &Path) -> Result<TlsFile, Diagnostic> {
        let name = path.as_os_str().as_bytes();
        let end = self.end;
        let told = |message| Diagnostic::new(Level::Emerg, message, end);
        let file = self.file(path).map_err(|error| {
            let errno = Errno(&error).to_string();
            told(message!("open() \"", name, "\" failed", errno))
        })?;
        match file.bytes.len() {
            48 | 80 => Ok(file),
            _ if self.is_denied(&file) => Ok(file),
            _ => Err(told(message!("\"", name, "\" must be 48 or 80 bytes"))),
        }
    }

    /// An optional file. `text` makes the message for a file that cannot be read.
    ///
    /// # Errors
    /// It is configured and cannot be read.
    pub fn optional(
        &mut self,
        path: Option<&Path>,
        text: fn(&Path, &io::Error) -> Vec<u8>,
        user: &Span,
    ) -> Result<Option<TlsFile>, Diagnostic> {
        let Some(path) = path else {
            return Ok(None);
        };
        let file = self.file(path);
        file.map(Some)
            .map_err(|error| fault(text(path, &error), user).with_help(cause::of_open(&error)))
    }

    /// A file, read once.
    pub(super) fn file(&mut self, path: &Path) -> io::Result<TlsFile> {
        let bytes = match self.read.get(path) {
            Some(bytes) => Arc::clone(bytes),
            None => {
                let bytes: Arc<[u8]> = match self.world.read(path) {
                    Ok(bytes) => bytes.into(),
                    // OpenSSL opens a folder and finds nothing in it.
                    Err(error) if error.kind() == io::ErrorKind::IsADirectory => Arc::default(),
                    Err(error)
                        if error.kind() == io::ErrorKind::PermissionDenied
                            && self.world.passes_over_denied() =>
                    {
                        self.denied.push(path.to_owned());
                        Arc::default()
                    }
                    Err(error) => return Err(error),
                };
                self.read.insert(path.to_owned(), Arc::clone(&bytes));
                bytes
            }
        };
        let file = TlsFile {
            path: path.to_owned(),
            bytes,
        };
        self.passed_over += usize::from(self.is_denied(&file));
        Ok(file)
    }

    /// Whether a file was passed over.
    pub fn is_denied(&self, file: &TlsFile) -> bool {
        self.denied.contains(&file.path)
    }

    /// How often a file was named that was passed over. Material that needs one cannot be probed.
    pub fn passed_over(&self) -> usize {
        self.passed_over
    }

    /// Warns about the files that were passed over.
    pub fn warn_of_denied(&self, report: &mut Report<'_>) {
        for path in &self.denied {
            let name = path.as_os_str().as_bytes();
            let message = message!("\"", name, "\" is not checked: this user may not read it");
            report.warn(Diagnostic::bare(Level::Warn, message));
        }
    }

    /// Emits each warning about a file once, however many lines name the file.
    pub fn warn_once_a_file(
        &mut self,
        warnings: impl IntoIterator<Item = Diagnostic>,
        report: &mut Report<'_>,
    ) {
        for warning in warnings {
            if self.warned.insert(warning.message.clone()) {
                report.warn(warning);
            }
        }
    }

    /// Warns about the settings that are never negotiated.
    pub fn warn_of_unsupported(&self, report: &mut Report<'_>) {
        for one in &self.unsupported {
            report.warn(one.warning());
        }
    }
}

/// A fault whose message names its position itself, or none.
pub fn fault(message: Vec<u8>, user: &Span) -> Diagnostic {
    Diagnostic::complete(Level::Emerg, message, user)
}

/// A file whose content is written in the configuration. Messages do not show it.
fn inline(text: &[u8]) -> TlsFile {
    TlsFile {
        path: PathBuf::from("data:"),
        bytes: text.into(),
    }
}
