//! ngx_mail_proxy_module, with `proxy_pass`, `proxy_connect_timeout`, `proxy_smtp_helo` and further values of `proxy_smtp_auth` and
//! `xclient`.

use crate::config::model::{ProxyProtocol, ProxySmtpAuth, ProxySmtpHelo, Xclient};
use crate::config::schema::module;
use crate::config::schema::values::{
    Choice, Choices, Flag, Msec, Number, SentTlvs, Size, UpstreamName,
};

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

impl Choices for ProxySmtpHelo {
    const SYNTAX: &'static str = "server | client";
    const WORDS: &'static [(&'static str, Self)] =
        &[("server", Self::Server), ("client", Self::Client)];
}

impl Choices for Xclient {
    const SYNTAX: &'static str = "on | off | announced";
    const IS_FLAG: bool = true;
    const WORDS: &'static [(&'static str, Self)] = &[
        ("off", Self::Off),
        ("on", Self::On),
        ("announced", Self::Announced),
    ];
}

impl Choices for ProxyProtocol {
    const SYNTAX: &'static str = "on | off | v2";
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("on", Self::V1), ("v2", Self::V2)];
}

module! {
    /// Connections to the backend.
    proxy: ProxyWritten -> Proxy {
        /// portcullis accepts this directive and ignores it, as nginx does: a mail server is always a proxy.
        proxy: Flag = "off", MAIL_SERVER;
        /// Sets the backend: the name of a group (`upstream`), `host[:port]`, `unix:path`, or a text with variables that yields one of
        /// these. The default port is 25 for SMTP, 143 for IMAP, 110 for POP3 and 4190 for ManageSieve. A host name is
        /// resolved when the configuration is read. If it has several addresses, they are a group of equal servers.
        ///
        /// A server needs this directive or `auth_http`. Without `auth_http`, the backend authenticates the client:
        /// portcullis passes the login on by a method that the backend announces. After a refusal the client may try
        /// again. If no connection to the backend can be made, the client receives `451 4.4.1` (SMTP), `NO
        /// [UNAVAILABLE]` (IMAP), `-ERR [SYS/TEMP]` (POP3) or `NO (TRYLATER)` (ManageSieve), and may try again too.
        ///
        /// With variables, the backend is found at each login, as in `proxy_pass $backend;` with `map $remote_user $backend {
        /// include users.map; }`. A host name is then resolved by `resolver`. If the variables yield nothing, the client
        /// receives a temporary error, and the log names the `map` and the key. The capabilities of such backends cannot be
        /// announced, because the login is not known yet: those configured (`smtp_capabilities`, `imap_capabilities`,
        /// `pop3_capabilities`) or the default ones are. With CRAM-MD5, the backend sends its challenge before the login is known,
        /// so variables of the login are empty: leave it out of `smtp_auth`, `imap_auth` and `pop3_auth`, or have a default.
        /// `portcullis --route LOGIN` prints the backend of a login.
        ///
        /// With `auth_http`, the authentication server decides. `proxy_pass` is then the backend for responses
        /// without `Auth-Server`.
        proxy_pass: UpstreamName, MAIL_SERVER;
        /// Sets the size of the buffer for replies of the backend up to a complete login. A longer reply ends the
        /// attempt, with the log message `upstream sent too long response line`. Unlike in nginx, the buffer is not
        /// used after the login.
        proxy_buffer: Size = "4k", MAIL_SERVER;
        /// Sets the timeout after the login. If no data passes in either direction within this time, the session is
        /// closed.
        proxy_timeout: Msec = "24h", MAIL_SERVER;
        /// Sets the timeout for connecting to an address of the backend. The same value separately limits the TLS
        /// handshake with the backend (`proxy_ssl`) and, where another server can be tried (`proxy_next_upstream`), each reply of the
        /// backend before the login. `timeout` also limits connecting and the whole dialogue with the
        /// backend up to a complete login.
        proxy_connect_timeout: Msec = "60s", MAIL_SERVER;
        /// Determines whether a session tries the next server of a group (or the next address of a name) when a server
        /// fails before the login: on an error or a timeout of the connection, of TLS or of a reply, when the server closes the
        /// connection, and when it refuses the session in its greeting (4xx or 554 in SMTP, `BYE` in IMAP, `-ERR` in POP3, `BYE` or
        /// `NO` in ManageSieve) or in its answer to a command before the login, such as EHLO, STARTTLS or XCLIENT. Once a login or a
        /// mail transaction has been sent to a server, no other server is tried.
        proxy_next_upstream: Flag = "on", MAIL_SERVER;
        /// Limits the number of servers that a session tries. The value 0 means no limit.
        proxy_next_upstream_tries: Number = "0", MAIL_SERVER;
        /// Limits the time in which a session tries further servers. The value 0 means no limit; `timeout` still applies.
        proxy_next_upstream_timeout: Msec = "0", MAIL_SERVER;
        /// Determines whether the client receives the error message of the backend when the login fails there. With
        /// `off`, it receives a general reply: with `auth_http`, an internal error reply; otherwise, the error code
        /// of the backend with a general text.
        ///
        /// A reply that a client could take as an acceptance of its login is never passed on, nor is a reply before
        /// TLS with `proxy_ssl starttls`: the client receives the general reply.
        ///
        /// The message of a backend may contain information that clients should not see. Some POP3 servers, however,
        /// use it to inform users, for example about a full mailbox.
        proxy_pass_error_message: Flag = "off", MAIL_SERVER;
        /// Determines whether the XCLIENT command passes information about the client to an SMTP backend: its
        /// address, its host name (see `resolver`) and its login. The backend must permit XCLIENT from portcullis
        /// (Postfix: `smtpd_authorized_xclient_hosts`).
        ///
        /// - `on`: with `auth_http`, XCLIENT is sent whether or not the backend announces it, as in nginx. Without
        ///   `auth_http`, as `announced`.
        /// - `announced`: XCLIENT is sent if the backend announces it, with the announced attributes only. nginx does
        ///   not have this value.
        /// - `off`: no XCLIENT.
        ///
        /// Where the announcement decides, the backend also gets the attributes `PORT`, `DESTADDR` and `DESTPORT` (the
        /// address that the client has connected to). In any case it gets `SESSION`, the identifier in `mail_log`, if
        /// it announces that.
        ///
        /// After XCLIENT, portcullis sends the HELO or EHLO command of the client. A refusal of XCLIENT ends the
        /// session. Without XCLIENT, a backend that `auth_http` selects does not get the login, unless
        /// `proxy_smtp_auth` is used.
        xclient: Choice<Xclient> = "on", MAIL_SERVER;
        /// Determines whether portcullis logs in to an SMTP backend with the AUTH command. It uses `Auth-User` and
        /// `Auth-Pass` of the authentication server's response, or else the login and password of the client. XCLIENT
        /// omits the login in this case. Since nginx 1.19.4.
        ///
        /// - `off`: no AUTH.
        /// - `on`: AUTH PLAIN, or AUTH LOGIN if the backend announces LOGIN but not PLAIN.
        /// - `plain`, `login`: AUTH with this mechanism. nginx has `on` and `off` only, and uses PLAIN.
        ///
        /// `Auth-SMTP-Auth: off` in the response disables AUTH for the session. `Auth-SMTP-Auth: on` enables it if
        /// this directive is `off`. Without `auth_http` the directive has no effect: the backend authenticates the
        /// client itself.
        proxy_smtp_auth: Choice<ProxySmtpAuth> = "off", MAIL_SERVER;
        /// Selects the name in the EHLO or HELO command to an SMTP backend. `server` is the name in `server_name`.
        /// `client` is the name that the client sent in its own HELO or EHLO, or `server_name` if it sent none.
        /// `client` requires `xclient off`.
        proxy_smtp_helo: Choice<ProxySmtpHelo> = "server", MAIL_SERVER;
        /// Enables a PROXY protocol header at the start of each connection to the backend. It passes the address of
        /// the client, and must be enabled on the backend too. `on` sends version 1, a line of text; `v2` sends the
        /// binary version 2. The header precedes TLS (`proxy_ssl`). Since nginx 1.19.8; `v2` since 1.31.4.
        proxy_protocol: Choice<ProxyProtocol> = "off", MAIL_SERVER;
        /// Adds an extension (TLV) to the PROXY protocol headers of version 2: `proxy_protocol_tlv 0xe0 $session_id;`. The lines
        /// of a `server` block replace those of `mail`. Without `proxy_protocol v2` they have no effect, and `-t` warns.
        ///
        /// A header describes the TLS connection of the client without this directive, as in nginx: `authority`, `alpn` and `ssl`
        /// with its parts. A line replaces the extension or the part of its name. If its value is empty, the extension is left out.
        ///
        /// The extensions of a header that was received (`listen ... proxy_protocol`) are passed on by their variables:
        /// `proxy_protocol_tlv unique_id $proxy_protocol_tlv_unique_id;`, or `proxy_protocol_tlv ssl $proxy_protocol_tlv_ssl;` for
        /// all that the other proxy says about TLS.
        ///
        /// Where the header has an extension `ssl` only because parts of it are configured, it says that the client uses TLS, and
        /// with `ssl_cn` also that the client has a certificate. That certificate is not valid unless `ssl_verify` is 0.
        /// With CRAM-MD5 and without `auth_http`, the header is sent before the login is known: variables of the login are empty.
        ///
        /// Values that are malformed, or too long for a header (65535 bytes), are left out, with a line in the log. Health checks
        /// and requests for capabilities have no client: they send the extensions whose values have no variables.
        proxy_protocol_tlv: SentTlvs = none, MAIL_SERVER;
    }
}
