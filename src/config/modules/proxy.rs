//! ngx_mail_proxy_module, with `proxy_pass`, `proxy_connect_timeout` and more words for `proxy_smtp_auth`.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::choice::{Choice, Choices};
use crate::config::value::flag::Flag;
use crate::config::value::size::Size;
use crate::config::value::time::Msec;
use crate::config::value::upstream::UpstreamUrl;

/// `proxy_smtp_auth`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxySmtpAuth {
    /// The backend gets no AUTH.
    #[default]
    Off,
    /// PLAIN if the backend announces it, else LOGIN.
    On,
    /// PLAIN
    Plain,
    /// LOGIN
    Login,
}

impl Choices for ProxySmtpAuth {
    const SYNTAX: &'static str = "on | off | plain | login";
    const IS_FLAG: bool = true;
    const WORDS: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("on", Self::On),
        ("plain", Self::Plain),
        ("login", Self::Login),
    ];
}

impl ProxySmtpAuth {
    /// What holds when an auth server says whether, and leaves the way to the configuration.
    #[must_use]
    pub fn overruled(self, word: Option<bool>) -> Self {
        match (word, self) {
            (Some(false), _) => Self::Off,
            (Some(true), Self::Off) => Self::On,
            (_, own) => own,
        }
    }
}

/// `proxy_smtp_helo`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxySmtpHelo {
    /// `server_name`
    #[default]
    Server,
    /// The name the client gave, if it gave one.
    Client,
}

impl Choices for ProxySmtpHelo {
    const SYNTAX: &'static str = "server | client";
    const WORDS: &'static [(&'static str, Self)] =
        &[("server", Self::Server), ("client", Self::Client)];
}

/// `proxy_protocol`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// The backend gets no PROXY header.
    #[default]
    Off,
    /// Version 1, a line of text.
    V1,
    /// Version 2, binary.
    V2,
}

impl Choices for ProxyProtocol {
    const SYNTAX: &'static str = "on | off | v2";
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("on", Self::V1), ("v2", Self::V2)];
}

module! {
    /// How the gateway talks to the mail server behind it.
    proxy in Scope: ProxyWritten -> Proxy {
        /// Accepted, without effect, as in nginx: a mail server always is a proxy.
        proxy: Flag = "off", MAIL_SERVER;
        /// The mail server behind the gateway: `host:port`, or `unix:path`. Without a port it is 25 for SMTP, 143 for
        /// IMAP, 110 for POP3. A name is looked up when the configuration is read; if it has several addresses they are
        /// tried in turn.
        ///
        /// A server needs this or `auth_http`. With this alone the mail server itself decides about logins, which are
        /// passed on to it. With both, the auth server decides and names the mail server.
        proxy_pass: UpstreamUrl, MAIL_SERVER;
        /// The size of the buffer for what the mail server says before mail flows. A longer answer is an error.
        proxy_buffer: Size = "4k", MAIL_SERVER;
        /// How long both sides may stay silent once mail flows, before the session is closed.
        proxy_timeout: Msec = "24h", MAIL_SERVER;
        /// How long a connection to the mail server may take to come up, and again its TLS handshake (`proxy_ssl`). What is left
        /// of `timeout` is a limit too.
        proxy_connect_timeout: Msec = "60s", MAIL_SERVER;
        /// Whether the client hears the mail server's own words when a login fails there. `off` gives a general text:
        /// the words of a mail server may say more than a client should know.
        proxy_pass_error_message: Flag = "off", MAIL_SERVER;
        /// Whether the command XCLIENT tells an SMTP server who the client is: address, name, login, HELO. The mail
        /// server must trust the gateway (Postfix: `smtpd_authorized_xclient_hosts`). With `proxy_pass` alone it is used
        /// only if the mail server announces it.
        xclient: Flag = "on", MAIL_SERVER;
        /// Whether, and how, the gateway logs in to the SMTP server that the auth server has named, with `Auth-User` and
        /// `Auth-Pass` of the answer or else with what the client gave. Since nginx 1.19.4.
        ///
        /// - `off`: not at all.
        /// - `on`: AUTH PLAIN if the mail server announces it, else AUTH LOGIN.
        /// - `plain`, `login`: by this method. nginx has neither word.
        proxy_smtp_auth: Choice<ProxySmtpAuth> = "off", MAIL_SERVER;
        /// Whose name EHLO tells an SMTP server when XCLIENT does not tell the client's: `server` is `server_name`,
        /// `client` the name that the client gave itself in its HELO or EHLO.
        proxy_smtp_helo: Choice<ProxySmtpHelo> = "server", MAIL_SERVER;
        /// Whether a PROXY header, at the start of each connection, tells the mail server who the client is: `on` is
        /// version 1, a line of text; `v2` is version 2, binary. The mail server must expect it. Since nginx 1.19.8,
        /// `v2` since 1.31.4.
        proxy_protocol: Choice<ProxyProtocol> = "off", MAIL_SERVER;
    }
}
