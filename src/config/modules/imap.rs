//! ngx_mail_imap_module.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::sasl::ImapMethods;
use crate::config::value::set::SetOf;
use crate::config::value::size::Size;
use crate::config::value::text::Announced;

module! {
    /// IMAP towards clients.
    imap in Scope: ImapWritten -> Imap {
        /// The longest command, in bytes.
        imap_client_buffer: Size = "4k", MAIL_SERVER;
        /// The words of the CAPABILITY answer; lines add up. Unless given, and with `proxy_pass` alone, they are learned from the mail server.
        imap_capabilities: Announced = "IMAP4 IMAP4rev1 UIDPLUS", MAIL_SERVER;
        /// The ways to log in.
        imap_auth: SetOf<ImapMethods> = "plain", MAIL_SERVER;
    }
}
