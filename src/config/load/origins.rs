//! Where the directives that can refuse a client are written, so that logs can name the line that decided.

use super::scopes::ServerLines;
use crate::config::model::Origin;
use crate::config::schema::Scope;
use crate::config::syntax::{Span, Spanned};

/// The lines in force in a server, for the directives of [`Deciding`].
#[derive(Clone, Debug, Default)]
pub struct Origins(Box<[(Deciding, Origin)]>);

/// A directive that can refuse or end a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deciding {
    /// `timeout`
    Timeout,
    /// `max_errors`
    MaxErrors,
    /// `max_commands`
    MaxCommands,
    /// `smtp_greeting_delay`
    GreetingDelay,
    /// `smtp_auth`
    SmtpAuth,
    /// `smtp_client_buffer`
    SmtpClientBuffer,
    /// `smtp_bare_newline`
    SmtpBareNewline,
    /// `imap_client_buffer`
    ImapClientBuffer,
    /// `pop3_client_buffer`
    Pop3ClientBuffer,
    /// `sieve_client_buffer`
    SieveClientBuffer,
    /// `starttls`
    StartTls,
    /// `ssl_verify_client`
    VerifyClient,
    /// `auth_http_timeout`
    AuthHttpTimeout,
    /// `proxy_connect_timeout`
    ProxyConnectTimeout,
    /// `proxy_buffer`
    ProxyBuffer,
    /// `proxy_ssl`
    ProxySsl,
    /// `proxy_timeout`
    ProxyTimeout,
    /// `worker_shutdown_timeout`
    ShutdownTimeout,
    /// `worker_connections`
    WorkerConnections,
}

impl Origins {
    /// The origins of one server.
    pub(super) fn of(lines: ServerLines<'_>) -> Self {
        let all = Deciding::ALL.into_iter();
        let written = all.filter_map(|one| {
            let span = one.span(lines.inner).or(one.span(lines.outer))?;
            Some((one, Origin::of(span)))
        });
        Self(written.collect())
    }

    /// The same with the lines of directives outside `mail {}`.
    pub(super) fn with(self, others: &[(Deciding, Origin)]) -> Self {
        Self(self.0.into_iter().chain(others.iter().cloned()).collect())
    }

    /// The line of a directive; `None` where its default is in force.
    pub fn get(&self, directive: Deciding) -> Option<&Origin> {
        let mut all = self.0.iter();
        all.find(|(known, _)| *known == directive)
            .map(|(_, origin)| origin)
    }
}

impl Deciding {
    const ALL: [Self; 17] = [
        Self::Timeout,
        Self::MaxErrors,
        Self::MaxCommands,
        Self::GreetingDelay,
        Self::SmtpAuth,
        Self::SmtpClientBuffer,
        Self::SmtpBareNewline,
        Self::ImapClientBuffer,
        Self::Pop3ClientBuffer,
        Self::SieveClientBuffer,
        Self::StartTls,
        Self::VerifyClient,
        Self::AuthHttpTimeout,
        Self::ProxyConnectTimeout,
        Self::ProxyBuffer,
        Self::ProxySsl,
        Self::ProxyTimeout,
    ];

    /// Its line in a block.
    fn span(self, scope: &Scope) -> Option<&Span> {
        fn span<T>(written: &Option<Spanned<T>>) -> Option<&Span> {
            written.as_ref().map(|written| &written.span)
        }
        match self {
            Self::Timeout => span(&scope.mail.timeout),
            Self::MaxErrors => span(&scope.mail.max_errors),
            Self::MaxCommands => span(&scope.mail.max_commands),
            Self::GreetingDelay => span(&scope.smtp.smtp_greeting_delay),
            Self::SmtpAuth => span(&scope.smtp.smtp_auth),
            Self::SmtpClientBuffer => span(&scope.smtp.smtp_client_buffer),
            Self::SmtpBareNewline => span(&scope.smtp.smtp_bare_newline),
            Self::ImapClientBuffer => span(&scope.imap.imap_client_buffer),
            Self::Pop3ClientBuffer => span(&scope.pop3.pop3_client_buffer),
            Self::SieveClientBuffer => span(&scope.sieve.sieve_client_buffer),
            Self::StartTls => span(&scope.ssl.starttls),
            Self::VerifyClient => span(&scope.ssl.ssl_verify_client),
            Self::AuthHttpTimeout => span(&scope.auth_http.auth_http_timeout),
            Self::ProxyConnectTimeout => span(&scope.proxy.proxy_connect_timeout),
            Self::ProxyBuffer => span(&scope.proxy.proxy_buffer),
            Self::ProxySsl => span(&scope.proxy_ssl.proxy_ssl),
            Self::ProxyTimeout => span(&scope.proxy.proxy_timeout),
            // Directives outside `mail {}`.
            Self::ShutdownTimeout | Self::WorkerConnections => None,
        }
    }
}
