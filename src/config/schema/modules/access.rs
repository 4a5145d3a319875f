//! Access by the client's address; as ngx_stream_access_module.

use crate::config::schema::module;
use crate::config::schema::values::AccessRules;

module! {
    /// Access by the address of the client.
    access: AccessWritten -> Access {
        /// Allows clients with this address. The lines of `allow` and `deny` are checked in the order in which they are written, and the first
        /// one that is about the client decides; a client that none is about is allowed. The address is that of the PROXY header where
        /// `set_real_ip_from` trusts it. If a `server` block has a line of `allow` or `deny`, those of `mail` do not hold in it.
        allow: AccessRules = none, MAIL_SERVER => OrdersAccess;
        /// Denies clients with this address, before the greeting. A denied client receives `554 5.7.1 Access denied` (SMTP), `* BYE Access
        /// denied` (IMAP) or `-ERR Access denied` (POP3), and the connection is closed. A `listen ... ssl` connection is closed without a
        /// reply. The error log has `access forbidden by rule` at level `error`.
        deny: AccessRules = none, MAIL_SERVER => OrdersAccess;
    }
}
