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
        /// Without effect, as in nginx: a mail server always is a proxy.
        proxy: Flag = "off", MAIL_SERVER;
        /// The mail server behind the gateway. A server needs this or `auth_http`; with both the authentication server's choice wins.
        proxy_pass: UpstreamUrl, MAIL_SERVER;
        /// The memory for what flows to and from the mail server, in bytes.
        proxy_buffer: Size = "4k", MAIL_SERVER;
        /// How long both sides may stay silent once mail flows.
        proxy_timeout: Msec = "24h", MAIL_SERVER;
        /// How long a connection to the mail server may take to come up.
        proxy_connect_timeout: Msec = "60s", MAIL_SERVER;
        /// Whether the client hears the mail server's own words when a login fails there.
        proxy_pass_error_message: Flag = "off", MAIL_SERVER;
        /// Whether XCLIENT tells an SMTP server who the client is.
        xclient: Flag = "on", MAIL_SERVER;
        /// Whether, and how, the gateway logs in to an SMTP server.
        proxy_smtp_auth: Choice<ProxySmtpAuth> = "off", MAIL_SERVER;
        /// Whose name EHLO tells an SMTP server when XCLIENT does not tell the client's: `server` is `server_name`.
        proxy_smtp_helo: Choice<ProxySmtpHelo> = "server", MAIL_SERVER;
        /// Whether a PROXY header tells the mail server who the client is.
        proxy_protocol: Choice<ProxyProtocol> = "off", MAIL_SERVER, pending;
    }
}
