//! The end of `mail {}`: inheritance, and the checks of each server. Module by module and then server by server, as in nginx, so
//! that the first fault is the same.

use std::sync::Arc;

use super::groups::Groups;
use super::limits;
use super::merged::{MergedServer, Outer};
use super::messages::about_server;
use super::relay;
use super::report::{Report, Stop};
use super::scopes::ServerLines;
use super::server::ProtocolSettings;
use super::tls::files::TlsFiles;
use super::tls::{client, server};
use super::written::Written;
use crate::base::Level;
use crate::config::model::{Method, ProxyProtocol, World};
use crate::config::schema::Scope;
use crate::config::schema::modules::{auth_http, mail, proxy};
use crate::config::syntax::{Diagnostic, Lint, Span};

/// Merges the servers of `mail {}`. `written` has its lines, `end` is its `}`, where nginx's own messages point.
pub fn merge(
    world: &dyn World,
    outer: &Scope,
    servers: &[ServerLines<'_>],
    (written, end): (&Written, &Span),
    groups: Groups,
    report: &mut Report<'_>,
) -> Result<Vec<MergedServer>, Stop> {
    limits::warn_of_unshared(&outer.limit, report);
    let inherited = Outer::new(outer, groups);
    let mut merged = Vec::with_capacity(servers.len());
    for lines in servers {
        match lines.inner.mail.protocol_in_force() {
            Some(protocol) => merged.push((*lines, inherited.server(world, *lines, protocol))),
            None if lines.inner.mail.listen.is_none() => {}
            None if lines.is_tainted(mail::directives::protocol()) => {}
            None => report.fault(about_server(lines.span, "unknown mail protocol"))?,
        }
    }
    let mut files = TlsFiles::new(world, written, end);
    for (lines, merged) in &mut merged {
        let material = server::material(&mut files, *lines, merged, report)?;
        merged.tls = material.map(Arc::new);
    }
    for (lines, merged) in &mut merged {
        let tls = client::auth_server(&mut files, *lines, merged);
        merged.auth_tls = report.check(tls)?.flatten();
    }
    for (lines, merged) in &mut merged {
        merged.backend_tls = client::backend(&mut files, *lines, merged, report)?;
    }
    files.warn_of_unsupported(report);
    files.warn_of_denied(report);
    check_authenticators(servers, report)?;
    for (lines, merged) in &merged {
        warn_of_apop(lines.span, merged, report);
        warn_of_scram(lines.span, merged, report);
        relay::warn(*lines, merged, report);
        relay::warn_of_bare_newlines(*lines, merged, report);
    }
    warn_of_tlvs(outer, &merged, report);
    Ok(merged.into_iter().map(|(_, merged)| merged).collect())
}

/// Warns about lines of `proxy_protocol_tlv` that no server uses.
fn warn_of_tlvs(
    outer: &Scope,
    servers: &[(ServerLines<'_>, MergedServer)],
    report: &mut Report<'_>,
) {
    let sends = |server: &MergedServer| server.proxy.proxy_protocol == ProxyProtocol::V2;
    let unused = servers.iter().filter(|(_, server)| !sends(server));
    let unused = unused.filter_map(|(lines, _)| lines.inner.proxy.proxy_protocol_tlv.as_ref());
    let inherits = |(lines, _): &&(ServerLines<'_>, MergedServer)| {
        lines.inner.proxy.proxy_protocol_tlv.is_none()
    };
    let heirs: Vec<_> = servers.iter().filter(inherits).collect();
    let is_unused = !heirs.is_empty() && !heirs.iter().any(|(_, server)| sends(server));
    let inherited = outer.proxy.proxy_protocol_tlv.as_ref();
    for line in unused.chain(inherited.filter(|_| is_unused)) {
        let message = "\"proxy_protocol_tlv\" has no effect without \"proxy_protocol v2\"";
        let warning = Diagnostic::new(Level::Warn, message, &line.span);
        report.warn(warning.named(Lint::NoEffect));
    }
}

/// Checks that every server has `auth_http` or `proxy_pass`.
fn check_authenticators(servers: &[ServerLines<'_>], report: &mut Report<'_>) -> Result<(), Stop> {
    let directives = [
        auth_http::directives::auth_http(),
        proxy::directives::proxy_pass(),
    ];
    for lines in servers {
        let has_auth_server = lines.line(|scope| &scope.auth_http.auth_http).is_some();
        let has_backend = lines.line(|scope| &scope.proxy.proxy_pass).is_some();
        let is_tainted = directives.iter().any(|one| lines.is_tainted(one));
        if !has_auth_server && !has_backend && !is_tainted {
            let fault = about_server(lines.span, "no \"auth_http\" is defined");
            let hint = "a server needs `auth_http URL;`, or `proxy_pass host:port;` if the backend itself checks logins";
            report.fault(fault.with_help(hint))?;
        }
    }
    Ok(())
}

/// Warns about APOP without an auth server: the greeting carries the challenge, and is sent before a backend is connected.
fn warn_of_apop(span: &Span, server: &MergedServer, report: &mut Report<'_>) {
    let ProtocolSettings::Pop3(pop3) = &server.settings else {
        return;
    };
    if pop3.pop3_auth.has(Method::Apop) && server.auth_http.auth_http.is_none() {
        let text = "\"apop\" is not offered without \"auth_http\"";
        warn_once("pop3_auth", span, text, report);
    }
}

/// Warns about SCRAM with an auth server, which can neither make nor check its messages.
fn warn_of_scram(span: &Span, server: &MergedServer, report: &mut Report<'_>) {
    let methods = server.settings.methods();
    if server.auth_http.auth_http.is_none() {
        return;
    }
    for (method, text) in [
        (
            Method::ScramSha1,
            "\"scram-sha-1\" is not offered with \"auth_http\"",
        ),
        (
            Method::ScramSha256,
            "\"scram-sha-256\" is not offered with \"auth_http\"",
        ),
    ] {
        if methods.has(method) {
            warn_once(text, span, text, report);
        }
    }
}

fn warn_once(key: &'static str, span: &Span, text: &str, report: &mut Report<'_>) {
    let warning = about_server(span, text);
    let warning = Diagnostic {
        level: Level::Warn,
        ..warning.named(Lint::Unsupported)
    };
    report.warn_once(key, warning);
}
