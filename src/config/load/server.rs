//! One server of `mail {}` after inheritance.
//!
//! It consists of the structs that `schema` generates from the directive table, a field per directive, so it cannot be in `model`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::origins::{Deciding, Origins};
use crate::base::Protocol;
use crate::config::model::{
    AuthUrl, BareNewlines, ClientTls, Limits, LogTarget, MailLog, Methods, ProxyPass, StaticAuth,
    TlsMode, Upstream, Xclient,
};
use crate::config::schema::modules::{AuthHttp, Imap, Mail, Pop3, Proxy, Realip, Sieve, Smtp, Ssl};

/// One `server {}`. Servers share the settings that they inherit.
#[derive(Clone, Debug)]
pub struct Server {
    /// The file of its `server {`.
    pub file: Arc<str>,
    /// The line of its `server {`.
    pub line: usize,
    /// `server_name`, or the name of the machine.
    pub name: Box<[u8]>,
    /// The lines of the directives that can refuse a client.
    pub origins: Origins,
    /// The `error_log` in force for it.
    pub error_log: Vec<LogTarget>,
    /// The `mail_log` in force for it.
    pub mail_log: Vec<MailLog>,
    /// What limits its clients, if anything does.
    pub limits: Option<Arc<Limits>>,
    /// Its protocol, with the settings of that protocol.
    pub settings: ProtocolSettings,
    /// The settings common to all protocols, as written.
    pub mail: Mail,
    /// TLS towards clients, as written. [`Route::tls`](super::sockets::Route::tls) is the mode in force on each address.
    pub ssl: Arc<Ssl>,
    /// The peers whose PROXY headers are trusted.
    pub realip: Arc<Realip>,
    /// The authenticator: an auth server or the backend.
    pub authenticator: Authenticator<AuthTarget>,
    /// The settings for connections to backends.
    pub proxy: Arc<Proxy>,
    /// TLS towards backends.
    pub backend_tls: TlsMode<ClientTls>,
}

/// The settings of one protocol.
#[derive(Clone, Debug)]
pub enum ProtocolSettings {
    /// SMTP
    Smtp(Arc<Smtp>),
    /// IMAP
    Imap(Arc<Imap>),
    /// POP3
    Pop3(Arc<Pop3>),
    /// ManageSieve
    Sieve(Arc<Sieve>),
}

/// The authority that accepts or refuses logins. `A` is the auth server: its URL in a configuration, its connections in a
/// running server.
#[derive(Clone, Debug)]
pub enum Authenticator<A> {
    /// `auth_http`: an auth server decides, and names the backend.
    AuthHttp {
        /// The auth server.
        server: A,
        /// How it is queried.
        settings: Arc<AuthHttp>,
        /// `proxy_pass`: the backend where the auth server names none.
        fallback: Option<ProxyPass>,
    },
    /// `proxy_pass` alone: the backend decides.
    Backend(ProxyPass),
}

/// An auth server as the configuration names it.
#[derive(Clone, Debug)]
pub struct AuthTarget {
    /// Its URL.
    pub url: AuthUrl,
    /// TLS, where the URL is `https://`.
    pub tls: Option<ClientTls>,
    /// The location of the same file that answers in its place. It depends on the URL only.
    pub answer: Option<Arc<StaticAuth>>,
}

/// Two of one configuration with the same URL have the same answer.
impl PartialEq for AuthTarget {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, &self.tls) == (&other.url, &other.tls)
    }
}

impl Eq for AuthTarget {}

impl Hash for AuthTarget {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.url, &self.tls).hash(state);
    }
}

impl<A> Authenticator<A> {
    /// `proxy_pass`
    pub fn proxy_pass(&self) -> Option<&ProxyPass> {
        match self {
            Self::AuthHttp { fallback, .. } => fallback.as_ref(),
            Self::Backend(proxy_pass) => Some(proxy_pass),
        }
    }

    /// The backend of `proxy_pass`, if it is the same for all sessions.
    pub fn upstream(&self) -> Option<&Upstream> {
        self.proxy_pass().and_then(ProxyPass::upstream)
    }

    /// Whether the variables of a session decide about its backend in `proxy_pass`.
    pub fn depends_on_session(&self) -> bool {
        self.proxy_pass().is_some_and(ProxyPass::depends_on_session)
    }

    /// Converts the auth server with `make`, and keeps everything else.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn try_map<B, E>(
        &self,
        make: impl FnOnce(&A) -> Result<B, E>,
    ) -> Result<Authenticator<B>, E> {
        Ok(match self {
            Self::AuthHttp {
                server,
                settings,
                fallback,
            } => Authenticator::AuthHttp {
                server: make(server)?,
                settings: Arc::clone(settings),
                fallback: fallback.clone(),
            },
            Self::Backend(proxy_pass) => Authenticator::Backend(proxy_pass.clone()),
        })
    }
}

impl ProtocolSettings {
    /// The protocol.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Smtp(_) => Protocol::Smtp,
            Self::Imap(_) => Protocol::Imap,
            Self::Pop3(_) => Protocol::Pop3,
            Self::Sieve(_) => Protocol::Sieve,
        }
    }

    /// The methods that are configured.
    pub fn methods(&self) -> Methods {
        match self {
            Self::Smtp(own) => own.smtp_auth,
            Self::Imap(own) => own.imap_auth,
            Self::Pop3(own) => own.pop3_auth,
            Self::Sieve(own) => own.sieve_auth,
        }
    }
}

impl Server {
    /// The protocol towards clients and backends.
    pub const fn protocol(&self) -> Protocol {
        self.settings.protocol()
    }

    /// Whether the backend of `proxy_pass` decides about logins: there is no auth server.
    pub fn backend_authenticates(&self) -> bool {
        matches!(self.authenticator, Authenticator::Backend(_))
    }

    /// The methods by which clients may log in: those that are configured, without those that only a backend can check if there is
    /// an auth server.
    pub fn methods(&self) -> Methods {
        match self.backend_authenticates() {
            true => self.settings.methods(),
            false => self.settings.methods().without(Methods::SCRAM),
        }
    }

    /// The longest command of a client, in bytes.
    pub fn client_buffer(&self) -> usize {
        match &self.settings {
            ProtocolSettings::Smtp(smtp) => smtp.smtp_client_buffer,
            ProtocolSettings::Imap(imap) => imap.imap_client_buffer,
            ProtocolSettings::Pop3(pop3) => pop3.pop3_client_buffer,
            ProtocolSettings::Sieve(sieve) => sieve.sieve_client_buffer,
        }
    }

    /// The directive that sets the longest command of a client.
    pub fn deciding_buffer(&self) -> Deciding {
        match &self.settings {
            ProtocolSettings::Smtp(_) => Deciding::SmtpClientBuffer,
            ProtocolSettings::Imap(_) => Deciding::ImapClientBuffer,
            ProtocolSettings::Pop3(_) => Deciding::Pop3ClientBuffer,
            ProtocolSettings::Sieve(_) => Deciding::SieveClientBuffer,
        }
    }

    /// `smtp_bare_newline`; [`BareNewlines::Pass`] for other protocols.
    pub fn bare_newlines(&self) -> BareNewlines {
        match &self.settings {
            ProtocolSettings::Smtp(smtp) => smtp.smtp_bare_newline,
            _ => BareNewlines::Pass,
        }
    }

    /// `imap_id`; false for other protocols.
    pub fn sends_imap_id(&self) -> bool {
        match &self.settings {
            ProtocolSettings::Imap(imap) => imap.imap_id,
            _ => false,
        }
    }

    /// `pop3_xclient`; false for other protocols.
    pub fn sends_pop3_xclient(&self) -> bool {
        match &self.settings {
            ProtocolSettings::Pop3(pop3) => pop3.pop3_xclient,
            _ => false,
        }
    }

    /// Whether backends get the address that the client connected to, by XCLIENT where they announce that attribute.
    pub fn sends_destination(&self) -> bool {
        let is_smtp = matches!(self.settings, ProtocolSettings::Smtp(_));
        is_smtp
            && match self.proxy.xclient {
                Xclient::Off => false,
                Xclient::On => self.backend_authenticates(),
                Xclient::Announced => true,
            }
    }

    /// `smtp_greeting_delay`; zero for other protocols.
    pub fn greeting_delay(&self) -> Duration {
        match &self.settings {
            ProtocolSettings::Smtp(smtp) => smtp.smtp_greeting_delay,
            _ => Duration::ZERO,
        }
    }
}
