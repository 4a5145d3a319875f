//! The TLS settings towards one server as data, and the checks of `auth_http https://…`: its files are read where it is used.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::mail_block::ServerBlock;
use super::modules::Scope;
use super::server::Server;
use super::source::Place;
use super::tls_check::{TlsFiles, fault};
use super::tls_text::{authorities_text, sentence_of};
use super::value::path::NamedFile;
use super::value::sentence;
use super::{Diagnostic, TlsFile, TlsVersions};

/// What TLS as a client is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// Whether the server's certificate must be trusted and be that of `name`.
    pub verify: bool,
    /// The CAs that are trusted; the system's where none are named.
    pub roots: Option<TlsFile>,
    /// Who the server should be: a host name, or an address without brackets. It is told to the server too (SNI).
    pub name: Box<[u8]>,
    /// The certificate to show, and its key.
    pub pair: Option<(TlsFile, TlsFile)>,
    /// The versions that may be negotiated.
    pub versions: TlsVersions,
    /// An OpenSSL cipher string.
    pub ciphers: Box<[u8]>,
}

impl TlsFiles<'_> {
    /// The TLS towards the auth server of a server; `None` where there is none.
    ///
    /// # Errors
    /// The first thing that is missing or wrong.
    pub fn auth_server(
        &mut self,
        outer: &Scope,
        block: &ServerBlock,
        server: &Server,
    ) -> Result<Option<ClientTls>, Diagnostic> {
        let settings = &server.auth_http;
        let Some(url) = settings.auth_http.as_ref().filter(|url| url.tls) else {
            return Ok(None);
        };
        let written = [&block.scope, outer].map(|scope| scope.auth_http.auth_http.as_ref());
        let user = written.into_iter().flatten().next();
        let user = user.map_or(self.place, |written| &written.place);
        let name = match &*settings.auth_http_ssl_name {
            b"" => url.host.trim_ascii(),
            name => name,
        };
        let name = name.strip_prefix(b"[").unwrap_or(name);
        let tls = ClientTls {
            verify: settings.auth_http_ssl_verify,
            roots: self.roots(&settings.auth_http_ssl_trusted_certificate, user)?,
            name: name.strip_suffix(b"]").unwrap_or(name).into(),
            pair: self.own_pair(
                &settings.auth_http_ssl_certificate,
                &settings.auth_http_ssl_certificate_key,
                "auth_http_ssl_certificate_key",
                user,
            )?,
            versions: TlsVersions {
                tls12: true,
                tls13: true,
            },
            ciphers: b"DEFAULT".as_slice().into(),
        };
        self.world
            .check_client_tls(&tls)
            .map_err(|why| fault(sentence_of(&why, &tls.ciphers), user))?;
        Ok(Some(tls))
    }

    fn roots(&mut self, path: &Path, user: &Place) -> Result<Option<TlsFile>, Diagnostic> {
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let file = self.file(path);
        file.map(Some)
            .map_err(|error| fault(authorities_text(path, &error), user))
    }

    /// A certificate with its key; `key_directive` names the key in nginx's sentence about a missing one.
    fn own_pair(
        &mut self,
        certificate: &Path,
        key: &Path,
        key_directive: &str,
        user: &Place,
    ) -> Result<Option<(TlsFile, TlsFile)>, Diagnostic> {
        let named = |path: &Path| NamedFile {
            written: path.as_os_str().as_bytes().into(),
            path: path.to_owned(),
        };
        if certificate.as_os_str().is_empty() {
            return Ok(None);
        }
        if key.as_os_str().is_empty() {
            let name = certificate.as_os_str().as_bytes();
            let directive = key_directive.as_bytes();
            return Err(fault(
                sentence(&[
                    b"no \"",
                    directive,
                    b"\" is defined for certificate \"",
                    name,
                    b"\"",
                ]),
                user,
            ));
        }
        let certificate = self.certificate(&named(certificate), user)?;
        let key = self.key(&named(key), user)?;
        Ok(Some((certificate, key)))
    }
}
