//! TLS towards backends: the `proxy_ssl` family of ngx_stream_proxy_module, with `starttls` as a third word.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::choice::{Choice, Choices};
use crate::config::value::flag::Flag;
use crate::config::value::number::Number;
use crate::config::value::passwords::Passwords;
use crate::config::value::path::{ConfigPath, NamedPath};
use crate::config::value::set::SetOf;
use crate::config::value::text::{Pairs, Text};
use crate::config::value::tls::Protocols;

/// `proxy_ssl`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BackendTls {
    /// Clear text.
    #[default]
    Off,
    /// TLS from the first byte.
    On,
    /// TLS within the open connection: STARTTLS, STLS.
    StartTls,
}

impl Choices for BackendTls {
    const SYNTAX: &'static str = "on | off | starttls";
    const IS_FLAG: bool = true;
    const WORDS: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("on", Self::On),
        ("starttls", Self::StartTls),
    ];
}

module! {
    /// TLS towards the mail server behind the gateway.
    proxy_ssl in Scope: ProxySslWritten -> ProxySsl {
        /// Whether connections to the mail server are TLS.
        ///
        /// - `off`: no.
        /// - `on`: from the first byte, as on ports 465, 993 and 995.
        /// - `starttls`: within the open connection, by STARTTLS in SMTP and IMAP, STLS in POP3. A mail server that does
        ///   not announce it, or refuses it, is not used: a login never goes over clear text instead.
        ///
        /// A PROXY header (`proxy_protocol`) goes before TLS, in clear text.
        proxy_ssl: Choice<BackendTls> = "off", MAIL_SERVER;
        /// Whether the mail server's certificate is checked: it must be of a CA in `proxy_ssl_trusted_certificate`, and
        /// have the right name. `off`, as in nginx: what is said cannot be overheard, but whom it is said to is not sure.
        proxy_ssl_verify: Flag = "off", MAIL_SERVER;
        /// How many CA certificates may stand between the mail server's certificate and the one that is trusted.
        proxy_ssl_verify_depth: Number = "1", MAIL_SERVER;
        /// The name that the mail server's certificate must have, and that the mail server is told where
        /// `proxy_ssl_server_name` is on: a host name, or an IP address. Without it the host of `proxy_pass`; for a mail
        /// server that the auth server has named, `Auth-Server` as it was sent.
        proxy_ssl_name: Text = "", MAIL_SERVER;
        /// Whether the mail server is told the name it is expected to have (SNI, RFC 6066). An address is never told.
        proxy_ssl_server_name: Flag = "off", MAIL_SERVER;
        /// A file with CA certificates (PEM) that mail servers are checked by. Needed where `proxy_ssl_verify` is on, and
        /// only read there. A mail server's own certificate, signed by itself, can be named here too.
        proxy_ssl_trusted_certificate: ConfigPath = "", MAIL_SERVER;
        /// A file with revoked certificates of mail servers (PEM). Every CA of a chain needs a list in it. Only read where
        /// `proxy_ssl_verify` is on.
        proxy_ssl_crl: ConfigPath = "", MAIL_SERVER;
        /// The certificate that the mail server is shown when it asks for one, then those of its chain (PEM). `data:` and
        /// the text itself may stand instead of a name.
        proxy_ssl_certificate: NamedPath = "", MAIL_SERVER;
        /// The key of `proxy_ssl_certificate` (PEM). `data:` and the text itself may stand instead of a name.
        proxy_ssl_certificate_key: NamedPath = "", MAIL_SERVER;
        /// A file with pass phrases for `proxy_ssl_certificate_key`, one a line, each of which is tried.
        proxy_ssl_password_file: Passwords = "", MAIL_SERVER;
        /// The versions of TLS that are spoken. SSLv2, SSLv3, TLSv1 and TLSv1.1 are accepted here with a warning and
        /// never spoken; a list with neither TLSv1.2 nor TLSv1.3 is an error.
        proxy_ssl_protocols: SetOf<Protocols> = "TLSv1.2 TLSv1.3", MAIL_SERVER;
        /// The cipher suites of TLSv1.2, as an OpenSSL cipher string. Of what it names those with ECDHE and AES-GCM or
        /// ChaCha20-Poly1305 are spoken; CBC and static RSA never are. The suites of TLSv1.3 are not touched by it.
        proxy_ssl_ciphers: Text = "DEFAULT", MAIL_SERVER;
        /// Whether TLS sessions with a mail server are resumed, which makes the next handshake with it cheaper.
        proxy_ssl_session_reuse: Flag = "on", MAIL_SERVER;
        /// A command of OpenSSL's SSL_CONF_cmd(3) and its value: `proxy_ssl_conf_command MinProtocol TLSv1.3;`.
        proxy_ssl_conf_command: Pairs = "", MAIL_SERVER;
    }
}
