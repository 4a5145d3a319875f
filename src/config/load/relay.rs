//! The warning about an open relay: clients that send without a login, and a backend that sees the address of the gateway instead of
//! theirs.

use std::net::IpAddr;

use super::merged::MergedServer;
use super::report::Report;
use super::scopes::ServerLines;
use super::server::ProtocolSettings;
use crate::base::{Address, Level};
use crate::config::model::{Method, ProxyProtocol, Xclient};
use crate::config::syntax::{Diagnostic, Lint};

/// Warns about a server on a public address that may be an open relay.
pub fn warn(lines: ServerLines<'_>, server: &MergedServer, report: &mut Report<'_>) {
    let ProtocolSettings::Smtp(smtp) = &server.settings else {
        return;
    };
    let addresses = server
        .mail
        .listen
        .iter()
        .flat_map(|listen| &listen.addresses);
    let is_public = addresses.into_iter().any(is_public);
    let has_header = server.proxy.proxy_protocol != ProxyProtocol::Off;
    if !smtp.smtp_auth.has(Method::None) || !is_public || has_header {
        return;
    }
    let by_backend = server.auth_http.auth_http.is_none();
    let (sees, cure) = match (server.proxy.xclient, by_backend) {
        (Xclient::Off, _) => (
            "the backend sees every client under the gateway's address",
            "\"xclient on\"",
        ),
        (Xclient::On, true) | (Xclient::Announced, _) => (
            "a backend that does not accept XCLIENT sees every client under the gateway's address",
            "permission for XCLIENT at the backend",
        ),
        // XCLIENT is sent in any case, and its refusal ends the session.
        (Xclient::On, false) => return,
    };
    let message = format!(
        "a client may send without a login (\"smtp_auth none\"), and {sees}: a backend that trusts that address relays for the whole \
         internet; the cures are {cure} and \"proxy_protocol on\""
    );
    let line = lines.line(|scope| &scope.smtp.smtp_auth);
    let span = line.map_or(lines.span, |line| &line.span);
    let warning = Diagnostic::new(Level::Warn, message, span);
    report.warn_once("smtp_auth", warning.named(Lint::Relay));
}

/// Warns about a server on port 25 whose clients need no login and whose messages pass unread. A configuration of nginx never
/// gets this warning: it has `auth_http`.
pub fn warn_of_bare_newlines(
    lines: ServerLines<'_>,
    server: &MergedServer,
    report: &mut Report<'_>,
) {
    let ProtocolSettings::Smtp(smtp) = &server.settings else {
        return;
    };
    let is_chosen = lines.line(|scope| &scope.smtp.smtp_bare_newline).is_some();
    let has_auth_server = server.auth_http.auth_http.is_some();
    let listens = server.mail.listen.iter();
    let addresses = listens.flat_map(|listen| &listen.addresses);
    let is_smtp = |address: &Address| matches!(address, Address::Inet(inet) if inet.port() == 25);
    let is_open = addresses
        .into_iter()
        .any(|one| is_smtp(one) && is_public(one));
    if is_chosen || has_auth_server || !smtp.smtp_auth.has(Method::None) || !is_open {
        return;
    }
    let message = "a client may send without a login, and a message with bare CR or LF may end in one place for this mail server and \
                   in another for the next one (SMTP smuggling): choose \"smtp_bare_newline normalize\", \"reject\" or \"pass\"";
    let line = lines.line(|scope| &scope.smtp.smtp_auth);
    let span = line.map_or(lines.span, |line| &line.span);
    let warning = Diagnostic::new(Level::Warn, message, span);
    report.warn_once("smtp_bare_newline", warning.named(Lint::BareNewline));
}

/// Whether clients from outside may reach an address. A wildcard counts: the machine may have public addresses.
fn is_public(address: &Address) -> bool {
    let Address::Inet(inet) = address else {
        return false;
    };
    match inet.ip().to_canonical() {
        IpAddr::V4(ip) => !(ip.is_loopback() || ip.is_private() || ip.is_link_local()),
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;
    use crate::base::Address;

    #[test]
    fn public_addresses() {
        let is_public = |text: &str| is_public(&Address::Inet(text.parse().expect(text)));
        for text in [
            "0.0.0.0:25",
            "[::]:25",
            "192.0.2.1:25",
            "[2001:db8::1]:25",
            "172.32.0.1:25",
        ] {
            assert!(is_public(text), "{text}");
        }
        let private = [
            "127.0.0.1:25",
            "[::1]:25",
            "10.0.0.1:25",
            "172.16.0.1:25",
            "192.168.1.1:25",
            "169.254.0.1:25",
            "[fd00::1]:25",
            "[fe80::1]:25",
            "[::ffff:10.0.0.1]:25",
        ];
        for text in private {
            assert!(!is_public(text), "{text}");
        }
        assert!(!super::is_public(&Address::Unix("/x".into())));
    }
}
