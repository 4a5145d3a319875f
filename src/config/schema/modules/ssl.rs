//! ngx_mail_ssl_module.

use crate::config::model::{Alpn, StartTls, VerifyClient};
use crate::config::schema::module;
use crate::config::schema::values::{
    Choice, Choices, ConfCommands, ConfigPath, Flag, Key, NamedPaths, Number, Passwords, Protocols,
    Sec, SessionCaches, SetOf, Text,
};

impl Choices for StartTls {
    const SYNTAX: &'static str = "on | off | only";
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("on", Self::On), ("only", Self::Only)];
}

impl Choices for Alpn {
    const SYNTAX: &'static str = "strict | lenient";
    const WORDS: &'static [(&'static str, Self)] =
        &[("strict", Self::Strict), ("lenient", Self::Lenient)];
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
    /// TLS for client connections. The settings are checked, and the files read, only for servers with `listen ...
    /// ssl` or `starttls`.
    ssl: SslWritten -> Ssl {
        /// Enables TLS on all sockets of the server. nginx removed this directive in 1.25.1; portcullis accepts it
        /// with a warning. Use the `ssl` parameter of `listen` instead. `ssl on` conflicts with `starttls`.
        ssl: Flag = "off", MAIL_SERVER => SwitchesTlsOn;
        /// Enables or disables TLS within an established connection: the STARTTLS command in SMTP and IMAP, STLS in
        /// POP3. Requires `ssl_certificate`.
        ///
        /// - `off`: the command is not announced, and is refused.
        /// - `on`: the command is announced. Clients may log in without TLS.
        /// - `only`: clients must start TLS before they log in. Until then no login method is announced. Login
        ///   commands receive an "invalid command" reply; with `smtp_auth none`, MAIL receives `530 5.7.0 Must issue
        ///   a STARTTLS command first`. nginx accepts MAIL in this case.
        starttls: Choice<StartTls> = "off", MAIL_SERVER => OffersStartTls;
        /// Specifies a file with the certificate of the server in PEM format, followed by intermediate certificates.
        /// With `data:text`, the PEM text itself is the value.
        ///
        /// Several certificates may be specified, for different host names or for different key types such as RSA and
        /// ECDSA. Each needs an `ssl_certificate_key`; certificates and keys are paired by order. portcullis selects
        /// by the host name that the client sends (SNI) first, then by a key type that the client supports. If no
        /// certificate matches, or the client sends no name, portcullis selects among those for the host names of the
        /// first certificate. nginx selects by key type only.
        ssl_certificate: NamedPaths = none, MAIL_SERVER;
        /// Specifies a file with the private key of a certificate in PEM format. With `data:text`, the PEM text
        /// itself is the value. Keys are paired with `ssl_certificate` by order.
        ssl_certificate_key: NamedPaths<Key> = none, MAIL_SERVER;
        /// Determines whether the files of certificates, keys, CAs and revocation lists are watched, those for TLS to
        /// authentication servers, backends and the store of `limit_store` included. Files that change on disk are
        /// checked and used for new connections within seconds, without a reload. If they cannot be used, an error is
        /// logged, and the old ones stay in use. Passphrases and session ticket keys are read on reload only. An extension of portcullis.
        ssl_certificate_watch: Flag = "on", MAIL_SERVER;
        /// Specifies a file with passphrases for encrypted private keys, one per line. Each of them is tried. Since
        /// nginx 1.7.3.
        ssl_password_file: Passwords = none, MAIL_SERVER;
        /// Enables or disables compression of the server certificate (RFC 8879) for clients that support it. Since
        /// nginx 1.29.1.
        ssl_certificate_compression: Flag = "off", MAIL_SERVER;
        /// Specifies a file with DH parameters for DHE ciphers. portcullis checks the file, logs a warning and does
        /// not use it: it does not support DHE ciphers.
        ssl_dhparam: ConfigPath = none, MAIL_SERVER;
        /// Specifies the groups for key exchange, separated by colons: `X25519:prime256v1`. The value `auto` uses the
        /// list of the TLS library.
        ///
        /// portcullis supports X25519MLKEM768, SecP256r1MLKEM768, MLKEM768, X25519, prime256v1 and secp384r1. Any
        /// other group causes a warning; a list without a supported group is an error.
        ssl_ecdh_curve: Text = "auto", MAIL_SERVER;
        /// Enables the specified TLS versions. portcullis never negotiates SSLv2, SSLv3, TLSv1 or TLSv1.1: they cause
        /// a warning. If the list has neither TLSv1.2 nor TLSv1.3, both are enabled.
        ssl_protocols: SetOf<Protocols> = "TLSv1.2 TLSv1.3", MAIL_SERVER;
        /// Specifies the enabled TLSv1.2 ciphers as an OpenSSL cipher string, such as `HIGH:!aNULL:!MD5`. portcullis
        /// uses those with ECDHE key exchange and AES-GCM or ChaCha20-Poly1305. A cipher of another kind that is
        /// listed by name, such as one with CBC or static RSA, causes a warning. The ciphers of TLSv1.3 are not
        /// affected.
        ssl_ciphers: Text = "HIGH:!aNULL:!MD5", MAIL_SERVER;
        /// Specifies that the order of ciphers on the server takes precedence over the order of the client.
        ssl_prefer_server_ciphers: Flag = "off", MAIL_SERVER;
        /// Sets the type of the cache that stores TLS sessions for resumption.
        ///
        /// - `off`: no cache. Clients are told that sessions cannot be resumed.
        /// - `none`: no cache. Clients are told that sessions may be resumed, but none are stored.
        /// - `builtin[:size]`: an unnamed cache; `size` is a number of sessions, 20480 by default.
        /// - `shared:name:size`: a cache that servers share by its name; `size` is in bytes, with the unit `k` or
        ///   `m`. The size must be the same wherever the name is used, and at least 32k. One megabyte stores about
        ///   4000 sessions.
        ///
        /// If `builtin` and `shared` are both given, portcullis uses the shared cache. The caches survive a reload.
        ssl_session_cache: SessionCaches = "none", MAIL_SERVER => DeclaresZones;
        /// Enables or disables resumption by session tickets (RFC 5077). Since nginx 1.5.9.
        ssl_session_tickets: Flag = "on", MAIL_SERVER;
        /// Sets a file with the secret key for session tickets. The file must contain 48 or 80 bytes of random data.
        /// If several keys are specified, the first one encrypts new tickets and all of them decrypt, which allows
        /// key rotation and the use of one key on several machines. Without this directive portcullis generates keys
        /// and replaces them every hour. Since nginx 1.5.7.
        ssl_session_ticket_key: NamedPaths = none, MAIL_SERVER;
        /// Specifies how long a client can resume a session. Tickets encrypted with generated keys (without
        /// `ssl_session_ticket_key`) expire after one day at the latest.
        ssl_session_timeout: Sec = "5m", MAIL_SERVER;
        /// Enables or disables verification of client certificates. Since nginx 1.7.11.
        ///
        /// - `off`: portcullis requests no certificate.
        /// - `on`: the client must present a certificate issued by a CA in `ssl_client_certificate` or
        ///   `ssl_trusted_certificate`.
        /// - `optional`: portcullis requests a certificate and verifies it if the client presents one.
        /// - `optional_no_ca`: portcullis requests a certificate, which need not be issued by a trusted CA.
        ///
        /// After the handshake, a client without a required certificate receives `421 4.7.1 No required SSL
        /// certificate` (SMTP), `* BYE No required SSL certificate` (IMAP) or `-ERR No required SSL certificate`
        /// (POP3); a client with an invalid certificate receives `SSL certificate error` in the same form. The
        /// connection is then closed. The result of verification is passed to the authentication server
        /// (`Auth-SSL-Verify`).
        ///
        /// Certificates with an RSA key of less than 2048 bits are always rejected.
        ssl_verify_client: Choice<VerifyClient> = "off", MAIL_SERVER;
        /// Sets the maximum number of intermediate CA certificates between a client certificate and a trusted CA.
        /// Since nginx 1.7.11.
        ssl_verify_depth: Number = "1", MAIL_SERVER;
        /// Specifies a file with trusted CA certificates in PEM format, used to verify client certificates. The names
        /// of these CAs are sent to clients. Not used if `ssl_verify_client` is `off`. Since nginx 1.7.11.
        ssl_client_certificate: ConfigPath = none, MAIL_SERVER;
        /// Specifies a file with trusted CA certificates in PEM format, used to verify client certificates. The names
        /// of these CAs are not sent to clients. Not used if `ssl_verify_client` is `off`. Since nginx 1.7.11.
        ssl_trusted_certificate: ConfigPath = none, MAIL_SERVER;
        /// Specifies a file with certificate revocation lists (CRLs) in PEM format, used to verify client
        /// certificates. A CRL of every CA in the chain is required. Not used if `ssl_verify_client` is `off`. Since
        /// nginx 1.7.11.
        ssl_crl: ConfigPath = none, MAIL_SERVER;
        /// Sets how a client is treated that offers protocols in the TLS handshake (ALPN, RFC 7301), but not the one of
        /// the server (`smtp`, `imap`, `pop3` or `managesieve`). The error log names the protocols that a refused client offers.
        ///
        /// - `strict`: the handshake fails, as in nginx.
        /// - `lenient`: the handshake continues without ALPN. Some clients, among them Outlook 2016, offer the protocols
        ///   of web browsers.
        ssl_alpn: Choice<Alpn> = "strict", MAIL_SERVER;
        /// Sets an OpenSSL configuration command, as in SSL_CONF_cmd(3): `ssl_conf_command MinProtocol TLSv1.2;`. It
        /// overrides the directives for the same setting. A relative path is resolved against the directory of the
        /// main configuration file. These commands have an effect:
        ///
        /// - `CipherString`, `Ciphersuites`, `Groups` (`Curves`), `ECDHParameters`, `MinProtocol`, `MaxProtocol`,
        ///   `Protocol`, `SignatureAlgorithms`, `ClientSignatureAlgorithms`, `NumTickets`, and the options
        ///   `ServerPreference`, `SessionTicket` and `TxCertificateCompression`.
        /// - `Certificate` and `PrivateKey` replace the certificate and the key of the same type.
        /// - `ChainCAFile`, `ChainCAPath` and `ChainCAStore` complete the chain of a certificate whose file contains
        ///   no other certificate.
        /// - `VerifyMode` with `Request` or `Require`: the handshake requests a client certificate, and `Require`
        ///   aborts it without one. If `ssl_verify_client` is `off`, a certificate that is not trusted aborts it too.
        /// - `VerifyCAFile`, `VerifyCAPath` and `VerifyCAStore` replace the trusted CAs; `ClientCAFile`,
        ///   `RequestCAFile` and their like replace the CAs that are named to clients if `ssl_client_certificate` is
        ///   not set.
        ///
        /// Any other command is checked, and causes a warning if OpenSSL would behave differently with it. Since
        /// nginx 1.19.4.
        ssl_conf_command: ConfCommands = none, MAIL_SERVER;
    }
}
