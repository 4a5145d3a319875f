//! Warnings about settings accepted but never negotiated: old versions of TLS, suites and groups that are not supported, DH
//! parameters.

use crate::base::Level;
use crate::config::load::scopes::ServerLines;
use crate::config::openssl::{ciphers, groups, unsupported};
use crate::config::schema::modules::{ProxySsl, Ssl};
use crate::config::syntax::{Diagnostic, Span, Spanned, message};

/// Warnings about the TLS settings towards clients.
pub fn towards_clients(lines: ServerLines<'_>, ssl: &Ssl) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let versions = ssl.ssl_protocols.unsupported();
    warn(
        &mut found,
        lines.line(|scope| &scope.ssl.ssl_protocols),
        versions,
    );
    let suites = ciphers::unsupported(&ssl.ssl_ciphers);
    warn(
        &mut found,
        lines.line(|scope| &scope.ssl.ssl_ciphers),
        suites,
    );
    let dhparam = ssl.ssl_dhparam.as_ref().map(|_| "ssl_dhparam");
    warn(
        &mut found,
        lines.line(|scope| &scope.ssl.ssl_dhparam),
        dhparam,
    );
    let curves = groups::unsupported(&ssl.ssl_ecdh_curve);
    warn(
        &mut found,
        lines.line(|scope| &scope.ssl.ssl_ecdh_curve),
        curves,
    );
    let commands = ssl.ssl_conf_command.iter();
    let names = commands.flat_map(|(name, value)| unsupported::in_command(name, value));
    warn(
        &mut found,
        lines.line(|scope| &scope.ssl.ssl_conf_command),
        names,
    );
    found
}

/// Warnings about the TLS settings towards backends.
pub fn towards_backends(lines: ServerLines<'_>, ssl: &ProxySsl) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let line = lines.line(|scope| &scope.proxy_ssl.proxy_ssl_protocols);
    warn(&mut found, line, ssl.proxy_ssl_protocols.unsupported());
    let line = lines.line(|scope| &scope.proxy_ssl.proxy_ssl_ciphers);
    warn(
        &mut found,
        line,
        ciphers::unsupported(&ssl.proxy_ssl_ciphers),
    );
    let commands = ssl.proxy_ssl_conf_command.iter();
    let names = commands.flat_map(|(name, value)| unsupported::in_command(name, value));
    let line = lines.line(|scope| &scope.proxy_ssl.proxy_ssl_conf_command);
    warn(&mut found, line, names);
    found
}

/// A warning for each name, with the position of the line that has it; a default has none.
fn warn<T>(
    found: &mut Vec<Diagnostic>,
    line: Option<&Spanned<T>>,
    names: impl IntoIterator<Item: AsRef<[u8]>>,
) {
    let span = line.map_or_else(Span::nowhere, |line| line.span.clone());
    found.extend(names.into_iter().map(|name| {
        let message = message!("\"", name, "\" is never negotiated, ignored");
        Diagnostic::new(Level::Warn, message, &span)
    }));
}
