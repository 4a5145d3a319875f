//! The TLS settings towards one server as data, and the checks of `auth_http https://…` and of `proxy_ssl`: files are read where
//! they are used.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::server::{TlsFiles, fault};
use super::unsupported;
use crate::base::{Address, Level};
use crate::config::load::mail_block::ServerBlock;
use crate::config::load::merge::Written;
use crate::config::load::report::{Report, Stop};
use crate::config::load::server::Server;
use crate::config::model::tls::Command;
use crate::config::openssl::ciphers;
use crate::config::openssl::conf_command;
use crate::config::openssl::messages::{
    authorities_text, ciphers_text, command_text, crl_text, sentence_of,
};
use crate::config::schema::modules::Scope;
use crate::config::schema::modules::proxy_ssl::{BackendTls, ProxySsl, ROWS};
use crate::config::schema::values::passwords::PassPhrases;
use crate::config::schema::values::path::NamedFile;
use crate::config::schema::values::sentence;
use crate::config::schema::values::tls::Versions;
use crate::config::syntax::source::Span;
use crate::config::{Diagnostic, TlsFile, TlsVersions};

/// What TLS as a client is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTls {
    /// What the server's certificate must be like; `None` where it is not looked at.
    pub verify: Option<Verify>,
    /// Who the server should be, a host name, or an address without brackets; `None` where each connection says it.
    pub name: Option<Box<[u8]>>,
    /// Whether the server is told that name (SNI).
    pub tells_name: bool,
    /// The certificate to show, and its key.
    pub pair: Option<(TlsFile, TlsFile)>,
    /// Pass phrases for the key.
    pub passwords: PassPhrases,
    /// The versions that may be negotiated.
    pub versions: TlsVersions,
    /// An OpenSSL cipher string.
    pub ciphers: Box<[u8]>,
    /// Commands of SSL_CONF_cmd(3), in the order written.
    pub commands: Vec<Command>,
    /// Whether sessions are resumed.
    pub reuses_sessions: bool,
}

/// What a server's certificate must be like, besides having the right name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    /// The CAs that are trusted; the system's where none are named.
    pub roots: Option<TlsFile>,
    /// How many CAs may stand between it and a trusted one.
    pub depth: usize,
    /// What was revoked.
    pub crl: Option<TlsFile>,
}

/// OpenSSL's own `depth`.
const ANY_DEPTH: usize = 100;

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
        let user = user.map_or(self.span, |written| &written.span);
        let name = match &*settings.auth_http_ssl_name {
            b"" => host(url.host.trim_ascii()),
            name => name,
        };
        let roots = self.roots(&settings.auth_http_ssl_trusted_certificate, user)?;
        let verify = settings.auth_http_ssl_verify.then_some(Verify {
            roots,
            depth: ANY_DEPTH,
            crl: None,
        });
        let pair = self.own_pair(
            named(&settings.auth_http_ssl_certificate).as_ref(),
            named(&settings.auth_http_ssl_certificate_key).as_ref(),
            "auth_http_ssl_certificate_key",
            user,
        );
        let tls = ClientTls {
            verify,
            name: Some(name.into()),
            tells_name: true,
            pair: pair?,
            passwords: PassPhrases::default(),
            versions: TlsVersions {
                tls12: true,
                tls13: true,
            },
            ciphers: b"DEFAULT".as_slice().into(),
            commands: Vec::new(),
            reuses_sessions: true,
        };
        self.world
            .check_client_tls(&tls)
            .map_err(|why| fault(sentence_of(&why, &tls.ciphers), user))?;
        Ok(Some(tls))
    }

    /// The TLS towards the backends of a server; `None` where there is none, or when something is wrong.
    ///
    /// # Errors
    /// A fault that was to be the last. They come in the order of nginx's stream module.
    pub fn backend(
        &mut self,
        block: Written<'_>,
        written: &ServerBlock,
        server: &Server,
        report: &mut Report<'_>,
    ) -> Result<Option<ClientTls>, Stop> {
        let doubts = written.doubts(block.doubt);
        let is_doubtful = ROWS.iter().any(|row| doubts.has(row.directive.name));
        if server.proxy_ssl.proxy_ssl == BackendTls::Off || is_doubtful {
            return Ok(None);
        }
        let (outer, inner) = (&block.outer.proxy_ssl, &written.scope.proxy_ssl);
        let user = inner.proxy_ssl.as_ref().or(outer.proxy_ssl.as_ref());
        let user = user.map_or(self.span, |written| &written.span);
        let made = self.towards_backend(server, user);
        if made.is_ok() {
            let named = unsupported::named_for_backends(outer, inner, &server.proxy_ssl);
            self.warn_once(named, report);
        }
        report.sift(made)
    }

    fn towards_backend(&mut self, server: &Server, user: &Span) -> Result<ClientTls, Diagnostic> {
        let ssl = &*server.proxy_ssl;
        let ciphers = &ssl.proxy_ssl_ciphers;
        ciphers::select(ciphers).map_err(|why| fault(ciphers_text(ciphers, why), user))?;
        let passwords = &ssl.proxy_ssl_password_file;
        let pair = self.own_pair(
            ssl.proxy_ssl_certificate.as_ref(),
            ssl.proxy_ssl_certificate_key.as_ref(),
            "proxy_ssl_certificate_key",
            user,
        )?;
        if let Some((certificate, key)) = &pair {
            let fits = self.world.check_pair(certificate, key, &passwords.0);
            fits.map_err(|why| fault(sentence_of(&why, ciphers), user))?;
        }
        let verify = self.backend_verify(server, user)?;
        for (name, value) in &ssl.proxy_ssl_conf_command {
            if let Some(reason) = conf_command::fault(name, value) {
                return Err(fault(command_text(name, value, &reason), user));
            }
        }
        let versions = TlsVersions {
            tls12: ssl.proxy_ssl_protocols.has(Versions::TLS12),
            tls13: ssl.proxy_ssl_protocols.has(Versions::TLS13),
        };
        if !versions.tls12 && !versions.tls13 {
            let (file, line) = (&server.file, server.line);
            let message = format!(
                "\"proxy_ssl_protocols\" leaves neither TLSv1.2 nor TLSv1.3 for server in {file}:{line}"
            );
            return Err(fault(message.into(), user));
        }
        let tls = ClientTls {
            verify,
            name: name_of(ssl),
            tells_name: ssl.proxy_ssl_server_name,
            pair,
            passwords: passwords.clone(),
            versions,
            ciphers: ciphers.clone(),
            commands: ssl.proxy_ssl_conf_command.clone(),
            reuses_sessions: ssl.proxy_ssl_session_reuse,
        };
        let checked = self.world.check_client_tls(&tls);
        checked.map_err(|why| fault(sentence_of(&why, ciphers), user))?;
        Ok(tls)
    }

    /// What the certificates of backends must be like.
    fn backend_verify(
        &mut self,
        server: &Server,
        user: &Span,
    ) -> Result<Option<Verify>, Diagnostic> {
        let ssl = &*server.proxy_ssl;
        if !ssl.proxy_ssl_verify {
            return Ok(None);
        }
        let Some(roots) = self.roots(&ssl.proxy_ssl_trusted_certificate, user)? else {
            let message = "no proxy_ssl_trusted_certificate for proxy_ssl_verify";
            return Err(fault(message.into(), user));
        };
        let crl = self.optional(&ssl.proxy_ssl_crl, user, crl_text)?;
        if let Some(upstream) = &server.proxy.proxy_pass
            && let [Address::Unix(_), ..] = &upstream.addresses[..]
            && name_of(ssl).is_none()
        {
            // A path is no name that a certificate could have.
            let begin =
                b"no \"proxy_ssl_name\" is defined for \"proxy_ssl_verify\" and upstream \"";
            return Err(fault(sentence(&[begin, &upstream.name, b"\""]), user));
        }
        Ok(Some(Verify {
            roots: Some(roots),
            depth: ssl.proxy_ssl_verify_depth,
            crl,
        }))
    }

    fn roots(&mut self, path: &Path, user: &Span) -> Result<Option<TlsFile>, Diagnostic> {
        self.optional(path, user, authorities_text)
    }

    /// A file that need not be named; `text` is what is said when it cannot be read.
    fn optional(
        &mut self,
        path: &Path,
        user: &Span,
        text: fn(&Path, &std::io::Error) -> Vec<u8>,
    ) -> Result<Option<TlsFile>, Diagnostic> {
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let file = self.file(path);
        file.map(Some)
            .map_err(|error| fault(text(path, &error), user))
    }

    /// A certificate with its key; `key_directive` names the key in nginx's sentence about a missing one.
    fn own_pair(
        &mut self,
        certificate: Option<&NamedFile>,
        key: Option<&NamedFile>,
        key_directive: &str,
        user: &Span,
    ) -> Result<Option<(TlsFile, TlsFile)>, Diagnostic> {
        let Some(certificate) = certificate else {
            return Ok(None);
        };
        let Some(key) = key else {
            let directive = key_directive.as_bytes();
            let begin = [b"no \"", directive, b"\" is defined for certificate \""].concat();
            let message = sentence(&[&begin, &certificate.written, b"\""]);
            return Err(fault(message, user));
        };
        let certificate = self.certificate(certificate, user)?;
        let key = self.key(key, user)?;
        Ok(Some((certificate, key)))
    }

    /// Warnings that are given once, however many servers inherit what they are about.
    pub(super) fn warn_once(&mut self, found: Vec<(Span, Vec<u8>)>, report: &mut Report<'_>) {
        for (span, message) in found {
            let warning = Diagnostic::new(Level::Warn, message, &span);
            if self.warned.insert(warning.text()) {
                report.warn(warning);
            }
        }
    }
}

/// A file by its path alone; no path is no file.
fn named(path: &Path) -> Option<NamedFile> {
    let written = path.as_os_str().as_bytes();
    (!written.is_empty()).then(|| NamedFile {
        written: written.into(),
        path: path.to_owned(),
    })
}

/// `proxy_ssl_name`, where it is written. As in nginx a port behind it does not count.
fn name_of(ssl: &ProxySsl) -> Option<Box<[u8]>> {
    let written = &ssl.proxy_ssl_name;
    let end = match &**written {
        [b'[', ..] => memchr::memchr(b']', written).map(|at| at + 1),
        _ => memchr::memchr(b':', written).filter(|&at| !written[at + 1..].contains(&b':')),
    };
    let name = host(&written[..end.unwrap_or(written.len())]);
    (!name.is_empty()).then(|| name.into())
}

/// A host as it stands in URLs, without the brackets of IPv6.
#[must_use]
pub fn host(host: &[u8]) -> &[u8] {
    let inside = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    inside.unwrap_or(host)
}
