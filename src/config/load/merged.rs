//! A server after inheritance, before the checks that need all of it. It becomes a `Server` where no fault was found.

use std::sync::Arc;

use super::scopes::ServerLines;
use super::server::{AuthTarget, Authenticator, ProtocolSettings, Server};
use super::sockets::ListenTls;
use crate::base::Protocol;
use crate::config::model::{
    BackendTls, ClientTls, Listen, LogTarget, Names, StartTls, TlsMaterial, TlsMode,
};
use crate::config::schema::Scope;
use crate::config::schema::modules::{
    AuthHttp, Imap, Mail, Pop3, Proxy, ProxySsl, Realip, Smtp, Ssl,
};
use crate::config::schema::sparse::{Empty, Sparse};
use crate::config::syntax::Span;

/// What holds in one server, module by module.
#[derive(Debug)]
pub struct MergedServer {
    /// Its `server {`.
    pub span: Span,
    /// `server_name`, or the name of the machine.
    pub name: Box<[u8]>,
    pub mail: Mail,
    pub ssl: Arc<Ssl>,
    pub realip: Arc<Realip>,
    pub auth_http: Arc<AuthHttp>,
    pub proxy: Arc<Proxy>,
    pub proxy_ssl: Arc<ProxySsl>,
    pub settings: ProtocolSettings,
    /// TLS towards clients, where it is used and without fault.
    pub tls: Option<Arc<TlsMaterial>>,
    /// TLS towards the auth server, likewise.
    pub auth_tls: Option<ClientTls>,
    /// TLS towards backends, likewise.
    pub backend_tls: Option<ClientTls>,
}

impl MergedServer {
    /// When TLS begins on the addresses of a `listen` line; `None` where TLS is used and cannot be.
    pub fn tls_mode(&self, listen: &Listen) -> Option<ListenTls> {
        let tls = self.tls.clone();
        match self.ssl.starttls {
            _ if listen.ssl || self.ssl.ssl => tls.map(TlsMode::Implicit),
            StartTls::Off => Some(TlsMode::Off),
            offered => tls.map(|tls| TlsMode::StartTls {
                required: offered == StartTls::Only,
                tls,
            }),
        }
    }

    fn backend_tls(&self) -> Option<TlsMode<ClientTls>> {
        let tls = self.backend_tls.clone();
        match self.proxy_ssl.proxy_ssl {
            BackendTls::Off => Some(TlsMode::Off),
            BackendTls::On => tls.map(TlsMode::Implicit),
            BackendTls::StartTls => tls.map(|tls| TlsMode::StartTls {
                required: true,
                tls,
            }),
        }
    }

    /// Who decides about logins; `None` where the configuration does not say it.
    fn authenticator(&self) -> Option<Authenticator<AuthTarget>> {
        let port = self.settings.protocol().port();
        let upstream = self.proxy.proxy_pass.clone();
        let upstream = upstream.map(|upstream| upstream.with_default_port(port));
        match &self.auth_http.auth_http {
            None => upstream.map(Authenticator::Backend),
            Some(url) if url.tls && self.auth_tls.is_none() => None,
            Some(url) => Some(Authenticator::AuthHttp {
                server: AuthTarget {
                    url: url.clone(),
                    tls: self.auth_tls.clone(),
                },
                settings: Arc::clone(&self.auth_http),
                fallback: upstream,
            }),
        }
    }

    /// The server, and when TLS begins on each of its `listen` lines. `None` where a fault left something out.
    pub fn into_server(self, main_log: &[LogTarget]) -> Option<(Arc<Server>, Vec<ListenTls>)> {
        let listens = self.mail.listen.iter();
        let modes: Option<Vec<_>> = listens.map(|listen| self.tls_mode(listen)).collect();
        let (authenticator, backend_tls) = (self.authenticator()?, self.backend_tls()?);
        let server = Server {
            file: Arc::clone(&self.span.source.name),
            line: self.span.line,
            name: self.name,
            error_log: match self.mail.error_log.is_empty() {
                true => main_log.to_vec(),
                false => self.mail.error_log.clone(),
            },
            settings: self.settings,
            mail: self.mail,
            ssl: self.ssl,
            realip: self.realip,
            authenticator,
            proxy: self.proxy,
            backend_tls,
        };
        modes.map(|modes| (Arc::new(server), modes))
    }
}

/// What holds in servers that have no line of a module themselves. They share it.
pub struct Inherited<'a> {
    outer: &'a Scope,
    ssl: Arc<Ssl>,
    realip: Arc<Realip>,
    auth_http: Arc<AuthHttp>,
    proxy: Arc<Proxy>,
    proxy_ssl: Arc<ProxySsl>,
    smtp: Arc<Smtp>,
    imap: Arc<Imap>,
    pop3: Arc<Pop3>,
}

/// What holds of one module: `shared`, unless the server has a line of it.
fn held<W: Empty, H>(
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
    /// What holds outside the servers.
    pub fn from(outer: &'a Scope) -> Self {
        Self {
            outer,
            ssl: Arc::new(Ssl::merge(&outer.ssl, &outer.ssl)),
            realip: Arc::new(Realip::merge(&outer.realip, &outer.realip)),
            auth_http: Arc::new(AuthHttp::merge(&outer.auth_http, &outer.auth_http)),
            proxy: Arc::new(Proxy::merge(&outer.proxy, &outer.proxy)),
            proxy_ssl: Arc::new(ProxySsl::merge(&outer.proxy_ssl, &outer.proxy_ssl)),
            smtp: Arc::new(Smtp::merge(&outer.smtp, &outer.smtp)),
            imap: Arc::new(Imap::merge(&outer.imap, &outer.imap)),
            pop3: Arc::new(Pop3::merge(&outer.pop3, &outer.pop3)),
        }
    }

    /// What holds in a server.
    pub fn server(
        &self,
        names: &(impl Names + ?Sized),
        lines: ServerLines<'_>,
        protocol: Protocol,
    ) -> MergedServer {
        macro_rules! held {
            ($module:ident, $type:ident) => {
                held(
                    (&self.outer.$module, &lines.inner.$module),
                    &self.$module,
                    $type::merge,
                )
            };
        }
        let mail = Mail::merge(&self.outer.mail, &lines.inner.mail);
        MergedServer {
            span: lines.span.clone(),
            name: match &mail.server_name {
                Some(name) => name.clone(),
                None => names.host_name().into_bytes().into(),
            },
            mail,
            ssl: held!(ssl, Ssl),
            realip: held!(realip, Realip),
            auth_http: held!(auth_http, AuthHttp),
            proxy: held!(proxy, Proxy),
            proxy_ssl: held!(proxy_ssl, ProxySsl),
            settings: match protocol {
                Protocol::Smtp => ProtocolSettings::Smtp(held!(smtp, Smtp)),
                Protocol::Imap => ProtocolSettings::Imap(held!(imap, Imap)),
                Protocol::Pop3 => ProtocolSettings::Pop3(held!(pop3, Pop3)),
            },
            tls: None,
            auth_tls: None,
            backend_tls: None,
        }
    }
}
