//! The log of sessions and messages; as ngx_http_log_module where it has the same parameters.

use crate::config::schema::module;
use crate::config::schema::values::{LogFormats, MailLogTargets};

module! {
    /// The log of sessions and messages.
    log: LogWritten -> Log {
        /// Sets a log with one line per session, written at its end, and one line per SMTP message, written when the
        /// backend has replied to it. Several logs may be specified. The lines of a server replace those of `mail {}`.
        /// By default there is no such log.
        ///
        /// The built-in formats `keyvalue` and `json` have the same fields. Fields without a value are left out. The
        /// fields of a session, and of a message, are those of the variables `$session_...` and `$mail_...`. Passwords
        /// are never logged.
        ///
        /// The result of a session (`$session_result`) is one of `login`, `login-failed`, `no-login`, `refused`, `limited`,
        /// `timeout`, `backend-unavailable`, `auth-unavailable`, `tls-failed`, `protocol-error` and `shutdown`. It stays
        /// `login` whatever ends the session later. `$session_by` has the file and the line of the directive that decided, or
        /// `default`; `$session_ended_by` is the side that closed first: `client`, `backend` or `gateway`.
        ///
        /// For the lines of messages, the gateway follows the SMTP dialogue in the tunnel. It passes every command all the
        /// same, but what follows EHLO, AUTH, DATA or QUIT waits for the backend's reply. Where it cannot tell commands from
        /// other data any more, as after STARTTLS, messages have no lines.
        mail_log: MailLogTargets = none, MAIL_SERVER => OpensMailLog;
        /// Defines a format for `mail_log`. It must precede the `mail_log` that names it. Variables of messages have
        /// no value in the line of a session; those of the session are available in both.
        log_format: LogFormats = none, MAIL;
    }
}
