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
        /// The longest command, with its literals. The limit is for one command, not for several that come at once.
        imap_client_buffer: Size = "4k", MAIL_SERVER;
        /// The words of the CAPABILITY answer. What `imap_auth` and `starttls` announce is put behind them, so it is not
        /// written here.
        ///
        /// Without any line, and with `proxy_pass` alone, they are learned from the mail server.
        imap_capabilities: Announced = "IMAP4 IMAP4rev1 UIDPLUS", MAIL_SERVER;
        /// The ways to log in.
        ///
        /// - `plain`: AUTHENTICATE PLAIN, and the command LOGIN.
        /// - `login`: AUTHENTICATE LOGIN.
        /// - `cram-md5`: AUTHENTICATE CRAM-MD5; the auth server must know passwords in clear text.
        /// - `external`: AUTHENTICATE EXTERNAL, by the client's certificate (`ssl_verify_client`).
        /// - `xoauth2`, `oauthbearer`: by a token. freenginx and Angie have these words too, nginx has not.
        imap_auth: SetOf<ImapMethods> = "plain", MAIL_SERVER;
    }
}
