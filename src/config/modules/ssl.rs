//! ngx_mail_ssl_module.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::choice::{Choice, Choices};
use crate::config::value::flag::Flag;
use crate::config::value::number::Number;
use crate::config::value::passwords::Passwords;
use crate::config::value::path::{ConfigPath, ConfigPaths};
use crate::config::value::session_cache::SessionCaches;
use crate::config::value::set::SetOf;
use crate::config::value::text::{Pairs, Text};
use crate::config::value::time::Sec;
use crate::config::value::tls::Protocols;

/// `starttls`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTls {
    /// Not offered.
    #[default]
    Off,
    /// Offered.
    On,
    /// Nothing is done for a client without it.
    Only,
}

impl Choices for StartTls {
    const SYNTAX: &'static str = "on | off | only";
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("on", Self::On), ("only", Self::Only)];
}

/// `ssl_verify_client`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyClient {
    /// No certificate is asked for.
    #[default]
    Off,
    /// One is required.
    On,
    /// One is asked for, and checked if it comes.
    Optional,
    /// One is asked for, and not checked against CAs.
    OptionalNoCa,
}

impl Choices for VerifyClient {
    const SYNTAX: &'static str = "on | off | optional | optional_no_ca";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("on", Self::On),
        ("optional", Self::Optional),
        ("optional_no_ca", Self::OptionalNoCa),
    ];
}

module! {
    /// TLS towards clients.
    ssl in Scope: SslWritten -> Ssl {
        /// TLS on every `listen` of the server. The old form of `listen … ssl`, which nginx has dropped.
        ssl: Flag = "off", MAIL_SERVER;
        /// Whether clients may, or must, switch to TLS in the open connection.
        starttls: Choice<StartTls> = "off", MAIL_SERVER;
        /// A file with a certificate and its chain (PEM). Lines add up; each has its key in the same order.
        ssl_certificate: ConfigPaths = "", MAIL_SERVER;
        /// The file with the key of a certificate (PEM).
        ssl_certificate_key: ConfigPaths = "", MAIL_SERVER;
        /// A file with pass phrases for encrypted keys, one a line.
        ssl_password_file: Passwords = "", MAIL_SERVER, pending;
        /// Whether certificates are sent compressed.
        ssl_certificate_compression: Flag = "off", MAIL_SERVER;
        /// Parameters for DHE key exchange, which rustls does not have.
        ssl_dhparam: ConfigPath = "", MAIL_SERVER, pending;
        /// The groups for key exchange, in order of preference.
        ssl_ecdh_curve: Text = "auto", MAIL_SERVER;
        /// The versions of TLS that are spoken. Older ones than TLSv1.2 are accepted here and never spoken.
        ssl_protocols: SetOf<Protocols> = "TLSv1.2 TLSv1.3", MAIL_SERVER;
        /// The cipher suites, as an OpenSSL cipher string.
        ssl_ciphers: Text = "HIGH:!aNULL:!MD5", MAIL_SERVER;
        /// Whether the server's order of cipher suites counts.
        ssl_prefer_server_ciphers: Flag = "off", MAIL_SERVER;
        /// Where sessions are kept for resumption.
        ssl_session_cache: SessionCaches = "none", MAIL_SERVER;
        /// Whether sessions are kept by the client, in tickets.
        ssl_session_tickets: Flag = "on", MAIL_SERVER;
        /// A file with a key for tickets, 48 or 80 bytes. Lines add up; the first key encrypts.
        ssl_session_ticket_key: ConfigPaths = "", MAIL_SERVER;
        /// How long a session can be resumed.
        ssl_session_timeout: Sec = "5m", MAIL_SERVER;
        /// Whether clients show a certificate.
        ssl_verify_client: Choice<VerifyClient> = "off", MAIL_SERVER;
        /// How long a client's chain may be.
        ssl_verify_depth: Number = "1", MAIL_SERVER;
        /// CAs of client certificates, which are named to the client.
        ssl_client_certificate: ConfigPath = "", MAIL_SERVER;
        /// CAs of client certificates, which are not named to the client.
        ssl_trusted_certificate: ConfigPath = "", MAIL_SERVER;
        /// Revoked client certificates (PEM).
        ssl_crl: ConfigPath = "", MAIL_SERVER;
        /// A command for OpenSSL's SSL_CONF_cmd; lines add up.
        ssl_conf_command: Pairs = "", MAIL_SERVER;
    }
}
