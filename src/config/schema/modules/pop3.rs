//! ngx_mail_pop3_module, with `pop3_client_buffer` and `pop3_xclient`.

use crate::config::schema::module;
use crate::config::schema::values::{Announced, Flag, Pop3Methods, SetOf, Size};

module! {
    /// POP3 for client connections.
    pop3: Pop3Written -> Pop3 {
        /// Sets the maximum length of a POP3 command. A longer command receives an "invalid command" reply, and the
        /// connection is closed. In nginx, the limit is 128 bytes for all commands that are pipelined together.
        pop3_client_buffer: Size = "4k", MAIL_SERVER;
        /// Sets the POP3 capabilities that are announced to clients. The methods of `pop3_auth` and, depending on
        /// `starttls`, STLS are appended automatically. The list should name extensions that the backend supports.
        ///
        /// If this directive is absent and `proxy_pass` is used without `auth_http`, portcullis announces USER and
        /// the capabilities of the backend. It queries them at start, on reload and, while clients connect, about
        /// once a minute. SASL, STLS, UTF8 and XCLIENT are left out. Only USER is announced until the backend has
        /// answered.
        ///
        /// Of USER and the methods of `pop3_auth`, only those are announced that the backend can take, inside TLS
        /// where `proxy_ssl` is used. If there are none, the log says what the backend offers. With `proxy_protocol v2`
        /// all are announced: the backend may offer more to clients that use TLS.
        pop3_capabilities: Announced = "TOP USER UIDL", MAIL_SERVER;
        /// Sets the authentication methods for POP3 clients.
        ///
        /// - `plain`: USER and PASS, AUTH PLAIN and AUTH LOGIN.
        /// - `apop`: the APOP command. The authentication server needs the password in clear text. Requires
        ///   `auth_http`; without it, APOP is not offered and a warning is logged.
        /// - `cram-md5`: AUTH CRAM-MD5. With `auth_http`, the authentication server needs the password in clear text.
        ///   Without it, the challenge of the backend is passed to the client.
        /// - `external`: AUTH EXTERNAL, with the client certificate (see `ssl_verify_client`). With `auth_http`, the
        ///   authentication server decides. Without it, the certificate must be verified, and the login must be one
        ///   of its names: commonName, emailAddress or rfc822Name. An empty login means the first of them.
        /// - `xoauth2`, `oauthbearer`: an OAuth 2.0 token (RFC 7628). freenginx and Angie have these values too,
        ///   nginx does not.
        /// - `scram-sha-1`, `scram-sha-256`: SCRAM (RFC 5802), which the client and the backend of `proxy_pass` speak
        ///   with each other: portcullis relays their messages and learns only the login. They are not offered with
        ///   `auth_http`, and never with channel binding (`-PLUS`). nginx does not have these values.
        ///
        /// As in nginx, USER and PASS, AUTH PLAIN and AUTH LOGIN are always accepted; `plain` determines only whether
        /// PLAIN and LOGIN are announced.
        pop3_auth: SetOf<Pop3Methods> = "plain", MAIL_SERVER;
        /// Determines whether the XCLIENT command tells a POP3 backend who the client is, if the backend announces it in
        /// its greeting (`+OK [XCLIENT]`), as Dovecot does to addresses in `login_trusted_networks`, or in the
        /// response to CAPA. The attributes are `ADDR` and
        /// `PORT` (the address of the client), `SESSION` (the identifier in `mail_log`) and `TTL`. nginx does not have
        /// this directive.
        pop3_xclient: Flag = "off", MAIL_SERVER;
    }
}
