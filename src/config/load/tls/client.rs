//! TLS towards other servers: the checks of `auth_http https://…` and of `proxy_ssl`. Files are read where they are used.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::files::{TlsFiles, fault};
use super::place::FileUse;
use super::unsupported;
use crate::base::Address;
use crate::config::load::merged::MergedServer;
use crate::config::load::report::{Report, Stop};
use crate::config::load::scopes::ServerLines;
use crate::config::model::{
    BackendTls, ClientTls, CommandFiles, NamedFile, ProxyPass, TlsFault, TlsFile, Verify,
    unbracketed,
};
use crate::config::openssl::{cause, ciphers, messages};
use crate::config::schema::Scope;
use crate::config::schema::modules::proxy_ssl::{ProxySsl, Rows};
use crate::config::schema::modules::{auth_http, proxy_ssl};
use crate::config::syntax::{Diagnostic, Span, message};

/// TLS towards the auth server of a server; `None` where there is none.
///
/// # Errors
/// The first missing or invalid setting.
pub fn auth_server(
    files: &mut TlsFiles<'_>,
    lines: ServerLines<'_>,
    server: &MergedServer,
) -> Result<Option<ClientTls>, Diagnostic> {
    let settings = &server.auth_http;
    let Some(url) = settings.auth_http.as_ref().filter(|url| url.tls) else {
        return Ok(None);
    };
    let user = lines.line(|scope| &scope.auth_http.auth_http);
    let user = user.map_or(files.end, |line| &line.span);
    let name = match &settings.auth_http_ssl_name {
        Some(name) => name,
        None => unbracketed(url.host.trim_ascii()),
    };
    let roots = settings.auth_http_ssl_trusted_certificate.as_deref();
    let roots = files.authorities(roots, false, user)?;
    let pair = own_pair(
        files,
        by_path(settings.auth_http_ssl_certificate.as_ref()).as_ref(),
        by_path(settings.auth_http_ssl_certificate_key.as_ref()).as_ref(),
        [
            auth_http::directives::auth_http_ssl_certificate(),
            auth_http::directives::auth_http_ssl_certificate_key(),
        ]
        .map(|directive| FileUse {
            lines,
            directive,
            user: ("auth_http", user),
        }),
    )?;
    let verify = (settings.auth_http_ssl_verify).then(|| Verify::by(roots));
    let tls = ClientTls {
        pair,
        ..ClientTls::new(name, verify)
    };
    probe(files, &tls, user)?;
    Ok(Some(tls))
}

/// TLS towards the backends of a server; `None` where there is none, or after a fault.
///
/// # Errors
/// A fault ends the loading. They come in the order of nginx's stream module.
pub fn backend(
    files: &mut TlsFiles<'_>,
    lines: ServerLines<'_>,
    server: &MergedServer,
    report: &mut Report<'_>,
) -> Result<Option<ClientTls>, Stop> {
    let mut rows = Rows::<Scope>::ROWS.iter();
    let is_tainted = rows.any(|row| lines.is_tainted(row.directive));
    if server.proxy_ssl.proxy_ssl == BackendTls::Off || is_tainted {
        return Ok(None);
    }
    let user = lines.line(|scope| &scope.proxy_ssl.proxy_ssl);
    let user = user.map_or(files.end, |line| &line.span);
    let made = towards_backend(files, server, lines, user);
    if made.is_ok() {
        unsupported::towards_backends(&mut files.unsupported, lines, &server.proxy_ssl);
    }
    report.check(made)
}

fn towards_backend(
    files: &mut TlsFiles<'_>,
    server: &MergedServer,
    lines: ServerLines<'_>,
    user: &Span,
) -> Result<ClientTls, Diagnostic> {
    let ssl = &*server.proxy_ssl;
    let usage = [
        proxy_ssl::directives::proxy_ssl_certificate(),
        proxy_ssl::directives::proxy_ssl_certificate_key(),
    ]
    .map(|directive| FileUse {
        lines,
        directive,
        user: ("proxy_ssl", user),
    });
    let ciphers = &ssl.proxy_ssl_ciphers;
    ciphers::select(ciphers).map_err(|why| fault(messages::ciphers(ciphers, why), user))?;
    let pair = own_pair(
        files,
        ssl.proxy_ssl_certificate.as_ref(),
        ssl.proxy_ssl_certificate_key.as_ref(),
        usage,
    )?;
    if let Some((certificate, key)) = &pair
        && !files.is_denied(certificate)
        && !files.is_denied(key)
    {
        let passwords = ssl.proxy_ssl_password_file.reveal();
        let probed = files.world.check_pair(certificate, key, passwords);
        probed.map_err(|why| {
            let mut fault = fault(messages::probed(&why, ciphers), user);
            if let Some(cause) = cause::of_probe(&why, !passwords.is_empty()) {
                fault = fault.with_help(cause);
            }
            match why {
                TlsFault::Certificate(path) | TlsFault::SmallKey(path) => {
                    files.placed(fault, &path, usage[0])
                }
                _ => files.placed(fault, &key.path, usage[1]),
            }
        })?;
    }
    let verify = backend_verify(files, server, user)?;
    let mut command_files = CommandFiles::default();
    for command in &ssl.proxy_ssl_conf_command {
        files.command(command, &mut command_files, user)?;
    }
    let tls = ClientTls {
        verify,
        name: name_of(ssl),
        tells_name: ssl.proxy_ssl_server_name,
        pair,
        passwords: ssl.proxy_ssl_password_file.clone(),
        versions: ssl.proxy_ssl_protocols.into(),
        ciphers: ciphers.clone(),
        commands: ssl.proxy_ssl_conf_command.clone(),
        command_files,
        reuses_sessions: ssl.proxy_ssl_session_reuse,
    };
    probe(files, &tls, user)?;
    Ok(tls)
}

/// How the certificates of backends are verified.
fn backend_verify(
    files: &mut TlsFiles<'_>,
    server: &MergedServer,
    user: &Span,
) -> Result<Option<Verify>, Diagnostic> {
    let ssl = &*server.proxy_ssl;
    if !ssl.proxy_ssl_verify {
        return Ok(None);
    }
    let roots = ssl.proxy_ssl_trusted_certificate.as_deref();
    let Some(roots) = files.authorities(roots, false, user)? else {
        let message = "no proxy_ssl_trusted_certificate for proxy_ssl_verify";
        return Err(fault(message.into(), user));
    };
    let crl = files.optional(ssl.proxy_ssl_crl.as_deref(), messages::crl, user)?;
    if let Some(ProxyPass::Upstream(upstream)) = &server.proxy_pass
        && upstream
            .group
            .addresses()
            .any(|address| matches!(address, Address::Unix(_)))
        && name_of(ssl).is_none()
    {
        // No certificate has the path of a socket as its name.
        let begin = "no \"proxy_ssl_name\" is defined for \"proxy_ssl_verify\" and upstream \"";
        return Err(fault(message!(begin, upstream.name, "\""), user));
    }
    Ok(Some(Verify {
        roots: Some(roots),
        depth: ssl.proxy_ssl_verify_depth,
        crl,
    }))
}

/// Checks the material with the TLS library.
fn probe(files: &TlsFiles<'_>, tls: &ClientTls, user: &Span) -> Result<(), Diagnostic> {
    let pair = tls
        .pair
        .iter()
        .flat_map(|(certificate, key)| [certificate, key]);
    let verify = tls
        .verify
        .iter()
        .flat_map(|verify| verify.roots.iter().chain(&verify.crl));
    if pair.chain(verify).any(|file| files.is_denied(file)) {
        return Ok(());
    }
    let probed = files.world.check_client_tls(tls);
    probed.map_err(|why| fault(messages::probed(&why, &tls.ciphers), user))
}

/// The certificate to present, with its key. `usage` is that of either; nginx's sentence about a missing key names its directive.
fn own_pair(
    files: &mut TlsFiles<'_>,
    certificate: Option<&NamedFile>,
    key: Option<&NamedFile>,
    usage: [FileUse<'_>; 2],
) -> Result<Option<(TlsFile, TlsFile)>, Diagnostic> {
    let Some(certificate) = certificate else {
        return Ok(None);
    };
    let (_, user) = usage[0].user;
    let Some(key) = key else {
        let (name, written) = (usage[1].directive.name, &certificate.written);
        let middle = "\" is defined for certificate \"";
        return Err(fault(message!("no \"", name, middle, written, "\""), user));
    };
    let read = files.certificate(certificate, user);
    let own = read.map_err(|why| files.placed(why, &certificate.path, usage[0]))?;
    let read = files.key(key, user);
    let key = read.map_err(|why| files.placed(why, &key.path, usage[1]))?;
    Ok(Some((own, key)))
}

/// A file as its absolute path names it.
fn by_path(path: Option<&PathBuf>) -> Option<NamedFile> {
    path.map(|path| NamedFile {
        written: path.as_os_str().as_bytes().into(),
        path: path.clone(),
    })
}

/// `proxy_ssl_name`, where it is written. As in nginx, a port after the name is ignored.
fn name_of(ssl: &ProxySsl) -> Option<Box<[u8]>> {
    let written = ssl.proxy_ssl_name.as_deref()?;
    let end = match written {
        [b'[', ..] => memchr::memchr(b']', written).map(|at| at + 1),
        _ => memchr::memchr(b':', written).filter(|&at| !written[at + 1..].contains(&b':')),
    };
    let name = unbracketed(&written[..end.unwrap_or(written.len())]);
    (!name.is_empty()).then(|| name.into())
}
