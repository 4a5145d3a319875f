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
        /// TLS on every `listen` of the server: the old form of the parameter `ssl` of `listen`, which nginx dropped in
        /// 1.25.1. It is accepted with a warning. Not together with `starttls`.
        ssl: Flag = "off", MAIL_SERVER;
        /// TLS within the open connection: STARTTLS in SMTP and IMAP, STLS in POP3.
        ///
        /// - `off`: not offered.
        /// - `on`: offered. Clients may log in without it.
        /// - `only`: logins, and in SMTP mail without a login too, are refused before it; no login method is announced
        ///   till then.
        ///
        /// Needs `ssl_certificate`.
        starttls: Choice<StartTls> = "off", MAIL_SERVER;
        /// A file in PEM format: the server's certificate, then the certificates of its chain. `data:` and the text
        /// itself may stand instead of a name.
        ///
        /// Several lines give certificates for several names and for several kinds of keys, such as RSA and ECDSA; each needs
        /// its `ssl_certificate_key`, in the same order. A client gets one that is for the name it asks for (SNI), of a
        /// kind that it can use; one that asks for no name of theirs gets one of the first line's site.
        ssl_certificate: ConfigPaths = "", MAIL_SERVER;
        /// The file with the private key of a certificate, in PEM format. `data:` and the text itself may stand instead
        /// of a name. One for each `ssl_certificate`, in the same order.
        ssl_certificate_key: ConfigPaths = "", MAIL_SERVER;
        /// A file with pass phrases for encrypted keys, one a line, each of which is tried. Since nginx 1.7.3.
        ssl_password_file: Passwords = "", MAIL_SERVER;
        /// Whether certificates are sent compressed (RFC 8879), to clients that can read them so. Since nginx 1.29.1.
        ssl_certificate_compression: Flag = "off", MAIL_SERVER;
        /// Parameters for DHE key exchange. The file must be there and right, but it is not used: the gateway has no
        /// such key exchange, ECDHE takes its place.
        ssl_dhparam: ConfigPath = "", MAIL_SERVER;
        /// The groups for key exchange, in order of preference, with `:` between: `X25519:prime256v1`. `auto` leaves the
        /// choice to the library.
        ssl_ecdh_curve: Text = "auto", MAIL_SERVER;
        /// The versions of TLS that are spoken. SSLv2, SSLv3, TLSv1 and TLSv1.1 are accepted here with a warning and
        /// never spoken; a list with neither TLSv1.2 nor TLSv1.3 is an error.
        ssl_protocols: SetOf<Protocols> = "TLSv1.2 TLSv1.3", MAIL_SERVER;
        /// The cipher suites of TLSv1.2, as an OpenSSL cipher string: `HIGH:!aNULL:!MD5`. Of what it names those with
        /// ECDHE and AES-GCM or ChaCha20-Poly1305 are spoken; CBC and static RSA never are. The suites of TLSv1.3 are
        /// not touched by it.
        ssl_ciphers: Text = "HIGH:!aNULL:!MD5", MAIL_SERVER;
        /// Whether the server's order of cipher suites counts, and not the client's.
        ssl_prefer_server_ciphers: Flag = "off", MAIL_SERVER;
        /// Where TLS sessions are kept on the server, to be resumed.
        ///
        /// - `off`: nowhere, and clients are told so.
        /// - `none`: nowhere, though clients are not told.
        /// - `builtin[:size]`: in each process; `size` is a number of sessions.
        /// - `shared:name:size`: in memory that all share. A name means the same cache in every server, so it must have
        ///   the same size there; 32k at least, one megabyte is some 4000 sessions.
        ///
        /// `builtin` and `shared` may stand together.
        ssl_session_cache: SessionCaches = "none", MAIL_SERVER;
        /// Whether sessions are kept by the client, in tickets (RFC 5077). Since nginx 1.5.9.
        ssl_session_tickets: Flag = "on", MAIL_SERVER;
        /// A file with a key for tickets: 48 or 80 random bytes. The first line's key encrypts, the others still
        /// decrypt, so that keys can be changed, and shared by several machines. Since nginx 1.5.7.
        ssl_session_ticket_key: ConfigPaths = "", MAIL_SERVER;
        /// How long a session can be resumed. Tickets without `ssl_session_ticket_key` are good for a day at most, whatever is
        /// written here: the gateway changes the keys that it makes itself.
        ssl_session_timeout: Sec = "5m", MAIL_SERVER;
        /// Whether clients show a certificate.
        ///
        /// - `off`: none is asked for.
        /// - `on`: one is required, and must be signed by a CA of `ssl_client_certificate` or `ssl_trusted_certificate`.
        /// - `optional`: one is asked for, and checked if it comes.
        /// - `optional_no_ca`: one is asked for; whether a CA that is trusted has signed it does not matter.
        ///
        /// The auth server is told of the outcome and of the certificate. Since nginx 1.7.11.
        ssl_verify_client: Choice<VerifyClient> = "off", MAIL_SERVER;
        /// How many CA certificates may stand between a client's certificate and the one that is trusted. Since nginx
        /// 1.7.11.
        ssl_verify_depth: Number = "1", MAIL_SERVER;
        /// A file with CA certificates (PEM) that client certificates are checked by. Their names are sent to the
        /// client. Only read where `ssl_verify_client` is not `off`. Since nginx 1.7.11.
        ssl_client_certificate: ConfigPath = "", MAIL_SERVER;
        /// A file with CA certificates (PEM) that client certificates are checked by. Their names are not sent to the
        /// client. Only read where `ssl_verify_client` is not `off`. Since nginx 1.7.11.
        ssl_trusted_certificate: ConfigPath = "", MAIL_SERVER;
        /// A file with revoked client certificates (PEM). Only read where `ssl_verify_client` is not `off`. Since nginx
        /// 1.7.11.
        ssl_crl: ConfigPath = "", MAIL_SERVER;
        /// A command of OpenSSL's SSL_CONF_cmd(3) and its value: `ssl_conf_command MinProtocol TLSv1.2;`. Since nginx
        /// 1.19.4.
        ssl_conf_command: Pairs = "", MAIL_SERVER;
    }
}
