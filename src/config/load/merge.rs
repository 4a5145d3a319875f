//! The end of `mail {}`: what holds in each server. Module by module and then server by server, as nginx goes, so that the first
//! fault is nginx's.

use std::sync::Arc;

use super::mail_block::ServerBlock;
use super::report::{Report, Stop};
use super::server::Server;
use super::tainted::Doubt;
use super::tls::server::TlsFiles;
use crate::base::{Level, Protocol};
use crate::config::schema::modules::{
    Scope, auth_http, imap, mail, pop3, proxy, proxy_ssl, realip, smtp, ssl,
};
use crate::config::schema::sparse::{Nothing, Sparse};
use crate::config::syntax::source::Span;
use crate::config::{Diagnostic, Method, World};

/// `mail {}` as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Outside the servers.
    pub outer: &'a Scope,
    /// What went wrong there.
    pub doubt: &'a Doubt,
    /// Its servers.
    pub servers: &'a [ServerBlock],
    /// The `}`, where nginx's own messages point.
    pub end: &'a Span,
}

/// Merges the servers of a block.
///
/// # Errors
/// A fault that was to be the last.
pub fn merge(
    world: &dyn World,
    block: Written<'_>,
    report: &mut Report<'_>,
) -> Result<Vec<Server>, Stop> {
    let mut known = Vec::with_capacity(block.servers.len());
    for written in block.servers {
        match written.scope.mail.protocol_in_force() {
            Some(protocol) => known.push((written, protocol)),
            None if written.scope.mail.listen.is_none() => {}
            None if written.doubts(block.doubt).has("protocol") => {}
            None => report.fault(about(&written.span, "unknown mail protocol"))?,
        }
    }
    let inherited = Inherited::from(block.outer);
    let servers = known
        .iter()
        .map(|(written, protocol)| inherited.server(world, written, *protocol));
    let mut servers: Vec<Server> = servers.collect();
    let mut files = TlsFiles::new(world, block.end);
    for (server, (written, _)) in servers.iter_mut().zip(&known) {
        server.tls = files.material(block, written, server, report)?;
    }
    for (server, (written, _)) in servers.iter_mut().zip(&known) {
        let towards = files.auth_server(block.outer, written, server);
        server.auth_tls = report.sift(towards)?.flatten();
    }
    for (server, (written, _)) in servers.iter_mut().zip(&known) {
        server.backend_tls = files.backend(block, written, server, report)?;
    }
    for written in block.servers {
        let doubts = written.doubts(block.doubt);
        let scopes = [block.outer, &written.scope];
        let nobody = scopes
            .iter()
            .all(|scope| scope.auth_http.auth_http.is_none() && scope.proxy.proxy_pass.is_none());
        if nobody && !doubts.has("auth_http") && !doubts.has("proxy_pass") {
            report.fault(about(&written.span, "no \"auth_http\" is defined"))?;
        }
    }
    for (server, (written, _)) in servers.iter().zip(&known) {
        if let Some(what) = unused(server) {
            let note = about(&written.span, what);
            report.warn(Diagnostic {
                level: Level::Warn,
                ..note
            });
        }
    }
    Ok(servers)
}

/// What is written for a server and cannot work there.
fn unused(server: &Server) -> Option<&'static str> {
    let apop = server.protocol == Protocol::Pop3 && server.pop3.pop3_auth.has(Method::Apop);
    // The greeting carries APOP's challenge, before the backend, whose it would have to be, is asked.
    (apop && server.backend_authenticates())
        .then_some("\"apop\" is not offered without \"auth_http\"")
}

/// nginx's sentences about a server as a whole: `… for server in FILE:LINE`.
#[must_use]
pub fn about(span: &Span, what: &str) -> Diagnostic {
    let message = format!("{what} for server in {}:{}", span.source.name, span.line);
    Diagnostic {
        span: Some(span.clone()),
        ..Diagnostic::bare(Level::Emerg, message)
    }
}

/// What holds in servers that write nothing of a module themselves.
struct Inherited<'a> {
    outer: &'a Scope,
    ssl: Arc<ssl::Ssl>,
    realip: Arc<realip::Realip>,
    auth_http: Arc<auth_http::AuthHttp>,
    proxy: Arc<proxy::Proxy>,
    proxy_ssl: Arc<proxy_ssl::ProxySsl>,
    smtp: Arc<smtp::Smtp>,
    imap: Arc<imap::Imap>,
    pop3: Arc<pop3::Pop3>,
}

/// Of one module: `shared`, unless the server writes something.
fn held<W: Nothing, H>(
    (outer, inner): (&Sparse<W>, &Sparse<W>),
    shared: &Arc<H>,
    merge: fn(&W, &W) -> H,
) -> Arc<H> {
    match inner.written() {
        None => Arc::clone(shared),
        Some(inner) => Arc::new(merge(outer, inner)),
    }
}

impl<'a> Inherited<'a> {
    fn from(outer: &'a Scope) -> Self {
        Self {
            outer,
            ssl: Arc::new(ssl::Ssl::merge(&outer.ssl, &outer.ssl)),
            realip: Arc::new(realip::Realip::merge(&outer.realip, &outer.realip)),
            auth_http: Arc::new(auth_http::AuthHttp::merge(
                &outer.auth_http,
                &outer.auth_http,
            )),
            proxy: Arc::new(proxy::Proxy::merge(&outer.proxy, &outer.proxy)),
            proxy_ssl: Arc::new(proxy_ssl::ProxySsl::merge(
                &outer.proxy_ssl,
                &outer.proxy_ssl,
            )),
            smtp: Arc::new(smtp::Smtp::merge(&outer.smtp, &outer.smtp)),
            imap: Arc::new(imap::Imap::merge(&outer.imap, &outer.imap)),
            pop3: Arc::new(pop3::Pop3::merge(&outer.pop3, &outer.pop3)),
        }
    }

    fn server(&self, world: &dyn World, block: &ServerBlock, protocol: Protocol) -> Server {
        let (outer, inner) = (self.outer, &block.scope);
        let mut mail = mail::Mail::merge(&outer.mail, &inner.mail);
        if mail.server_name.is_empty() {
            mail.server_name = world.host_name().into_bytes().into();
        }
        let mut proxy = held(
            (&outer.proxy, &inner.proxy),
            &self.proxy,
            proxy::Proxy::merge,
        );
        if let Some(upstream) = proxy.proxy_pass.clone() {
            let port = protocol.port();
            Arc::make_mut(&mut proxy).proxy_pass = Some(upstream.with_default_port(port));
        }
        Server {
            protocol,
            file: Arc::clone(&block.span.source.name),
            line: block.span.line,
            mail,
            ssl: held((&outer.ssl, &inner.ssl), &self.ssl, ssl::Ssl::merge),
            tls: None,
            auth_tls: None,
            backend_tls: None,
            realip: held(
                (&outer.realip, &inner.realip),
                &self.realip,
                realip::Realip::merge,
            ),
            auth_http: held(
                (&outer.auth_http, &inner.auth_http),
                &self.auth_http,
                auth_http::AuthHttp::merge,
            ),
            proxy,
            proxy_ssl: held(
                (&outer.proxy_ssl, &inner.proxy_ssl),
                &self.proxy_ssl,
                proxy_ssl::ProxySsl::merge,
            ),
            smtp: held((&outer.smtp, &inner.smtp), &self.smtp, smtp::Smtp::merge),
            imap: held((&outer.imap, &inner.imap), &self.imap, imap::Imap::merge),
            pop3: held((&outer.pop3, &inner.pop3), &self.pop3, pop3::Pop3::merge),
        }
    }
}
