//! The end of `mail {}`: what holds in each server. Module by module and then server by server, as nginx goes, so that the first
//! fault is nginx's.

use std::sync::Arc;

use super::mail_block::ServerBlock;
use super::modules::{Scope, auth_http, imap, mail, pop3, proxy, realip, smtp, ssl};
use super::server::Server;
use super::source::Place;
use super::tls_check::TlsFiles;
use super::{Diagnostic, Level, Protocol, World};

/// Merges the servers of a block that is closed at `place`.
///
/// # Errors
/// The first fault.
pub fn merge(
    world: &dyn World,
    outer: &Scope,
    blocks: &[ServerBlock],
    place: &Place,
) -> Result<Vec<Server>, Diagnostic> {
    let protocols = blocks
        .iter()
        .map(protocol)
        .collect::<Result<Vec<Protocol>, Diagnostic>>()?;
    let mut servers: Vec<Server> = blocks
        .iter()
        .zip(protocols)
        .map(|(block, protocol)| server(world, outer, block, protocol))
        .collect();
    let mut files = TlsFiles::new(world, place);
    for (server, block) in servers.iter_mut().zip(blocks) {
        server.tls = files.material(outer, block, server)?;
    }
    for (server, block) in servers.iter_mut().zip(blocks) {
        server.auth_tls = files.auth_server(outer, block, server)?;
    }
    for (server, block) in servers.iter().zip(blocks) {
        if server.auth_http.auth_http.is_none() && server.proxy.proxy_pass.is_none() {
            return Err(about(&block.place, "no \"auth_http\" is defined"));
        }
    }
    Ok(servers)
}

/// nginx's sentences about a server as a whole: `… for server in FILE:LINE`.
#[must_use]
pub fn about(place: &Place, what: &str) -> Diagnostic {
    let message = format!("{what} for server in {}:{}", place.source.name, place.line);
    Diagnostic {
        place: Some(place.clone()),
        ..Diagnostic::bare(Level::Emerg, message)
    }
}

fn protocol(block: &ServerBlock) -> Result<Protocol, Diagnostic> {
    block
        .scope
        .mail
        .protocol_in_force()
        .ok_or_else(|| about(&block.place, "unknown mail protocol"))
}

fn server(world: &dyn World, outer: &Scope, block: &ServerBlock, protocol: Protocol) -> Server {
    let inner = &block.scope;
    let mut mail = mail::Mail::merge(&outer.mail, &inner.mail);
    if mail.server_name.is_empty() {
        mail.server_name = world.host_name().into_bytes().into();
    }
    let mut proxy = proxy::Proxy::merge(&outer.proxy, &inner.proxy);
    proxy.proxy_pass = proxy
        .proxy_pass
        .map(|upstream| upstream.with_default_port(protocol.port()));
    Server {
        protocol,
        file: Arc::clone(&block.place.source.name),
        line: block.place.line,
        mail,
        ssl: ssl::Ssl::merge(&outer.ssl, &inner.ssl),
        tls: None,
        auth_tls: None,
        realip: realip::Realip::merge(&outer.realip, &inner.realip),
        auth_http: auth_http::AuthHttp::merge(&outer.auth_http, &inner.auth_http),
        proxy,
        smtp: smtp::Smtp::merge(&outer.smtp, &inner.smtp),
        imap: imap::Imap::merge(&outer.imap, &inner.imap),
        pop3: pop3::Pop3::merge(&outer.pop3, &inner.pop3),
    }
}
