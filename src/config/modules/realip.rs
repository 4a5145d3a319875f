//! ngx_mail_realip_module.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::cidr::Cidrs;

module! {
    /// Whose PROXY headers are believed.
    realip in Scope: RealipWritten -> Realip {
        /// Peers whose PROXY header replaces the client's address; lines add up.
        set_real_ip_from: Cidrs = "", MAIL_SERVER;
    }
}
