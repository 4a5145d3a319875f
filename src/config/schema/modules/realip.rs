//! ngx_mail_realip_module.

use crate::config::schema::module;
use crate::config::schema::values::Cidrs;

module! {
    /// Client addresses from PROXY protocol headers.
    realip: RealipWritten -> Realip {
        /// Defines trusted addresses, from which a PROXY protocol header may set the client address. If the peer of a
        /// connection to `listen ... proxy_protocol` is one of them, the address and port in its header replace those
        /// of the client: in logs, in requests to the authentication server, in XCLIENT and in PROXY headers sent to
        /// backends. The header of any other peer does not change the client address. The addresses in any header are
        /// passed to the authentication server as `Proxy-Protocol-*`. Since nginx 1.19.8.
        ///
        /// As in nginx, the variables `$proxy_protocol_addr`, `$proxy_protocol_port` and `$proxy_protocol_tlv_NAME` have what any
        /// header says, whether or not its sender is trusted. Rely on them only where no one but your own proxies can
        /// connect.
        set_real_ip_from: Cidrs = none, MAIL_SERVER;
    }
}
