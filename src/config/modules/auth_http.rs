//! ngx_mail_auth_http_module.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::auth_url::HttpUrl;
use crate::config::value::flag::Flag;
use crate::config::value::path::ConfigPath;
use crate::config::value::text::{Pairs, Text};
use crate::config::value::time::Msec;

module! {
    /// The authentication server that says who may log in, and to which backend.
    auth_http in Scope: AuthHttpWritten -> AuthHttp {
        /// The URL of the auth server. It is asked about every login with a GET request that has no body: `Auth-Method`,
        /// `Auth-User`, `Auth-Pass`, `Auth-Protocol`, `Auth-Login-Attempt`, `Client-IP` and others are its headers. It
        /// answers with headers too:
        ///
        /// - `Auth-Status: OK`, with `Auth-Server` (an address, or a host name, which is looked up) and `Auth-Port`: let
        ///   in, to this mail server. `Auth-User` and `Auth-Pass` replace the login there; `Auth-SMTP-Auth: on` or `off`
        ///   says whether an SMTP server gets AUTH, whatever `proxy_smtp_auth` says.
        /// - `Auth-Status:` and any other text: refused; the client hears the text. `Auth-Wait:` and a number of seconds
        ///   lets it try again after them; without it the connection is closed. `Auth-Error-Code` is the code in SMTP.
        ///   `Auth-Error-SASL` is what a client of XOAUTH2 or OAUTHBEARER hears first, in base64.
        ///
        /// With `https://` it is asked over TLS, which nginx cannot. A host name is looked up again when what was found has
        /// grown old; if it has several addresses they are tried in turn. A server needs this or `proxy_pass`.
        auth_http: HttpUrl, MAIL_SERVER;
        /// A header that every request carries: `auth_http_header X-Auth-Key secret;` lets the auth server know its
        /// gateway. The value is sent as it is written.
        auth_http_header: Pairs = "", MAIL_SERVER;
        /// How long the auth server is waited for. When the time is over the client gets an error of the server and is
        /// closed.
        auth_http_timeout: Msec = "60s", MAIL_SERVER;
        /// Whether the client's certificate is passed on, in the header `Auth-SSL-Cert` (PEM, with escapes as in a URL).
        /// Since nginx 1.7.11.
        auth_http_pass_client_cert: Flag = "off", MAIL_SERVER;
        /// Whether the certificate of an auth server with `https://` is checked: it must be of a CA that is trusted, and
        /// have the right name.
        auth_http_ssl_verify: Flag = "on", MAIL_SERVER;
        /// The CAs that are trusted for an auth server with `https://` (PEM); without it those of the system. The server's
        /// own certificate, signed by itself, can be named here too.
        auth_http_ssl_trusted_certificate: ConfigPath = "", MAIL_SERVER;
        /// The name that the certificate of an auth server with `https://` must have, and that the server is told (SNI);
        /// without it the host of the URL.
        auth_http_ssl_name: Text = "", MAIL_SERVER;
        /// The certificate that an auth server with `https://` is shown when it asks for one (PEM).
        auth_http_ssl_certificate: ConfigPath = "", MAIL_SERVER;
        /// The key of `auth_http_ssl_certificate` (PEM).
        auth_http_ssl_certificate_key: ConfigPath = "", MAIL_SERVER;
        /// Whether connections to the auth server are kept for further requests, as HTTP/1.1 has them. `off` is what
        /// nginx does: HTTP/1.0, and a new connection for each request.
        auth_http_keepalive: Flag = "on", MAIL_SERVER;
    }
}
