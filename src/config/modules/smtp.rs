//! ngx_mail_smtp_module.

use super::Scope;
use crate::config::directive::module;
use crate::config::value::sasl::SmtpMethods;
use crate::config::value::set::SetOf;
use crate::config::value::size::Size;
use crate::config::value::text::Announced;
use crate::config::value::time::Msec;

module! {
    /// SMTP towards clients.
    smtp in Scope: SmtpWritten -> Smtp {
        /// The longest command, in bytes.
        smtp_client_buffer: Size = "4k", MAIL_SERVER;
        /// How long a client must wait for the greeting. One that speaks earlier is refused.
        smtp_greeting_delay: Msec = "0", MAIL_SERVER;
        /// The lines of the EHLO answer; lines add up. Unless given, and with `proxy_pass` alone, they are learned from the mail server.
        smtp_capabilities: Announced = "", MAIL_SERVER;
        /// The ways to log in. `none` lets mail through without a login.
        smtp_auth: SetOf<SmtpMethods> = "plain login", MAIL_SERVER;
    }
}
