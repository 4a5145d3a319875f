//! TLS towards clients: reads the files, and makes nginx's checks in nginx's order.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::files::{TlsFiles, fault};
use super::place::FileUse;
use super::unsupported;
use crate::config::load::merged::MergedServer;
use crate::config::load::report::{Report, Stop};
use crate::config::load::scopes::ServerLines;
use crate::config::model::{CommandFiles, StartTls, TlsFault, TlsFile, TlsMaterial, VerifyClient};
use crate::config::openssl::{cause, ciphers, groups, messages, pem};
use crate::config::schema::modules::ssl::{Ssl, directives};
use crate::config::schema::{Directive, Scope};
use crate::config::syntax::{Diagnostic, Span, message};

/// The TLS material of a server; `None` when it uses no TLS, or after a fault.
pub fn material(
    files: &mut TlsFiles<'_>,
    lines: ServerLines<'_>,
    server: &MergedServer,
    report: &mut Report<'_>,
) -> Result<Option<TlsMaterial>, Stop> {
    let ssl = &*server.ssl;
    let Some((directive_of_tls, user)) = tls_user(lines, ssl) else {
        return Ok(None);
    };
    let is_tainted = lines.is_tainted(directives::ssl_certificate())
        || lines.is_tainted(directives::ssl_certificate_key());
    if !is_tainted
        && report
            .check(check_named(ssl, directive_of_tls, user))?
            .is_none()
    {
        return Ok(None);
    }
    let passed_over = files.passed_over();
    if let Err(why) = ciphers::select(&ssl.ssl_ciphers) {
        report.fault(fault(messages::ciphers(&ssl.ssl_ciphers, why), user))?;
    }
    let usage = |directive| FileUse {
        lines,
        directive,
        user: (directive_of_tls, user),
    };
    let pairs = match is_tainted || lines.is_tainted(directives::ssl_password_file()) {
        true => Vec::new(),
        false => pairs(files, ssl, &usage, report)?,
    };
    let client = client_files(files, ssl, lines, &usage, report)?;
    let dhparam = check_dhparam(files, ssl, user);
    let dhparam = dhparam.map_err(|why| match &ssl.ssl_dhparam {
        Some(path) => files.placed(why, path, usage(directives::ssl_dhparam())),
        None => why,
    });
    report.check(dhparam)?;
    let curves = &ssl.ssl_ecdh_curve;
    if **curves != *b"auto"
        && let Some(reason) = groups::fault(curves)
    {
        report.fault(fault(messages::curves(curves, &reason), user))?;
    }
    let mut ticket_keys = Vec::new();
    for named in &ssl.ssl_session_ticket_key {
        let key = files.ticket_key(&named.path);
        let of_ticket = usage(directives::ssl_session_ticket_key());
        let key = key.map_err(|why| Diagnostic {
            // nginx's message ends in the `}` of `mail {}`.
            span: why.span.clone(),
            ..files.placed(why, &named.path, of_ticket)
        });
        ticket_keys.extend(report.check(key)?);
    }
    let mut command_files = CommandFiles::default();
    for command in &ssl.ssl_conf_command {
        let read = files.command(command, &mut command_files, user);
        let path = Path::new(OsStr::from_bytes(&command.1));
        let of_command = usage(directives::ssl_conf_command());
        report.check(read.map_err(|why| files.placed(why, path, of_command)))?;
    }
    if report.has_faults() {
        return Ok(None);
    }
    let material = TlsMaterial {
        pairs,
        protocols: ssl.ssl_protocols.into(),
        ciphers: ssl.ssl_ciphers.clone(),
        curves: ssl.ssl_ecdh_curve.clone(),
        prefer_server_ciphers: ssl.ssl_prefer_server_ciphers,
        certificate_compression: ssl.ssl_certificate_compression,
        commands: ssl.ssl_conf_command.clone(),
        command_files,
        session_cache: ssl.ssl_session_cache.clone(),
        session_tickets: ssl.ssl_session_tickets,
        ticket_keys,
        session_timeout: ssl.ssl_session_timeout,
        verify_client: ssl.ssl_verify_client,
        verify_depth: ssl.ssl_verify_depth,
        client_cas: client.named_cas,
        trusted_cas: client.trusted_cas,
        crl: client.crl,
        passwords: ssl.ssl_password_file.clone(),
        protocol: server.settings.protocol(),
        alpn: ssl.ssl_alpn,
    };
    unsupported::towards_clients(&mut files.unsupported, lines, ssl);
    let named = server.mail.server_name.as_deref();
    let warnings = pair_warnings(files, named, &material.pairs, &usage);
    files.warn_once_a_file(warnings, report);
    if files.passed_over() > passed_over {
        return Ok(Some(material));
    }
    let probed = files.world.check_tls(&material);
    report.check(probed.map_err(|why| fault(messages::probed(&why, &ssl.ssl_ciphers), user)))?;
    Ok(Some(material))
}

/// The certificates with their keys, without those that have a fault.
fn pairs<'a>(
    files: &mut TlsFiles<'_>,
    ssl: &Ssl,
    usage: &dyn Fn(&'static Directive) -> FileUse<'a>,
    report: &mut Report<'_>,
) -> Result<Vec<(TlsFile, TlsFile)>, Stop> {
    let passwords = ssl.ssl_password_file.reveal();
    let of_certificate = usage(directives::ssl_certificate());
    let of_key = usage(directives::ssl_certificate_key());
    let (_, user) = of_key.user;
    let mut pairs = Vec::new();
    for (named, named_key) in ssl.ssl_certificate.iter().zip(&ssl.ssl_certificate_key) {
        let certificate = files.certificate(named, user);
        let certificate = certificate.map_err(|why| files.placed(why, &named.path, of_certificate));
        let certificate = report.check(certificate)?;
        let key = files.key(named_key, user);
        let key = key.map_err(|why| files.placed(why, &named_key.path, of_key));
        let key = report.check(key)?;
        let (Some(certificate), Some(key)) = (certificate, key) else {
            continue;
        };
        if !files.is_denied(&certificate) && !files.is_denied(&key) {
            let probed = files.world.check_pair(&certificate, &key, passwords);
            let probed = probed.map_err(|why| {
                let mut fault = fault(messages::probed(&why, &ssl.ssl_ciphers), user);
                if let Some(cause) = cause::of_probe(&why, !passwords.is_empty()) {
                    fault = fault.with_help(cause);
                }
                match why {
                    TlsFault::Certificate(_) | TlsFault::SmallKey(_) => {
                        files.placed(fault, &named.path, of_certificate)
                    }
                    _ => files.placed(fault, &named_key.path, of_key),
                }
            });
            report.check(probed)?;
        }
        pairs.push((certificate, key));
    }
    Ok(pairs)
}

/// Warnings about the certificates and keys of a server. `server_name` is that of the configuration, not of the machine.
fn pair_warnings<'a>(
    files: &TlsFiles<'_>,
    server_name: Option<&[u8]>,
    pairs: &[(TlsFile, TlsFile)],
    usage: &dyn Fn(&'static Directive) -> FileUse<'a>,
) -> Vec<Diagnostic> {
    let of_certificate = usage(directives::ssl_certificate());
    let of_key = usage(directives::ssl_certificate_key());
    let mut warnings = Vec::new();
    let warns_of = |file: &TlsFile| files.world.warns_of(&file.path);
    for (certificate, key) in pairs {
        if warns_of(certificate) {
            warnings.extend(files.validity(certificate, of_certificate));
        }
        if warns_of(key) {
            warnings.extend(files.readable(key, of_key));
        }
    }
    // Where only some have changed, the others may be for the name.
    let certificates: Vec<&TlsFile> = pairs.iter().map(|(certificate, _)| certificate).collect();
    if certificates.iter().all(|certificate| warns_of(certificate)) {
        let named = server_name.and_then(|name| files.name(name, &certificates, of_certificate));
        warnings.extend(named);
    }
    warnings
}

/// The files that client certificates are verified with.
#[derive(Default)]
struct ClientFiles {
    named_cas: Option<TlsFile>,
    trusted_cas: Option<TlsFile>,
    crl: Option<TlsFile>,
}

/// Reads them, where client certificates are requested.
fn client_files<'a>(
    files: &mut TlsFiles<'_>,
    ssl: &Ssl,
    lines: ServerLines<'_>,
    usage: &dyn Fn(&'static Directive) -> FileUse<'a>,
    report: &mut Report<'_>,
) -> Result<ClientFiles, Stop> {
    if ssl.ssl_verify_client == VerifyClient::Off {
        return Ok(ClientFiles::default());
    }
    let (_, user) = usage(directives::ssl_client_certificate()).user;
    let named = ssl.ssl_client_certificate.as_deref();
    let trusted = ssl.ssl_trusted_certificate.as_deref();
    let is_tainted = lines.is_tainted(directives::ssl_client_certificate())
        || lines.is_tainted(directives::ssl_trusted_certificate());
    let needs_cas = ssl.ssl_verify_client != VerifyClient::OptionalNoCa;
    if named.is_none() && trusted.is_none() && !is_tainted && needs_cas {
        let message = "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client";
        report.fault(fault(message.into(), user))?;
    }
    let mut placed = |files: &TlsFiles<'_>, read: Result<_, _>, path: Option<&Path>, directive| {
        let path = path.unwrap_or(Path::new(""));
        let read = read.map_err(|why| files.placed(why, path, usage(directive)));
        Ok(report.check(read)?.flatten())
    };
    let named_cas = files.authorities(named, true, user);
    let named_cas = placed(
        files,
        named_cas,
        named,
        directives::ssl_client_certificate(),
    )?;
    let trusted_cas = files.authorities(trusted, false, user);
    let trusted_cas = placed(
        files,
        trusted_cas,
        trusted,
        directives::ssl_trusted_certificate(),
    )?;
    let crl = ssl.ssl_crl.as_deref();
    let lists = files.optional(crl, messages::crl, user);
    Ok(ClientFiles {
        named_cas,
        trusted_cas,
        crl: placed(files, lists, crl, directives::ssl_crl())?,
    })
}

/// DH parameters are never used. Like nginx, the gateway refuses a file that has none.
fn check_dhparam(files: &mut TlsFiles<'_>, ssl: &Ssl, user: &Span) -> Result<(), Diagnostic> {
    let path = ssl.ssl_dhparam.as_deref();
    let file = files.optional(path, messages::file, user)?;
    let file = file.filter(|file| !files.is_denied(file));
    match file.and_then(|file| Some((pem::dhparam_fault(&file.bytes)?, file.path))) {
        Some((reason, path)) => Err(fault(messages::dhparam(&path, reason), user)),
        None => Ok(()),
    }
}

/// The directive that makes the server use TLS, and its position.
fn tls_user<'a>(lines: ServerLines<'a>, ssl: &Ssl) -> Option<(&'static str, &'a Span)> {
    let listens = lines.inner.mail.listen.iter();
    let mut listens = listens.flat_map(|line| &line.value).rev();
    if let Some(listen) = listens.find(|listen| listen.ssl) {
        return Some(("listen ... ssl", &listen.span));
    }
    let last = |scope: &'a Scope| {
        let starttls = scope.ssl.starttls.as_ref().map(|line| &line.span);
        let on = scope.ssl.ssl.as_ref().map(|line| &line.span);
        let both = starttls.into_iter().chain(on);
        both.reduce(|a, b| match (a.line, a.start) > (b.line, b.start) {
            true => a,
            false => b,
        })
    };
    let span = last(lines.inner).or_else(|| last(lines.outer))?;
    match ssl.ssl {
        true => Some(("ssl", span)),
        false => (ssl.starttls != StartTls::Off).then_some(("starttls", span)),
    }
}

/// Reports a missing `ssl_certificate` or `ssl_certificate_key`.
fn check_named(ssl: &Ssl, directive: &str, user: &Span) -> Result<(), Diagnostic> {
    let end = format!("the \"{directive}\" directive in {user}");
    let (certificates, keys) = (&ssl.ssl_certificate, &ssl.ssl_certificate_key);
    let message = match certificates.last() {
        None => message!("no \"ssl_certificate\" is defined for ", end),
        Some(_) if keys.is_empty() => {
            message!("no \"ssl_certificate_key\" is defined for ", end)
        }
        Some(last) if keys.len() < certificates.len() => {
            let begin = "no \"ssl_certificate_key\" is defined for certificate \"";
            message!(begin, last.written, "\" and ", end)
        }
        Some(_) => return Ok(()),
    };
    Err(fault(message, user))
}
