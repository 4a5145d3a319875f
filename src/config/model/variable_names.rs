//! The names of the built-in variables.

/// Declares an enum whose variants have names.
macro_rules! named {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $about:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $about])+ $variant,)+
        }

        impl $name {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in a configuration.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// What it is, for the reference.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($about),+),)+
                }
            }

            /// The one of this name.
            pub fn find(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

named! {
    /// The variables with fixed names, in nginx's words where nginx's stream or HTTP module has them.
    SessionVariable {
        /// The client's address.
        RemoteAddr = "remote_addr",
        /// The client's port.
        RemotePort = "remote_port",
        /// The client's address, as 4 or 16 bytes.
        BinaryRemoteAddr = "binary_remote_addr",
        /// The address that the client connected to.
        ServerAddr = "server_addr",
        /// The port that the client connected to.
        ServerPort = "server_port",
        /// The name of the server.
        ServerName = "server_name",
        /// The client's address in the PROXY header, trusted or not.
        ProxyProtocolAddr = "proxy_protocol_addr",
        /// The client's port in the PROXY header.
        ProxyProtocolPort = "proxy_protocol_port",
        /// The number of the connection, as in the error log.
        Connection = "connection",
        /// The identifier of the session.
        SessionId = "session_id",
        /// `smtp`, `imap`, `pop3` or `sieve`.
        Protocol = "protocol",
        /// The login.
        RemoteUser = "remote_user",
        /// The login up to its last `@`.
        RemoteUserLocal = "remote_user_local",
        /// The login after its last `@`.
        RemoteUserDomain = "remote_user_domain",
        /// The SASL mechanism or command of the login: `plain`, `login`, `cram-md5`, …
        AuthMethod = "auth_method",
        /// The version of TLS: `TLSv1.3`.
        SslProtocol = "ssl_protocol",
        /// The cipher suite, in OpenSSL's words.
        SslCipher = "ssl_cipher",
        /// The group of the key exchange.
        SslCurve = "ssl_curve",
        /// `r` if the TLS session was resumed, else `.`.
        SslSessionReused = "ssl_session_reused",
        /// The server name that the client sent in TLS.
        SslServerName = "ssl_server_name",
        /// `SUCCESS`, `FAILED:reason` or `NONE`.
        SslClientVerify = "ssl_client_verify",
        /// The subject of the client's certificate.
        SslClientSDn = "ssl_client_s_dn",
        /// The SHA-1 fingerprint of the client's certificate.
        SslClientFingerprint = "ssl_client_fingerprint",
        /// The argument of the client's HELO or EHLO.
        SmtpHelo = "smtp_helo",
        /// The argument of the client's MAIL before the backend is connected.
        SmtpFrom = "smtp_from",
        /// The argument of the client's RCPT before the backend is connected.
        SmtpTo = "smtp_to",
        /// The name of the machine.
        Hostname = "hostname",
        /// The process identifier.
        Pid = "pid",
        /// The current time in seconds, with milliseconds.
        Msec = "msec",
        /// The current time: `2026-11-29T10:42:00+01:00`.
        TimeIso8601 = "time_iso8601",
        /// The current time: `29/Nov/2026:10:42:00 +0100`.
        TimeLocal = "time_local",
    }
}

named! {
    /// The fields of a session's line in `mail_log`, in their order.
    SessionField {
        /// The end of the session, with milliseconds: `2026-11-29T10:42:00.123+01:00`.
        Time = "time",
        /// The identifier of the session.
        Session = "session",
        /// `smtp`, `imap`, `pop3` or `sieve`.
        Protocol = "protocol",
        /// The address that the client connected to, with the port.
        Server = "server",
        /// The client's address, with the port.
        Client = "client",
        /// The version of TLS; absent in clear text.
        Tls = "tls",
        /// The cipher suite, in OpenSSL's words.
        Cipher = "cipher",
        /// The server name that the client sent in TLS.
        Sni = "sni",
        /// The argument of the client's HELO or EHLO.
        Helo = "helo",
        /// The SASL mechanism or command of the last login.
        Method = "method",
        /// The last login.
        Login = "login",
        /// The result, one word: `login`, `login-failed`, `no-login`, `refused`, `limited`, `timeout`, `backend-unavailable`,
        /// `auth-unavailable`, `tls-failed`, `protocol-error` or `shutdown`.
        Result = "result",
        /// The cause of the result in words, where it is not a success.
        Reason = "reason",
        /// The directive that decided the result, as `file:line`, or `default`. Absent where a peer decided.
        By = "by",
        /// The backend's address, with the port.
        Upstream = "upstream",
        /// The version of TLS towards the backend.
        UpstreamTls = "upstream_tls",
        /// The time from the first connection attempt to the backend until it was connected, in seconds.
        ConnectSeconds = "connect_s",
        /// The time from accept to the end of the login, in seconds.
        LoginSeconds = "login_s",
        /// The time from accept to the end of the session, in seconds.
        TotalSeconds = "total_s",
        /// Bytes from the client.
        In = "in",
        /// Bytes to the client.
        Out = "out",
        /// The side that ended the session: `client`, `backend` or `gateway`.
        EndedBy = "ended_by",
    }
}

named! {
    /// The fields of a message's line in `mail_log`, in their order.
    MessageField {
        /// The final reply, with milliseconds: `2026-11-29T10:42:00.123+01:00`.
        Time = "time",
        /// The identifier of the session.
        Session = "session",
        /// The argument of MAIL FROM, without the angle brackets.
        Sender = "sender",
        /// The arguments of RCPT TO, without the angle brackets, separated by commas.
        Recipients = "recipients",
        /// The number of recipients that the backend accepted.
        Accepted = "accepted",
        /// The size of the message in bytes.
        Size = "size",
        /// The code of the final reply, or `aborted`.
        Code = "code",
        /// The text of the final reply.
        Reply = "reply",
        /// The queue identifier in the final reply.
        QueueId = "queue_id",
        /// The time from MAIL to the final reply, in seconds.
        Seconds = "seconds",
        /// The number of BDAT commands; absent for DATA.
        Bdat = "bdat",
    }
}
