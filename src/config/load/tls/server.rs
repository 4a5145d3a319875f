//! The TLS settings of a server, looked at where TLS is used and only there: files are read, and nginx's checks made in its order.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::unsupported;
use crate::base::Level;
use crate::base::errno::Errno;
use crate::config::load::mail_block::ServerBlock;
use crate::config::load::merge::Written;
use crate::config::load::report::{Report, Stop};
use crate::config::load::server::Server;
use crate::config::load::tainted::Doubts;
use crate::config::openssl::key_location::KeyName;
use crate::config::openssl::messages::{
    authorities_text, ciphers_text, command_text, crl_text, curves_text, dhparam_text, file_text,
    sentence_of,
};
use crate::config::openssl::{ciphers, conf_command, errors, pem};
use crate::config::schema::modules::Scope;
use crate::config::schema::modules::ssl::{Ssl, StartTls, VerifyClient};
use crate::config::schema::values::path::NamedFile;
use crate::config::schema::values::sentence;
use crate::config::schema::values::tls::Versions;
use crate::config::syntax::source::Span;
use crate::config::{Diagnostic, TlsFile, TlsMaterial, TlsVersions, World};

/// Reads each file once, however many servers name it.
#[expect(missing_debug_implementations, reason = "holds a trait object")]
pub struct TlsFiles<'a> {
    pub(super) world: &'a dyn World,
    /// The `}` of `mail {}`, where nginx's own messages point.
    pub(super) span: &'a Span,
    read: HashMap<PathBuf, Arc<[u8]>>,
    /// Warnings that have been given.
    pub(super) warned: HashSet<Vec<u8>>,
}

impl<'a> TlsFiles<'a> {
    /// Nothing read yet.
    pub fn new(world: &'a dyn World, span: &'a Span) -> Self {
        Self {
            world,
            span,
            read: HashMap::new(),
            warned: HashSet::new(),
        }
    }

    /// What the server's TLS is made from; `None` when it uses none, or when something is wrong.
    ///
    /// # Errors
    /// A fault that was to be the last. They come in nginx's order.
    pub fn material(
        &mut self,
        block: Written<'_>,
        written: &ServerBlock,
        server: &Server,
        report: &mut Report<'_>,
    ) -> Result<Option<TlsMaterial>, Stop> {
        let ssl = &server.ssl;
        let Some((mode, user)) = tls_user(block.outer, written, ssl) else {
            return Ok(None);
        };
        let doubts = written.doubts(block.doubt);
        let doubtful = doubts.has("ssl_certificate") || doubts.has("ssl_certificate_key");
        if !doubtful && report.sift(check_named(ssl, mode, user))?.is_none() {
            return Ok(None);
        }
        if let Err(why) = ciphers::select(&ssl.ssl_ciphers) {
            report.fault(fault(ciphers_text(&ssl.ssl_ciphers, why), user))?;
        }
        let passwords = &ssl.ssl_password_file.0;
        let mut pairs = Vec::new();
        for (certificate, key) in ssl.ssl_certificate.iter().zip(&ssl.ssl_certificate_key) {
            if doubtful || doubts.has("ssl_password_file") {
                break;
            }
            let certificate = report.sift(self.certificate(certificate, user))?;
            let key = report.sift(self.key(key, user))?;
            let (Some(certificate), Some(key)) = (certificate, key) else {
                continue;
            };
            let fits = self.world.check_pair(&certificate, &key, passwords);
            report.sift(fits.map_err(|why| fault(sentence_of(&why, &ssl.ssl_ciphers), user)))?;
            pairs.push((certificate, key));
        }
        let (client_cas, trusted_cas, crl) = self.client_files(ssl, doubts, user, report)?;
        report.sift(self.check_dhparam(&ssl.ssl_dhparam, user))?;
        let curves = &ssl.ssl_ecdh_curve;
        if **curves != *b"auto"
            && let Some(reason) = errors::groups_fault(curves)
        {
            report.fault(fault(curves_text(curves, &reason), user))?;
        }
        let mut ticket_keys = Vec::new();
        for named in &ssl.ssl_session_ticket_key {
            ticket_keys.extend(report.sift(self.ticket_key(named))?);
        }
        for (name, value) in &ssl.ssl_conf_command {
            if let Some(reason) = conf_command::fault(name, value) {
                report.fault(fault(command_text(name, value, &reason), user))?;
            }
        }
        if report.found() {
            return Ok(None);
        }
        let material = TlsMaterial {
            pairs,
            protocols: TlsVersions {
                tls12: ssl.ssl_protocols.has(Versions::TLS12),
                tls13: ssl.ssl_protocols.has(Versions::TLS13),
            },
            ciphers: ssl.ssl_ciphers.clone(),
            curves: ssl.ssl_ecdh_curve.clone(),
            prefer_server_ciphers: ssl.ssl_prefer_server_ciphers,
            certificate_compression: ssl.ssl_certificate_compression,
            commands: ssl.ssl_conf_command.clone(),
            session_cache: ssl.ssl_session_cache.clone(),
            session_tickets: ssl.ssl_session_tickets,
            ticket_keys,
            session_timeout: ssl.ssl_session_timeout,
            verify_client: ssl.ssl_verify_client,
            verify_depth: ssl.ssl_verify_depth,
            client_cas,
            trusted_cas,
            crl,
            passwords: passwords.clone(),
            protocol: server.protocol,
        };
        let named = unsupported::named(&block.outer.ssl, &written.scope.ssl, ssl);
        self.warn_once(named, report);
        let checked = self.world.check_tls(&material);
        report.sift(checked.map_err(|why| fault(sentence_of(&why, &material.ciphers), user)))?;
        Ok(Some(material))
    }

    /// Files for client certificates, which are only looked at when those are asked for.
    #[expect(
        clippy::type_complexity,
        reason = "three files that go into three fields"
    )]
    fn client_files(
        &mut self,
        ssl: &Ssl,
        doubts: Doubts<'_>,
        user: &Span,
        report: &mut Report<'_>,
    ) -> Result<(Option<TlsFile>, Option<TlsFile>, Option<TlsFile>), Stop> {
        if ssl.ssl_verify_client == VerifyClient::Off {
            return Ok((None, None, None));
        }
        let (own, trusted) = (&ssl.ssl_client_certificate, &ssl.ssl_trusted_certificate);
        let none = own.as_os_str().is_empty() && trusted.as_os_str().is_empty();
        let doubtful =
            doubts.has("ssl_client_certificate") || doubts.has("ssl_trusted_certificate");
        if none && !doubtful && ssl.ssl_verify_client != VerifyClient::OptionalNoCa {
            let message =
                "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client";
            report.fault(fault(message.into(), user))?;
        }
        let mut read = |path: &PathBuf, text: fn(&Path, &io::Error) -> Vec<u8>| {
            if path.as_os_str().is_empty() {
                return Ok(None);
            }
            let file = self.file(path);
            report.sift(file.map_err(|error| fault(text(path, &error), user)))
        };
        Ok((
            read(own, authorities_text)?,
            read(trusted, authorities_text)?,
            read(&ssl.ssl_crl, crl_text)?,
        ))
    }

    /// DH parameters are never used; that they could be is looked at all the same.
    fn check_dhparam(&mut self, path: &Path, user: &Span) -> Result<(), Diagnostic> {
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        let file = self
            .file(path)
            .map_err(|error| fault(file_text(path, &error), user))?;
        match pem::dhparam_fault(&file.bytes) {
            Some(reason) => Err(fault(dhparam_text(path, reason), user)),
            None => Ok(()),
        }
    }

    fn ticket_key(&mut self, named: &NamedFile) -> Result<TlsFile, Diagnostic> {
        let name = named.path.as_os_str().as_bytes();
        let file = self.file(&named.path).map_err(|error| {
            let errno = Errno(&error).to_string();
            self.told(sentence(&[
                b"open() \"",
                name,
                b"\" failed",
                errno.as_bytes(),
            ]))
        })?;
        if !matches!(file.bytes.len(), 48 | 80) {
            return Err(self.told(sentence(&[b"\"", name, b"\" must be 48 or 80 bytes"])));
        }
        Ok(file)
    }

    fn told(&self, message: Vec<u8>) -> Diagnostic {
        Diagnostic::new(Level::Emerg, message, self.span)
    }

    pub(super) fn certificate(
        &mut self,
        named: &NamedFile,
        user: &Span,
    ) -> Result<TlsFile, Diagnostic> {
        let (name, read) = match named.written.strip_prefix(b"data:") {
            Some(text) => (&*named.written, Ok(inline(text))),
            None => (
                named.path.as_os_str().as_bytes(),
                self.open(&named.path, user, b"certificate"),
            ),
        };
        let file = read?;
        match pem::certificate_fault(&file.bytes) {
            Some(reason) => Err(unloadable(b"certificate", name, reason.as_bytes(), user)),
            None => Ok(file),
        }
    }

    pub(super) fn key(&mut self, named: &NamedFile, user: &Span) -> Result<TlsFile, Diagnostic> {
        let what = b"certificate key";
        let (name, file) = match KeyName::of(&named.written) {
            KeyName::Inline(text) => (&b"data:"[..], inline(text)),
            KeyName::File => (
                named.path.as_os_str().as_bytes(),
                self.open(&named.path, user, what)?,
            ),
            KeyName::Store { uri, path } => {
                let file = self.file(&path).map_err(|error| {
                    let reason = errors::store_reason(&path, &error);
                    unloadable(what, uri, &reason, user)
                })?;
                (uri, file)
            }
            KeyName::Elsewhere { name, reason } => {
                return Err(unloadable(what, name, &reason, user));
            }
        };
        match pem::key_fault(&file.bytes) {
            Some(reason) => Err(unloadable(what, name, reason.as_bytes(), user)),
            None => Ok(file),
        }
    }

    fn open(&mut self, path: &Path, user: &Span, what: &[u8]) -> Result<TlsFile, Diagnostic> {
        self.file(path).map_err(|error| {
            let reason = errors::open_reason(path, &error);
            let reason = sentence(&[b"BIO_new_file() failed (SSL: ", &reason, b")"]);
            unloadable(what, path.as_os_str().as_bytes(), &reason, user)
        })
    }

    pub(super) fn file(&mut self, path: &Path) -> io::Result<TlsFile> {
        if let Some(bytes) = self.read.get(path) {
            return Ok(TlsFile {
                path: path.to_owned(),
                bytes: Arc::clone(bytes),
            });
        }
        let bytes: Arc<[u8]> = match self.world.read(path) {
            Ok(bytes) => bytes.into(),
            // OpenSSL opens a folder and then finds nothing in it.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => Arc::from(&b""[..]),
            Err(error) => return Err(error),
        };
        self.read.insert(path.to_owned(), Arc::clone(&bytes));
        Ok(TlsFile {
            path: path.to_owned(),
            bytes,
        })
    }
}

/// Which directive makes the server use TLS, and where it is.
fn tls_user<'a>(
    outer: &'a Scope,
    block: &'a ServerBlock,
    ssl: &Ssl,
) -> Option<(&'static str, &'a Span)> {
    let inner = &block.scope;
    let listens = inner
        .mail
        .listen
        .as_ref()
        .map(|written| written.value.as_slice())
        .unwrap_or_default();
    if let Some(listen) = listens.iter().rev().find(|listen| listen.ssl) {
        return Some(("listen ... ssl", &listen.span));
    }
    let written = |scope: &'a Scope| {
        let starttls = scope.ssl.starttls.as_ref().map(|written| &written.span);
        let on = scope.ssl.ssl.as_ref().map(|written| &written.span);
        match (starttls, on) {
            (Some(a), Some(b)) => Some(if (a.line, a.start) > (b.line, b.start) {
                a
            } else {
                b
            }),
            (a, b) => a.or(b),
        }
    };
    let span = written(inner).or_else(|| written(outer))?;
    if ssl.ssl {
        return Some(("ssl", span));
    }
    (ssl.starttls != StartTls::Off).then_some(("starttls", span))
}

/// Certificates and keys that are not named at all.
fn check_named(ssl: &Ssl, mode: &str, user: &Span) -> Result<(), Diagnostic> {
    let tail = format!(
        "the \"{mode}\" directive in {}:{}",
        user.source.name, user.line
    );
    let (certificates, keys) = (&ssl.ssl_certificate, &ssl.ssl_certificate_key);
    let Some(last) = certificates.last() else {
        return Err(fault(
            format!("no \"ssl_certificate\" is defined for {tail}").into(),
            user,
        ));
    };
    if keys.is_empty() {
        return Err(fault(
            format!("no \"ssl_certificate_key\" is defined for {tail}").into(),
            user,
        ));
    }
    if keys.len() < certificates.len() {
        let begin = b"no \"ssl_certificate_key\" is defined for certificate \"";
        return Err(fault(
            sentence(&[begin, &last.written, b"\" and ", tail.as_bytes()]),
            user,
        ));
    }
    Ok(())
}

/// A sentence that says all itself.
pub(super) fn fault(message: Vec<u8>, user: &Span) -> Diagnostic {
    Diagnostic {
        span: Some(user.clone()),
        ..Diagnostic::bare(Level::Emerg, message)
    }
}

fn unloadable(what: &[u8], name: &[u8], reason: &[u8], user: &Span) -> Diagnostic {
    let message = sentence(&[b"cannot load ", what, b" \"", name, b"\": ", reason]);
    fault(message, user)
}

/// A file that is written in the configuration itself. Messages do not show what is in it.
fn inline(text: &[u8]) -> TlsFile {
    TlsFile {
        path: PathBuf::from("data:"),
        bytes: text.into(),
    }
}
