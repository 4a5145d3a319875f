//! ngx_mail_smtp_module.

use crate::config::model::BareNewlines;
use crate::config::schema::module;
use crate::config::schema::values::{Announced, Choice, Choices, Msec, SetOf, Size, SmtpMethods};

impl Choices for BareNewlines {
    const SYNTAX: &'static str = "reject | normalize | pass";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("reject", Self::Reject),
        ("normalize", Self::Normalize),
        ("pass", Self::Pass),
    ];
}

module! {
    /// SMTP for client connections.
    smtp: SmtpWritten -> Smtp {
        /// Sets the maximum length of an SMTP command. A longer command receives `500 5.5.1 Invalid command`, and the
        /// connection is closed. The limit applies to each command. In nginx it applies to all commands that are
        /// pipelined together.
        smtp_client_buffer: Size = "4k", MAIL_SERVER;
        /// Sets a delay before the SMTP greeting, to reject clients that do not wait for it. A client that sends
        /// anything before the greeting receives `503 5.5.0 Improper use of SMTP command pipelining`, and the
        /// connection is closed.
        smtp_greeting_delay: Msec = "0", MAIL_SERVER;
        /// Sets the SMTP extensions that are announced in the EHLO reply, one line for each parameter:
        /// `smtp_capabilities PIPELINING "SIZE 10485760";`. The methods of `smtp_auth` and, depending on `starttls`,
        /// STARTTLS are appended automatically. The list should name extensions that the backend supports.
        ///
        /// If this directive is absent and `proxy_pass` is used without `auth_http`, portcullis announces the
        /// extensions of the backend. It queries them at start, on reload and, while clients connect, about once a
        /// minute. AUTH, STARTTLS, XCLIENT, XFORWARD, REQUIRETLS, X-EXPS and X-ANONYMOUSTLS are left out. No
        /// extensions are announced until the backend has answered.
        ///
        /// Of the methods of `smtp_auth`, only those are announced that the backend can take, inside TLS where
        /// `proxy_ssl` is used. If there are none, the log says what the backend offers. With `proxy_protocol v2` all
        /// are announced: the backend may offer more to clients that use TLS.
        smtp_capabilities: Announced = none, MAIL_SERVER;
        /// Sets the authentication methods for SMTP clients.
        ///
        /// - `plain`, `login`: AUTH PLAIN and AUTH LOGIN. As in nginx, both are always accepted; these values
        ///   determine only whether they are announced.
        /// - `cram-md5`: AUTH CRAM-MD5. With `auth_http`, the authentication server needs the password in clear text.
        ///   Without it, the challenge of the backend is passed to the client.
        /// - `external`: AUTH EXTERNAL, with the client certificate (see `ssl_verify_client`). With `auth_http`, the
        ///   authentication server decides. Without it, the certificate must be verified, and the login must be one
        ///   of its names: commonName, emailAddress or rfc822Name. An empty login means the first of them.
        /// - `none`: authentication is not required. With `auth_http`, the authentication server is asked at the
        ///   first RCPT command and may refuse. Without it, the backend receives the MAIL command and decides.
        ///   Otherwise MAIL before a login receives `530 5.7.1 Authentication required`.
        /// - `xoauth2`, `oauthbearer`: an OAuth 2.0 token (RFC 7628). freenginx and Angie have these values too,
        ///   nginx does not.
        /// - `scram-sha-1`, `scram-sha-256`: SCRAM (RFC 5802), which the client and the backend of `proxy_pass` speak
        ///   with each other: portcullis relays their messages and learns only the login. They are not offered with
        ///   `auth_http`, and never with channel binding (`-PLUS`). nginx does not have these values.
        smtp_auth: SetOf<SmtpMethods> = "plain login", MAIL_SERVER;
        /// Determines what happens to messages with a bare LF (without CR before it), a bare CR (without LF after it), or a dot
        /// alone on a line that is not the end of the message. Mail servers disagree about them: what one takes for a part of
        /// a message, another takes for its end and for commands after it (SMTP smuggling).
        ///
        /// - `pass`: messages pass unread. nginx does this.
        /// - `normalize`: a bare LF becomes CRLF and a bare CR becomes a space; a CR before another CR is dropped, so that lines
        ///   that end in CR CR LF end in CRLF. A dot alone on a line gets a second one, also between other than CRLF line ends
        ///   and where NUL, blanks or control characters are beside it, so that it is a part of the message. Only CRLF, dot,
        ///   CRLF ends a message: the client waits in vain if it ends its message otherwise.
        /// - `reject`: the client receives `550 5.5.2`, and both connections are closed before the backend has got the end of
        ///   the message.
        ///
        /// The size of a BDAT chunk precedes it, so a chunk cannot be changed: `normalize` refuses such a message too. Messages
        /// with `BODY=BINARYMIME` may contain anything. Commands may end in LF in any case.
        ///
        /// With `normalize` and `reject`, portcullis follows the session after the login as it does where the backend permits
        /// XCLIENT: STARTTLS and XCLIENT are refused, and so are BDAT commands and lines that servers read in different ways.
        ///
        /// `mail_log` has the lines of refused messages with the code 550. The error log has a line of level `info`.
        smtp_bare_newline: Choice<BareNewlines> = "pass", MAIL_SERVER;
    }
}
