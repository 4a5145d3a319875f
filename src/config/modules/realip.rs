//! ngx_mail_realip_module.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::cidr::Cidrs;

module! {
    /// Whose PROXY headers are believed.
    realip in Scope: RealipWritten -> Realip {
        /// Peers whose PROXY header (`listen ... proxy_protocol`) is believed: the address in it replaces the client's
        /// in the log and towards the auth server and the mail server. Since nginx 1.19.8.
        set_real_ip_from: Cidrs = "", MAIL_SERVER;
    }
}
