//! The TLS settings of a server, looked at where TLS is used and only there: files are read, and nginx's checks made in its order.

use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::errno::Errno;
use super::mail_block::ServerBlock;
use super::modules::Scope;
use super::modules::ssl::{Ssl, StartTls, VerifyClient};
use super::server::Server;
use super::source::Place;
use super::tls_text::{
    authorities_text, ciphers_text, command_text, crl_text, curves_text, dhparam_text, file_text,
    sentence_of,
};
use super::value::path::NamedFile;
use super::value::sentence;
use super::value::tls::Versions;
use super::{
    Diagnostic, Level, TlsFile, TlsMaterial, TlsVersions, World, ciphers, conf_command, openssl,
    pem,
};

/// Reads each file once, however many servers name it.
#[expect(missing_debug_implementations, reason = "holds a trait object")]
pub struct TlsFiles<'a> {
    world: &'a dyn World,
    /// The `}` of `mail {}`, where nginx's own messages point.
    place: &'a Place,
    read: HashMap<PathBuf, Arc<[u8]>>,
}

impl<'a> TlsFiles<'a> {
    /// Nothing read yet.
    pub fn new(world: &'a dyn World, place: &'a Place) -> Self {
        Self {
            world,
            place,
            read: HashMap::new(),
        }
    }

    /// What the server's TLS is made from; `None` when it uses none.
    ///
    /// # Errors
    /// The first thing that is missing or wrong.
    pub fn material(
        &mut self,
        outer: &Scope,
        block: &ServerBlock,
        server: &Server,
    ) -> Result<Option<TlsMaterial>, Diagnostic> {
        let ssl = &server.ssl;
        let Some((mode, user)) = tls_user(outer, block, ssl) else {
            return Ok(None);
        };
        check_named(ssl, mode, user)?;
        if let Err(why) = ciphers::select(&ssl.ssl_ciphers) {
            return Err(fault(ciphers_text(&ssl.ssl_ciphers, why), user));
        }
        let mut pairs = Vec::new();
        for (certificate, key) in ssl.ssl_certificate.iter().zip(&ssl.ssl_certificate_key) {
            let certificate = self.pem(certificate, "certificate", pem::certificate_fault, user)?;
            let key = self.pem(key, "certificate key", pem::key_fault, user)?;
            pairs.push((certificate, key));
        }
        let (client_cas, trusted_cas, crl) = self.client_files(ssl, user)?;
        self.check_dhparam(&ssl.ssl_dhparam, user)?;
        let curves = &ssl.ssl_ecdh_curve;
        if **curves != *b"auto"
            && let Some(reason) = openssl::groups_fault(curves)
        {
            return Err(fault(curves_text(curves, &reason), user));
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
            ticket_keys: self.ticket_keys(ssl)?,
            session_timeout: ssl.ssl_session_timeout,
            verify_client: ssl.ssl_verify_client,
            verify_depth: ssl.ssl_verify_depth,
            client_cas,
            trusted_cas,
            crl,
            passwords: ssl.ssl_password_file.0.clone(),
            protocol: server.protocol,
        };
        check_commands(ssl, user)?;
        self.world
            .check_tls(&material)
            .map_err(|why| fault(sentence_of(&why, &material), user))?;
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
        user: &Place,
    ) -> Result<(Option<TlsFile>, Option<TlsFile>, Option<TlsFile>), Diagnostic> {
        if ssl.ssl_verify_client == VerifyClient::Off {
            return Ok((None, None, None));
        }
        let (own, trusted) = (&ssl.ssl_client_certificate, &ssl.ssl_trusted_certificate);
        let none = own.as_os_str().is_empty() && trusted.as_os_str().is_empty();
        if none && ssl.ssl_verify_client != VerifyClient::OptionalNoCa {
            let message =
                "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client";
            return Err(fault(message.into(), user));
        }
        let mut read = |path: &PathBuf, text: fn(&Path, &io::Error) -> Vec<u8>| match path
            .as_os_str()
            .is_empty()
        {
            true => Ok(None),
            false => self
                .file(path)
                .map(Some)
                .map_err(|error| fault(text(path, &error), user)),
        };
        Ok((
            read(own, authorities_text)?,
            read(trusted, authorities_text)?,
            read(&ssl.ssl_crl, crl_text)?,
        ))
    }

    /// DH parameters are never used; that they could be is looked at all the same.
    fn check_dhparam(&mut self, path: &Path, user: &Place) -> Result<(), Diagnostic> {
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

    fn ticket_keys(&mut self, ssl: &Ssl) -> Result<Vec<TlsFile>, Diagnostic> {
        let mut keys = Vec::new();
        for named in &ssl.ssl_session_ticket_key {
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
            keys.push(file);
        }
        Ok(keys)
    }

    fn told(&self, message: Vec<u8>) -> Diagnostic {
        Diagnostic::new(Level::Emerg, message, self.place)
    }

    fn pem(
        &mut self,
        named: &NamedFile,
        what: &str,
        check: fn(&[u8]) -> Option<&'static str>,
        user: &Place,
    ) -> Result<TlsFile, Diagnostic> {
        let inline = named.written.strip_prefix(b"data:");
        let path = match inline {
            Some(_) => PathBuf::from("data:"),
            None => named.path.clone(),
        };
        let begin = sentence(&[
            b"cannot load ",
            what.as_bytes(),
            b" \"",
            path.as_os_str().as_bytes(),
            b"\": ",
        ]);
        let file = match inline {
            Some(text) => TlsFile {
                path,
                bytes: text.into(),
            },
            None => self.file(&path).map_err(|error| {
                let reason = openssl::open_reason(&path, &error);
                fault(
                    sentence(&[&begin, b"BIO_new_file() failed (SSL: ", &reason, b")"]),
                    user,
                )
            })?,
        };
        match check(&file.bytes) {
            Some(reason) => Err(fault(sentence(&[&begin, reason.as_bytes()]), user)),
            None => Ok(file),
        }
    }

    fn file(&mut self, path: &Path) -> io::Result<TlsFile> {
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
) -> Option<(&'static str, &'a Place)> {
    let inner = &block.scope;
    let listens = inner
        .mail
        .listen
        .as_ref()
        .map(|written| written.value.as_slice())
        .unwrap_or_default();
    if let Some(listen) = listens.iter().rev().find(|listen| listen.ssl) {
        return Some(("listen ... ssl", &listen.place));
    }
    let written = |scope: &'a Scope| {
        let starttls = scope.ssl.starttls.as_ref().map(|written| &written.place);
        let on = scope.ssl.ssl.as_ref().map(|written| &written.place);
        match (starttls, on) {
            (Some(a), Some(b)) => Some(if (a.line, a.start) > (b.line, b.start) {
                a
            } else {
                b
            }),
            (a, b) => a.or(b),
        }
    };
    let place = written(inner).or_else(|| written(outer))?;
    if ssl.ssl {
        return Some(("ssl", place));
    }
    (ssl.starttls != StartTls::Off).then_some(("starttls", place))
}

/// Certificates and keys that are not named at all.
fn check_named(ssl: &Ssl, mode: &str, user: &Place) -> Result<(), Diagnostic> {
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
fn fault(message: Vec<u8>, user: &Place) -> Diagnostic {
    Diagnostic {
        place: Some(user.clone()),
        ..Diagnostic::bare(Level::Emerg, message)
    }
}

fn check_commands(ssl: &Ssl, user: &Place) -> Result<(), Diagnostic> {
    for (name, value) in &ssl.ssl_conf_command {
        if let Some(reason) = conf_command::fault(name, value) {
            return Err(fault(command_text(name, value, &reason), user));
        }
    }
    Ok(())
}
