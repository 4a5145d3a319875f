//! ngx_mail_imap_module.

use crate::config::schema::module;
use crate::config::schema::values::{Announced, Flag, ImapId, ImapMethods, SetOf, Size};

module! {
    /// IMAP for client connections.
    imap: ImapWritten -> Imap {
        /// Sets the maximum length of an IMAP command, including its literals. A longer command receives an "invalid
        /// command" reply, and the connection is closed. The limit applies to each command. In nginx it applies to
        /// all commands that are pipelined together.
        imap_client_buffer: Size = "4k", MAIL_SERVER;
        /// Sets the IMAP capabilities that are announced to clients. The methods of `imap_auth` and, depending on
        /// `starttls`, STARTTLS and LOGINDISABLED are appended automatically. The list should name extensions that
        /// the backend supports.
        ///
        /// If this directive is absent and `proxy_pass` is used without `auth_http`, portcullis announces the
        /// capabilities of the backend. It queries them at start, on reload and, while clients connect, about once a
        /// minute. STARTTLS, LOGINDISABLED, LOGIN-REFERRALS and XCLIENT are left out. The default applies until
        /// the backend has answered.
        ///
        /// Of the methods of `imap_auth`, only those are announced that the backend can take, inside TLS where
        /// `proxy_ssl` is used. LOGINDISABLED is announced if it takes no password. If it can take no method, the log
        /// says what it offers. With `proxy_protocol v2` all are announced: the backend may offer more to clients that
        /// use TLS.
        imap_capabilities: Announced = "IMAP4 IMAP4rev1 UIDPLUS", MAIL_SERVER;
        /// Sets the authentication methods for IMAP clients.
        ///
        /// - `plain`: the LOGIN command and AUTHENTICATE PLAIN.
        /// - `login`: AUTHENTICATE LOGIN.
        /// - `cram-md5`: AUTHENTICATE CRAM-MD5. With `auth_http`, the authentication server needs the password in
        ///   clear text. Without it, the challenge of the backend is passed to the client.
        /// - `external`: AUTHENTICATE EXTERNAL, with the client certificate (see `ssl_verify_client`). With
        ///   `auth_http`, the authentication server decides. Without it, the certificate must be verified, and the
        ///   login must be one of its names: commonName, emailAddress or rfc822Name. An empty login means the first
        ///   of them.
        /// - `xoauth2`, `oauthbearer`: an OAuth 2.0 token (RFC 7628). freenginx and Angie have these values too,
        ///   nginx does not.
        /// - `scram-sha-1`, `scram-sha-256`: SCRAM (RFC 5802), which the client and the backend of `proxy_pass` speak
        ///   with each other: portcullis relays their messages and learns only the login. They are not offered with
        ///   `auth_http`, and never with channel binding (`-PLUS`). nginx does not have these values.
        ///
        /// As in nginx, LOGIN, AUTHENTICATE PLAIN and AUTHENTICATE LOGIN are always accepted; `plain` and `login`
        /// determine only whether PLAIN and LOGIN are announced.
        imap_auth: SetOf<ImapMethods> = "plain", MAIL_SERVER;
        /// Determines whether portcullis identifies clients to an IMAP backend with the ID command (RFC 2971), before it
        /// logs them in. The backend must announce ID; Dovecot also needs portcullis in `login_trusted_networks`.
        ///
        /// The fields are `x-originating-ip` and `x-originating-port` (the client), `x-connected-ip` and
        /// `x-connected-port` (the address that the client connected to), `x-proxy-ttl` and `x-session-id`. The
        /// fields of the client's own ID command follow, except for those whose names begin with `x-`, names
        /// longer than 30 bytes and values longer than 1024 bytes. nginx does not have this directive.
        imap_id: Flag = "off", MAIL_SERVER;
        /// Sets the fields of the response to the ID command (RFC 2971) of a client that has not logged in. With `off`,
        /// the response has no fields. The client's fields are written to the error log at level `info`. nginx does not
        /// have this directive: it answers ID with an error, at which some clients stop.
        imap_id_send: ImapId = "name portcullis", MAIL_SERVER;
    }
}
