//! ngx_mail_auth_http_module.

use crate::config::schema::module;
use crate::config::schema::values::{ConfigPath, Flag, Headers, HttpUrl, Msec, OptionalText};

module! {
    /// The authentication server, which decides over HTTP whether a client may log in and to which backend it
    /// connects.
    auth_http: AuthHttpWritten -> AuthHttp {
        /// Sets the URL of the authentication server. A server needs this directive or `proxy_pass`. For each login,
        /// portcullis sends a GET request without a body. Its headers describe the login and the client:
        ///
        /// - `Auth-Method`: `plain`, `apop`, `cram-md5`, `external`, `xoauth2`, `oauthbearer`, or `none` for mail
        ///   without a login (`smtp_auth none`).
        /// - `Auth-User`, `Auth-Pass`: the login and the password, digest or token. Spaces, control characters and
        ///   `%` are sent as `%XX`.
        /// - `Auth-Salt`: the challenge of APOP or CRAM-MD5.
        /// - `Auth-Protocol`: `smtp`, `imap`, `pop3` or `sieve`.
        /// - `Auth-Login-Attempt`: the number of the attempt within the connection.
        /// - `Client-IP`, `Client-Port` (see `auth_http_client_port`), and for SMTP `Client-Host` (see `resolver`).
        /// - `Auth-SMTP-Helo`, `Auth-SMTP-From`, `Auth-SMTP-To`: for mail without a login, the HELO name and the MAIL
        ///   and RCPT commands.
        /// - `Auth-SSL` and further `Auth-SSL-*` headers: the TLS connection and the client certificate.
        /// - `Proxy-Protocol-*`: the addresses in a PROXY header.
        /// - `Auth-Session`: see `auth_http_session_id`.
        ///
        /// Only the headers of the response are used:
        ///
        /// - `Auth-Status: OK` accepts the login. `Auth-Server`, an IP address or a host name, and `Auth-Port` name
        ///   the backend; without them `proxy_pass` does. `Auth-User` and `Auth-Pass` replace the login at the
        ///   backend. `Auth-SMTP-Auth: on` or `off` overrides `proxy_smtp_auth`; so do `Auth-SMTP: yes` or `no`, and
        ///   `Auth-Method: none`, which means `off`.
        /// - `Auth-Status: WAIT` makes portcullis send the request again after `Auth-Wait` seconds (1 if absent), with
        ///   `Auth-User` and `Auth-Pass` of the response if it has them.
        /// - Any other `Auth-Status` refuses the login; its text is sent to the client. If there is an `Auth-Wait`,
        ///   the reply is delayed by that number of seconds and the client may try again. Otherwise the connection is
        ///   closed. `Auth-Error-Code` replaces the SMTP code `535 5.7.0`. `Auth-Error-SASL` is a base64 error
        ///   challenge that XOAUTH2 and OAUTHBEARER clients receive first.
        ///
        /// Without `Auth-Status`, a response is accepted only if its HTTP status is 2xx and it names a backend. If
        /// the request fails, or the response is invalid or its header longer than 8 kB, portcullis logs the error,
        /// sends an internal error reply and closes the connection. The reply is `451 4.3.2 Internal server error`
        /// (SMTP), `* BAD internal server error` (IMAP), `-ERR internal server error` (POP3) or `BYE (TRYLATER) "internal
        /// server error"` (ManageSieve).
        ///
        /// If the host name in the URL has several addresses, they are tried in turn. The name is resolved again when
        /// its DNS records expire. nginx uses only the first address, does not support `https://`, and limits the
        /// response header to 1 kB.
        ///
        /// The authentication server may be in the same file: if a `server` of `http {}` listens on the address, and the
        /// location of the URI answers by itself (`return`, with `add_header`, `set`, `if`, `map` and `geo`), portcullis
        /// evaluates that location and sends no request; nginx need not run. A location that needs more (`proxy_pass`,
        /// Lua, files, …) is asked over HTTP. In a terminal, `-t` says for each `auth_http` which of both holds, and
        /// names the line that cannot be evaluated.
        auth_http: HttpUrl, MAIL_SERVER;
        /// Appends a header to the requests sent to the authentication server: `auth_http_header X-Auth-Key secret;`.
        /// The server can use the header as a shared secret to verify that a request comes from portcullis. The value
        /// is sent as written.
        auth_http_header: Headers = none, MAIL_SERVER;
        /// Sets the timeout for communication with the authentication server. It applies separately to connecting, to
        /// the TLS handshake, to sending the request and to reading the response. When it expires, the client
        /// receives an internal error reply (see `auth_http`) and the connection is closed.
        auth_http_timeout: Msec = "60s", MAIL_SERVER;
        /// Determines whether the client certificate is sent to the authentication server, in the header
        /// `Auth-SSL-Cert`: in PEM format, with spaces, control characters and `%` as `%XX`. Requires
        /// `ssl_verify_client`. Since nginx 1.7.11.
        auth_http_pass_client_cert: Flag = "off", MAIL_SERVER;
        /// Determines whether the port of the client's address is sent to the authentication server, in the header
        /// `Client-Port` after `Client-IP`. A client of a UNIX-domain socket has none. nginx does not have this
        /// directive.
        auth_http_client_port: Flag = "off", MAIL_SERVER;
        /// Determines whether the identifier of the session is sent to the authentication server, in the header
        /// `Auth-Session`. It is the one in `mail_log`, so that the logs of both can be compared. nginx does not have
        /// this directive.
        auth_http_session_id: Flag = "off", MAIL_SERVER;
        /// Enables or disables verification of the certificate of an authentication server with `https://`. The
        /// certificate must be issued by a trusted CA and must match the server name.
        auth_http_ssl_verify: Flag = "on", MAIL_SERVER;
        /// Specifies a file with trusted CA certificates in PEM format, used to verify the certificate of an
        /// authentication server with `https://`. The file may also contain the self-signed certificate of the server
        /// itself. The default is the CA certificates of the system.
        auth_http_ssl_trusted_certificate: ConfigPath = none, MAIL_SERVER;
        /// Overrides the server name that the certificate of an authentication server with `https://` must match, and
        /// that is sent through SNI. The default is the host in the URL.
        auth_http_ssl_name: OptionalText = none, MAIL_SERVER;
        /// Specifies a file with the certificate in PEM format that authenticates portcullis to an authentication
        /// server with `https://`. Requires `auth_http_ssl_certificate_key`.
        auth_http_ssl_certificate: ConfigPath = none, MAIL_SERVER;
        /// Specifies a file with the private key of `auth_http_ssl_certificate` in PEM format.
        auth_http_ssl_certificate_key: ConfigPath = none, MAIL_SERVER;
        /// Enables or disables keepalive connections to the authentication server. With `off`, each request uses HTTP/1.0
        /// and a new connection, as in nginx.
        ///
        /// With `on`, requests use HTTP/1.1. A connection is kept after a response that allows it (HTTP/1.1 without
        /// `Connection: close`) and has arrived with its whole body, the length of which must be known.
        ///
        /// An idle connection can occupy the only worker of a server. Therefore portcullis first tests whether the server
        /// serves several connections at once: it sends requests over new connections while others are idle. If a
        /// response is late then, portcullis closes all idle connections and uses a new connection per request, for 10
        /// seconds after the first such test and for up to 11 minutes after repeated ones. A server that has served four
        /// connections at once passes, and is tested again after a minute. Until then one connection is kept for every
        /// eight that it has been seen to serve at once, but one at least, each for one second without requests. None is
        /// kept while requests wait and more connections are open than that.
        ///
        /// A request is sent a second time, over a new connection, if its kept connection turns out to be closed, or if
        /// nothing is received on it for 2 seconds or a third of `auth_http_timeout`, whichever is shorter. If the second
        /// response is slow too, the server is slow, and no connection to it is kept any more: at most one request is sent
        /// twice to a slow server. A request is never repeated once a part of a response was received.
        auth_http_keepalive: Flag = "on", MAIL_SERVER;
    }
}
