//! ngx_mail_pop3_module, with `pop3_client_buffer`.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::sasl::Pop3Methods;
use crate::config::value::set::SetOf;
use crate::config::value::size::Size;
use crate::config::value::text::Announced;

module! {
    /// POP3 towards clients.
    pop3 in Scope: Pop3Written -> Pop3 {
        /// The longest command, in bytes.
        pop3_client_buffer: Size = "4k", MAIL_SERVER;
        /// The words of the CAPA answer; lines add up. Unless given, and with `proxy_pass` alone, they are learned from the mail server.
        pop3_capabilities: Announced = "TOP USER UIDL", MAIL_SERVER;
        /// The ways to log in. `plain` stands for USER and PASS, AUTH PLAIN and AUTH LOGIN.
        pop3_auth: SetOf<Pop3Methods> = "plain", MAIL_SERVER;
    }
}
