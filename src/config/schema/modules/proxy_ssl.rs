//! TLS towards backends: the `proxy_ssl` family of ngx_stream_proxy_module, with `starttls` as a third value of `proxy_ssl`.

use crate::config::model::BackendTls;
use crate::config::schema::module;
use crate::config::schema::values::{
    Choice, Choices, ConfCommands, ConfigPath, Flag, Key, NamedPath, Number, OptionalText,
    Passwords, Protocols, SetOf, Text,
};

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
    /// TLS for backend connections. The directives follow the stream module of nginx. The settings are checked, and
    /// the files read, only for servers with `proxy_ssl`.
    proxy_ssl: ProxySslWritten -> ProxySsl {
        /// Enables TLS for connections to the backend.
        ///
        /// - `off`: no TLS.
        /// - `on`: TLS starts with the first byte (implicit TLS), as on ports 465, 993 and 995.
        /// - `starttls`: TLS starts within the connection, by STARTTLS (SMTP, IMAP, ManageSieve) or STLS (POP3). If the backend
        ///   does not announce the command or refuses it, the attempt fails. A login is never sent in clear text
        ///   instead.
        ///
        /// A PROXY header (`proxy_protocol`) is sent before the handshake, in clear text. If the handshake fails, no
        /// other address of the backend is tried.
        proxy_ssl: Choice<BackendTls> = "off", MAIL_SERVER;
        /// Enables or disables verification of the backend certificate. The certificate must be issued by a CA in
        /// `proxy_ssl_trusted_certificate` and must match the backend name (`proxy_ssl_name`). With `off`, the
        /// connection is encrypted, but the backend is not authenticated.
        proxy_ssl_verify: Flag = "off", MAIL_SERVER;
        /// Sets the maximum number of intermediate CA certificates between the backend certificate and a trusted CA.
        proxy_ssl_verify_depth: Number = "1", MAIL_SERVER;
        /// Overrides the name that the backend certificate must match, and that is sent through SNI if
        /// `proxy_ssl_server_name` is `on`. The value is a host name or an IP address. The default is the host in
        /// `proxy_pass`, or `Auth-Server` as received from the authentication server.
        proxy_ssl_name: OptionalText = none, MAIL_SERVER;
        /// Enables or disables sending the backend name through SNI (RFC 6066). An IP address is never sent.
        proxy_ssl_server_name: Flag = "off", MAIL_SERVER;
        /// Specifies a file with trusted CA certificates in PEM format, used to verify the backend certificate.
        /// Required if `proxy_ssl_verify` is `on`, otherwise not used. The file may also contain the self-signed
        /// certificate of a backend.
        proxy_ssl_trusted_certificate: ConfigPath = none, MAIL_SERVER;
        /// Specifies a file with certificate revocation lists (CRLs) in PEM format, used to verify the backend
        /// certificate. A CRL of every CA in the chain is required. Not used if `proxy_ssl_verify` is `off`.
        proxy_ssl_crl: ConfigPath = none, MAIL_SERVER;
        /// Specifies a file with the certificate in PEM format that authenticates portcullis to the backend, followed
        /// by intermediate certificates. With `data:text`, the PEM text itself is the value. Requires
        /// `proxy_ssl_certificate_key`.
        proxy_ssl_certificate: NamedPath = none, MAIL_SERVER;
        /// Specifies a file with the private key of `proxy_ssl_certificate` in PEM format. With `data:text`, the PEM
        /// text itself is the value.
        proxy_ssl_certificate_key: NamedPath<Key> = none, MAIL_SERVER;
        /// Specifies a file with passphrases for `proxy_ssl_certificate_key`, one per line. Each of them is tried.
        proxy_ssl_password_file: Passwords = none, MAIL_SERVER;
        /// Enables the specified TLS versions for connections to the backend. portcullis never negotiates SSLv2,
        /// SSLv3, TLSv1 or TLSv1.1: they cause a warning. If the list has neither TLSv1.2 nor TLSv1.3, both are enabled.
        proxy_ssl_protocols: SetOf<Protocols> = "TLSv1.2 TLSv1.3", MAIL_SERVER;
        /// Specifies the enabled TLSv1.2 ciphers for connections to the backend, as an OpenSSL cipher string.
        /// portcullis uses those with ECDHE key exchange and AES-GCM or ChaCha20-Poly1305. A cipher of another kind
        /// that is listed by name, such as one with CBC or static RSA, causes a warning. The ciphers of TLSv1.3 are
        /// not affected.
        proxy_ssl_ciphers: Text = "DEFAULT", MAIL_SERVER;
        /// Determines whether TLS sessions with the backend are resumed, which makes later handshakes cheaper.
        proxy_ssl_session_reuse: Flag = "on", MAIL_SERVER;
        /// Sets an OpenSSL configuration command for connections to the backend, as in SSL_CONF_cmd(3):
        /// `proxy_ssl_conf_command MinProtocol TLSv1.3;`. It overrides the directives for the same setting. The
        /// commands of `ssl_conf_command` have an effect. `VerifyMode Peer` aborts the handshake if the certificate
        /// of the backend is not issued by a CA in `VerifyCAFile`; it does not check the name.
        proxy_ssl_conf_command: ConfCommands = none, MAIL_SERVER;
    }
}
