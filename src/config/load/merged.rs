//! A server after inheritance, before the checks that need all of it. It becomes a `Server` where no fault was found.

use std::sync::Arc;

use super::groups::Groups;
use super::limits;
use super::origins::{Deciding, Origins};
use super::scopes::ServerLines;
use super::server::{AuthTarget, Authenticator, ProtocolSettings, Server};
use super::sockets::ListenTls;
use super::static_auth::AuthHttpAnswer;
use crate::base::Protocol;
use crate::config::model::{
    BackendTls, ClientTls, Limits, Listen, LogTarget, MailLog, Names, Origin, ProxyPass, StartTls,
    TlsMaterial, TlsMode,
};
use crate::config::schema::Scope;
use crate::config::schema::held::{Held, Inherited};
use crate::config::schema::modules::mail::MailWritten;
use crate::config::schema::modules::{
    AuthHttp, Imap, Limit, Log, Mail, Pop3, Proxy, ProxySsl, Realip, Sieve, Smtp, Ssl,
};
use crate::config::syntax::Span;

/// The settings in force in one server, module by module.
#[derive(Debug)]
pub struct MergedServer {
    /// Its `server {`.
    pub span: Span,
    /// `server_name`, or the name of the machine.
    pub name: Box<[u8]>,
    /// The lines of the directives that can refuse a client.
    pub origins: Origins,
    pub mail: Mail,
    pub ssl: Arc<Ssl>,
    pub realip: Arc<Realip>,
    pub log: Arc<Log>,
    pub auth_http: Arc<AuthHttp>,
    pub proxy: Arc<Proxy>,
    pub proxy_ssl: Arc<ProxySsl>,
    /// What limits its clients, if anything does.
    pub limits: Option<Arc<Limits>>,
    /// The backend, where `proxy_pass` is set and without fault.
    pub proxy_pass: Option<ProxyPass>,
    pub settings: ProtocolSettings,
    /// TLS towards clients, where it is used and without fault.
    pub tls: Option<Arc<TlsMaterial>>,
    /// TLS towards the auth server, likewise.
    pub auth_tls: Option<ClientTls>,
    /// TLS towards backends, likewise.
    pub backend_tls: Option<ClientTls>,
}

impl MergedServer {
    /// The TLS mode of the addresses of a `listen` line; `None` where TLS is requested but not available.
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

    /// The authenticator; `None` where the configuration names neither an auth server nor a backend.
    fn authenticator(&self, answers: &[AuthHttpAnswer]) -> Option<Authenticator<AuthTarget>> {
        let proxy_pass = self.proxy_pass.clone();
        match &self.auth_http.auth_http {
            None => proxy_pass.map(Authenticator::Backend),
            Some(url) if url.tls && self.auth_tls.is_none() => None,
            Some(url) => Some(Authenticator::AuthHttp {
                server: AuthTarget {
                    url: url.clone(),
                    tls: self.auth_tls.clone(),
                    answer: (answers.iter().find(|one| one.url == *url))
                        .and_then(|one| one.answer.as_ref().ok().cloned()),
                },
                settings: Arc::clone(&self.auth_http),
                fallback: proxy_pass,
            }),
        }
    }

    /// The logs of `mail_log`. Their formats exist: each line was checked when it was read.
    fn mail_log(&self) -> Vec<MailLog> {
        let lines = self.log.mail_log.lines().iter();
        let formats = &self.log.log_format;
        lines.filter_map(|line| line.resolve(formats)).collect()
    }

    /// The server, and the TLS mode of each of its `listen` lines. `None` where a fault left a part of it missing.
    /// `main_log` is the `error_log` of the main context, `origins` has the lines of directives outside `mail {}`, `answers` has
    /// what answers each `auth_http`.
    pub fn into_server(
        self,
        main_log: &[LogTarget],
        origins: &[(Deciding, Origin)],
        answers: &[AuthHttpAnswer],
    ) -> Option<(Arc<Server>, Vec<ListenTls>)> {
        let listens = self.mail.listen.iter();
        let modes: Option<Vec<_>> = listens.map(|listen| self.tls_mode(listen)).collect();
        let (authenticator, backend_tls) = (self.authenticator(answers)?, self.backend_tls()?);
        let mail_log = self.mail_log();
        let server = Server {
            file: Arc::clone(&self.span.source.name),
            line: self.span.line,
            name: self.name,
            error_log: match self.mail.error_log.is_empty() {
                true => main_log.to_vec(),
                false => self.mail.error_log.clone(),
            },
            origins: self.origins.with(origins),
            mail_log,
            limits: self.limits,
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

/// The settings that the servers inherit from `mail {}`, module by module.
pub struct Outer<'a> {
    groups: Groups,
    mail: &'a MailWritten,
    ssl: Inherited<'a, Ssl>,
    realip: Inherited<'a, Realip>,
    limit: Inherited<'a, Limit>,
    zones: limits::Zones,
    log: Inherited<'a, Log>,
    auth_http: Inherited<'a, AuthHttp>,
    proxy: Inherited<'a, Proxy>,
    proxy_ssl: Inherited<'a, ProxySsl>,
    smtp: Inherited<'a, Smtp>,
    imap: Inherited<'a, Imap>,
    pop3: Inherited<'a, Pop3>,
    sieve: Inherited<'a, Sieve>,
}

impl<'a> Outer<'a> {
    /// The settings of `mail {}` outside the servers, and the groups of backends.
    pub fn new(scope: &'a Scope, groups: Groups) -> Self {
        Self {
            groups,
            mail: &scope.mail,
            ssl: Inherited::of(&scope.ssl),
            realip: Inherited::of(&scope.realip),
            limit: Inherited::of(&scope.limit),
            zones: limits::Zones::of(&scope.limit),
            log: Inherited::of(&scope.log),
            auth_http: Inherited::of(&scope.auth_http),
            proxy: Inherited::of(&scope.proxy),
            proxy_ssl: Inherited::of(&scope.proxy_ssl),
            smtp: Inherited::of(&scope.smtp),
            imap: Inherited::of(&scope.imap),
            pop3: Inherited::of(&scope.pop3),
            sieve: Inherited::of(&scope.sieve),
        }
    }
}

impl Outer<'_> {
    /// The settings in force in a server. `machine` provides the name of a server without `server_name`.
    pub fn server(
        &self,
        machine: &dyn Names,
        lines: ServerLines<'_>,
        protocol: Protocol,
    ) -> MergedServer {
        let mail = Mail::merge(self.mail, &lines.inner.mail);
        let (own, inner) = (&mail.server_name, lines.inner);
        let proxy = self.proxy.with(&inner.proxy);
        let text = proxy.proxy_pass.as_ref();
        MergedServer {
            proxy_pass: text.and_then(|text| self.groups.proxy_pass(text, protocol.port())),
            limits: self.zones.limits(&self.limit.with(&inner.limit), lines),
            span: lines.span.clone(),
            origins: Origins::of(lines),
            name: own
                .clone()
                .unwrap_or_else(|| machine.host_name().into_bytes().into()),
            ssl: self.ssl.with(&inner.ssl),
            realip: self.realip.with(&inner.realip),
            log: self.log.with(&inner.log),
            auth_http: self.auth_http.with(&inner.auth_http),
            proxy,
            proxy_ssl: self.proxy_ssl.with(&inner.proxy_ssl),
            settings: match protocol {
                Protocol::Smtp => ProtocolSettings::Smtp(self.smtp.with(&inner.smtp)),
                Protocol::Imap => ProtocolSettings::Imap(self.imap.with(&inner.imap)),
                Protocol::Pop3 => ProtocolSettings::Pop3(self.pop3.with(&inner.pop3)),
                Protocol::Sieve => ProtocolSettings::Sieve(self.sieve.with(&inner.sieve)),
            },
            mail,
            tls: None,
            auth_tls: None,
            backend_tls: None,
        }
    }
}
