//! Why a client does not reach its backend. Each error displays as nginx's log has it; [`LoginError::log`] writes it there.

use std::{fmt, io};

use crate::base::{Errno, Escaped, Level, Protocol};
use crate::config::Deciding;
use crate::net::resolver::ResolveError;
use crate::proto::smtp::reply;
use crate::proto::{dialogues, shown};
use crate::session::io_failure::IoFailure;
use crate::session::log::SessionLog;
use crate::session::phase::Phase;

/// Why there is no login.
#[derive(Debug)]
pub(in crate::session) enum LoginError {
    /// The client closed its connection.
    ClientLeft,
    /// Neither the auth server nor `proxy_pass` names a backend.
    NoBackend,
    /// The text of `proxy_pass` names no backend for the client, for this reason.
    NoRoute(String),
    /// The name of the backend has no address.
    Unresolved(Box<str>, ResolveError),
    /// The connection on which the challenge was sent is closed.
    ChallengeLost,
    /// There is no connection to the backend.
    Connect(ConnectError),
    /// The backend took longer than `timeout`.
    TimedOut,
    /// The backend needs a password, and there is none.
    NoPassword,
    /// The backend closed the connection, and nginx writes no line about it.
    Closed,
    /// The conversation failed.
    Conversation(ConversationError),
}

impl From<ConversationError> for LoginError {
    fn from(error: ConversationError) -> Self {
        LoginError::Conversation(error)
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(in crate::session) enum ConnectError {
    /// The address could not be reached. The attempt has its line in the log. If it took too long, this is the directive that sets
    /// the limit.
    Unreachable(Option<Deciding>),
    /// No peer of the group is in use.
    NoneLive,
    /// The PROXY header could not be sent.
    Header(io::Error),
    /// TLS failed.
    Upgrade(UpgradeError),
}

/// Why there is no TLS.
#[derive(Debug)]
pub(in crate::session) enum UpgradeError {
    /// The dialogue before the handshake failed.
    Conversation(ConversationError),
    /// The backend does not announce STARTTLS.
    NotOffered,
    /// The backend sent bytes in clear text after its reply to STARTTLS: an attacker may have injected them.
    Ahead,
    /// The backend's host is not a name that a certificate could have, and certificates are verified.
    NoName(Box<[u8]>),
    /// The handshake took longer than `proxy_connect_timeout`.
    TimedOut,
    /// The handshake failed; this is the text for the log.
    Handshake(String),
}

/// Why a conversation ended without an outcome.
#[derive(Debug)]
pub(in crate::session) enum ConversationError {
    /// The backend closed the connection.
    Closed,
    /// Nothing can be received.
    Receive(IoFailure),
    /// Nothing can be sent.
    Send(IoFailure),
    /// A reply does not fit into `proxy_buffer`; this is its start.
    TooLong(Vec<u8>),
    /// A reply took longer than this directive allows.
    TimedOut(Deciding),
    /// The protocol does not allow the reply at this point.
    Unexpected(UnexpectedReply),
}

/// What an error says about a peer of a group, for `max_fails`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Evidence {
    /// It does not work.
    Fails,
    /// It has decided about the login.
    Works,
    /// Nothing: the client or the configuration may be the cause.
    None,
}

/// A reply that is not allowed.
#[derive(Debug)]
pub(in crate::session) struct UnexpectedReply {
    pub reply: Vec<u8>,
    /// Where the part begins that the log shows.
    pub shown_from: usize,
    /// The step that it answers, in nginx's words.
    pub step: &'static str,
}

impl LoginError {
    /// The backend's reply that stands for the error. One that came before `proxy_ssl starttls` was done is none: an attacker
    /// may have sent it.
    pub fn reply(&self) -> Option<&UnexpectedReply> {
        match self {
            Self::Conversation(ConversationError::Unexpected(reply)) => Some(reply),
            _ => None,
        }
    }

    /// The directive that decides, where the backend has not.
    pub fn deciding(&self) -> Option<Deciding> {
        match self {
            Self::TimedOut => Some(Deciding::Timeout),
            Self::Conversation(error) => error.deciding(),
            Self::Connect(ConnectError::Unreachable(by)) => *by,
            Self::Connect(ConnectError::Header(_) | ConnectError::NoneLive) => None,
            Self::Connect(ConnectError::Upgrade(error)) => match error {
                UpgradeError::TimedOut => Some(Deciding::ProxyConnectTimeout),
                UpgradeError::NotOffered | UpgradeError::Ahead => Some(Deciding::ProxySsl),
                UpgradeError::Conversation(error) => error.deciding(),
                UpgradeError::NoName(_) | UpgradeError::Handshake(_) => None,
            },
            Self::ClientLeft
            | Self::NoBackend
            | Self::NoRoute(_)
            | Self::Unresolved(..)
            | Self::ChallengeLost
            | Self::NoPassword
            | Self::Closed => None,
        }
    }

    /// Writes the error to the log of a session of this protocol. A reply of the backend gets the level `reply`.
    pub fn log(&self, log: &SessionLog, phase: Phase, reply: Level, protocol: Protocol) {
        let text = format_args!("{self}");
        let level = match self {
            Self::ClientLeft
            | Self::ChallengeLost
            | Self::Connect(ConnectError::Unreachable(_)) => {
                return;
            }
            Self::Closed => return log.upstream_failed(phase, None, text),
            Self::Unresolved(name, _) => return log.unresolved(phase, name, text),
            // The failures of each peer are in the log.
            Self::Connect(ConnectError::NoneLive) => Level::Info,
            error if error.is_timeout() => Level::Info,
            error if error.reply().is_some() => reply,
            _ => Level::Error,
        };
        match self.is_outage(protocol) {
            true => log.upstream_failed(phase, Some(level), text),
            false => {
                log.line(phase, level, text);
                if self.reply().is_some() {
                    log.upstream_answered();
                }
            }
        }
    }

    /// Whether the backend rejected the login itself, for good.
    pub fn is_rejection(&self, protocol: Protocol) -> bool {
        self.reply().is_some_and(|own| {
            let rejection = dialogues::rejection(protocol, &own.reply);
            LOGIN_STEPS.contains(&own.step) && rejection.is_some_and(|own| !own.is_temporary())
        })
    }

    /// The reply that refuses the mail of a client without a login.
    pub fn refused_mail(&self) -> Option<&[u8]> {
        let own = self.reply()?;
        let is_refusal = matches!(reply::code(&own.reply), Some(400..=599));
        (is_refusal && MAIL_STEPS.contains(&own.step)).then_some(&*own.reply)
    }

    /// What the error says about a peer of this protocol. `knows_client` tells whether the peer knows the client in a step, even without
    /// XCLIENT or ID.
    pub fn evidence(&self, protocol: Protocol, knows_client: impl Fn(&str) -> bool) -> Evidence {
        let refused = match self {
            Self::ClientLeft
            | Self::NoBackend
            | Self::NoRoute(_)
            | Self::Unresolved(..)
            | Self::ChallengeLost
            | Self::NoPassword
            | Self::Connect(ConnectError::NoneLive) => return Evidence::None,
            Self::Conversation(ConversationError::Unexpected(own))
            | Self::Connect(ConnectError::Upgrade(UpgradeError::Conversation(
                ConversationError::Unexpected(own),
            ))) if dialogues::rejection(protocol, &own.reply).is_some() => own.step,
            Self::Connect(_) | Self::TimedOut | Self::Closed | Self::Conversation(_) => {
                return Evidence::Fails;
            }
        };
        match refused {
            step if LOGIN_STEPS.contains(&step) || MAIL_STEPS.contains(&step) => Evidence::Works,
            // A client that backends refuse must not take them out of use for others.
            step if knows_client(step) || INTRODUCING_STEPS.contains(&step) => Evidence::None,
            _ => Evidence::Fails,
        }
    }

    /// Whether the backend took too long.
    fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::TimedOut
                | Self::Conversation(ConversationError::TimedOut(_))
                | Self::Connect(ConnectError::Upgrade(
                    UpgradeError::TimedOut
                        | UpgradeError::Conversation(ConversationError::TimedOut(_))
                ))
        )
    }

    /// Whether the backend is the cause, and not the login or the mail of one client.
    fn is_outage(&self, protocol: Protocol) -> bool {
        match self {
            Self::ClientLeft
            | Self::NoBackend
            | Self::NoRoute(_)
            | Self::ChallengeLost
            | Self::NoPassword
            | Self::Connect(ConnectError::Unreachable(_) | ConnectError::NoneLive) => false,
            Self::Conversation(ConversationError::Unexpected(own)) => {
                !MAIL_STEPS.contains(&own.step) && !self.is_rejection(protocol)
            }
            Self::Unresolved(..)
            | Self::Connect(_)
            | Self::TimedOut
            | Self::Closed
            | Self::Conversation(_) => true,
        }
    }
}

impl ConversationError {
    /// The directive that decides, where the backend has not.
    fn deciding(&self) -> Option<Deciding> {
        match self {
            Self::TooLong(_) => Some(Deciding::ProxyBuffer),
            Self::TimedOut(by) => Some(*by),
            Self::Closed | Self::Receive(_) | Self::Send(_) | Self::Unexpected(_) => None,
        }
    }
}

/// The steps in which a backend gets the login, in nginx's words.
const LOGIN_STEPS: [&str; 4] = [
    "sending AUTH to upstream",
    "sending LOGIN command to upstream",
    "sending user name to upstream",
    "sending password to upstream",
];
/// The steps in which it gets to know the client.
const INTRODUCING_STEPS: [&str; 3] = [
    "sending XCLIENT to upstream",
    "sending client HELO/EHLO to upstream",
    "sending ID to upstream",
];
/// The steps in which it gets the mail of a client without a login.
const MAIL_STEPS: [&str; 2] = [
    "sending MAIL FROM to upstream",
    "sending RCPT TO to upstream",
];

const TIMED_OUT: &str = "upstream timed out (110: Connection timed out)";

/// Logs that an address of a backend did not answer in time.
pub(super) fn log_timeout(log: &SessionLog, phase: Phase) {
    log.upstream_failed(phase, Some(Level::Info), format_args!("{TIMED_OUT}"));
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientLeft => f.write_str("client closed connection"),
            Self::NoBackend => f.write_str("no upstream for the client"),
            Self::NoRoute(reason) => write!(f, "no upstream for the client: {reason}"),
            Self::Unresolved(name, fault) => {
                write!(f, "\"{name}\" could not be resolved ({fault})")
            }
            Self::ChallengeLost => f.write_str("upstream closed connection after its challenge"),
            Self::Connect(error) => error.fmt(f),
            Self::TimedOut => f.write_str(TIMED_OUT),
            Self::NoPassword => f.write_str("no password available"),
            Self::Closed => ConversationError::Closed.fmt(f),
            Self::Conversation(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(_) => f.write_str("no address of upstream can be reached"),
            Self::NoneLive => f.write_str("no live upstreams"),
            Self::Header(cause) => write!(f, "send() failed{}", Errno(cause)),
            Self::Upgrade(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(error) => error.fmt(f),
            Self::NotOffered => f.write_str("upstream does not offer STARTTLS"),
            Self::Ahead => f.write_str("upstream sent data in clear text before SSL handshake"),
            Self::NoName(host) => {
                let host = Escaped(host);
                write!(f, "upstream SSL certificate does not match \"{host}\"")
            }
            Self::TimedOut => f.write_str(TIMED_OUT),
            Self::Handshake(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for ConversationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("upstream prematurely closed connection"),
            // With TLS 1.3, the alert of a backend that rejects our certificate arrives at the first read after the handshake.
            Self::Receive(failure) | Self::Send(failure) => failure.fmt(f),
            Self::TooLong(bytes) => {
                // nginx puts its NUL over the last byte.
                let shown = bytes.split_last().map_or(&[][..], |(_, shown)| shown);
                let text = Escaped(shown);
                write!(f, "upstream sent too long response line: \"{text}\"")
            }
            Self::TimedOut(_) => f.write_str(TIMED_OUT),
            Self::Unexpected(reply) => reply.fmt(f),
        }
    }
}

impl fmt::Display for UnexpectedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Escaped(shown(&self.reply[self.shown_from..]));
        write!(f, "upstream sent invalid response: \"{text}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::client::READING;

    fn unexpected(step: &'static str, reply: &str) -> ConversationError {
        ConversationError::Unexpected(UnexpectedReply {
            reply: format!("{reply}\r\n").into_bytes(),
            shown_from: 0,
            step,
        })
    }

    #[test]
    fn replies_that_count_for_a_peer() {
        use Evidence::{Fails, None, Works};
        use Protocol::{Imap, Pop3, Sieve, Smtp};
        const HELLO: &str = "sending HELO/EHLO to upstream";
        const AUTH: &str = "sending AUTH to upstream";
        const PASSWORD: &str = "sending password to upstream";
        for (protocol, step, reply, known, unknown) in [
            (Smtp, READING, "421 busy", None, Fails),
            (Smtp, READING, "554 no", None, Fails),
            (Smtp, READING, "* OK", Fails, Fails),
            (Smtp, HELLO, "421 busy", None, Fails),
            (Smtp, HELLO, "hello", Fails, Fails),
            (Smtp, "sending XCLIENT to upstream", "550 no", None, None),
            (
                Smtp,
                "sending client HELO/EHLO to upstream",
                "504 no",
                None,
                None,
            ),
            (Smtp, "sending STARTTLS to upstream", "454 no", None, Fails),
            (Smtp, AUTH, "535 no", Works, Works),
            (Smtp, AUTH, "454 later", Works, Works),
            (Smtp, AUTH, "250 what", Fails, Fails),
            (
                Smtp,
                "sending MAIL FROM to upstream",
                "450 later",
                Works,
                Works,
            ),
            (Imap, READING, "* BYE busy", None, Fails),
            (Imap, "sending ID to upstream", "* BYE no", None, None),
            (Imap, PASSWORD, "a NO no", Works, Works),
            (Imap, PASSWORD, "* BYE later", Works, Works),
            (Imap, PASSWORD, "+OK", Fails, Fails),
            (Pop3, READING, "-ERR busy", None, Fails),
            (Pop3, PASSWORD, "-ERR [SYS/TEMP] later", Works, Works),
            (Sieve, READING, "BYE \"busy\"", None, Fails),
            (Sieve, AUTH, "NO \"no\"", Works, Works),
        ] {
            let error = LoginError::Conversation(unexpected(step, reply));
            for (knows_client, expected) in [(true, known), (false, unknown)] {
                let found = error.evidence(protocol, |_| knows_client);
                assert_eq!(found, expected, "{step} {reply} {knows_client}");
            }
        }
        // The same before TLS.
        let refused = UpgradeError::Conversation(unexpected(READING, "421 busy"));
        let error = LoginError::Connect(ConnectError::Upgrade(refused));
        assert_eq!(error.evidence(Smtp, |_| false), Fails);
        assert_eq!(error.evidence(Smtp, |_| true), None);
    }

    #[test]
    fn a_client_that_leaves_says_nothing_about_its_peer() {
        for (error, expected) in [
            (LoginError::ClientLeft, Evidence::None),
            (LoginError::ChallengeLost, Evidence::None),
            (LoginError::TimedOut, Evidence::Fails),
            (LoginError::Closed, Evidence::Fails),
            (
                LoginError::Conversation(ConversationError::Closed),
                Evidence::Fails,
            ),
            (
                LoginError::Connect(ConnectError::Unreachable(None)),
                Evidence::Fails,
            ),
        ] {
            assert_eq!(
                error.evidence(Protocol::Smtp, |_| true),
                expected,
                "{error}"
            );
        }
    }
}
