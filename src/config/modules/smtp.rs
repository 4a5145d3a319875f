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
        /// The longest command. The limit is for one command, not for several that come at once.
        smtp_client_buffer: Size = "4k", MAIL_SERVER;
        /// How long a client must wait for the greeting. One that speaks earlier, as senders of spam do, is refused.
        smtp_greeting_delay: Msec = "0", MAIL_SERVER;
        /// The lines of the EHLO answer, a word each: `smtp_capabilities PIPELINING "SIZE 10485760";`. What `smtp_auth`
        /// and `starttls` announce is put behind them, so it is not written here.
        ///
        /// Without any line, and with `proxy_pass` alone, they are learned from the mail server.
        smtp_capabilities: Announced = "", MAIL_SERVER;
        /// The ways to log in.
        ///
        /// - `plain`, `login`: AUTH PLAIN and AUTH LOGIN. The words decide whether they are announced; both work without
        ///   them too.
        /// - `cram-md5`: AUTH CRAM-MD5; the auth server must know passwords in clear text. With `proxy_pass` alone the
        ///   mail server's challenge is passed on.
        /// - `external`: AUTH EXTERNAL, by the client's certificate (`ssl_verify_client`).
        /// - `none`: mail without a login is let through, if the auth server allows it (it is asked with the first
        ///   RCPT), or to the mail server of `proxy_pass`.
        /// - `xoauth2`, `oauthbearer`: by a token. freenginx and Angie have these words too, nginx has not.
        smtp_auth: SetOf<SmtpMethods> = "plain login", MAIL_SERVER;
    }
}
