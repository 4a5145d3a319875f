//! ngx_mail_auth_http_module.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::auth_url::HttpUrl;
use crate::config::value::flag::Flag;
use crate::config::value::text::Pairs;
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
        auth_http_pass_client_cert: Flag = "off", MAIL_SERVER;
        /// Whether connections to the authentication server are kept for further requests. `off` is nginx's one-shot HTTP/1.0.
        auth_http_keepalive: Flag = "on", MAIL_SERVER;
    }
}
