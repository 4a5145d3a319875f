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
        /// Its URL. A server needs this or `proxy_pass`.
        auth_http: HttpUrl, MAIL_SERVER;
        /// A header that every request carries; lines add up. A list in a server replaces the one outside.
        auth_http_header: Pairs = "", MAIL_SERVER;
        /// How long the authentication server is waited for.
        auth_http_timeout: Msec = "60s", MAIL_SERVER;
        /// Whether the client's certificate is passed on, in the header Auth-SSL-Cert.
        auth_http_pass_client_cert: Flag = "off", MAIL_SERVER, pending;
        /// Whether the certificate of an authentication server with `https://` is checked.
        auth_http_ssl_verify: Flag = "on", MAIL_SERVER;
        /// The CAs that are trusted for it (PEM); those of the system unless given.
        auth_http_ssl_trusted_certificate: ConfigPath = "", MAIL_SERVER;
        /// The name that its certificate must have, and that it is told; the host of the URL unless given.
        auth_http_ssl_name: Text = "", MAIL_SERVER;
        /// The certificate that it is shown (PEM).
        auth_http_ssl_certificate: ConfigPath = "", MAIL_SERVER;
        /// The key of that certificate (PEM).
        auth_http_ssl_certificate_key: ConfigPath = "", MAIL_SERVER;
        /// Whether connections to the authentication server are kept for further requests. `off` is nginx's one-shot HTTP/1.0.
        auth_http_keepalive: Flag = "on", MAIL_SERVER;
    }
}
