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
        /// The longest command. The limit is for one command, not for several that come at once; nginx has a fixed one
        /// of 128 bytes.
        pop3_client_buffer: Size = "4k", MAIL_SERVER;
        /// The words of the CAPA answer. What `pop3_auth` and `starttls` announce is put behind them, so it is not
        /// written here.
        ///
        /// Without any line, and with `proxy_pass` alone, they are learned from the mail server.
        pop3_capabilities: Announced = "TOP USER UIDL", MAIL_SERVER;
        /// The ways to log in.
        ///
        /// - `plain`: USER and PASS, AUTH PLAIN and AUTH LOGIN.
        /// - `apop`: APOP; the auth server must know passwords in clear text.
        /// - `cram-md5`: AUTH CRAM-MD5; likewise.
        /// - `external`: AUTH EXTERNAL, by the client's certificate (`ssl_verify_client`).
        /// - `xoauth2`, `oauthbearer`: by a token. freenginx and Angie have these words too, nginx has not.
        pop3_auth: SetOf<Pop3Methods> = "plain", MAIL_SERVER;
    }
}
