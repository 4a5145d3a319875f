//! What happened in one session, in a few sentences.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::advice::advice;
use super::line::Record;

/// A session with its messages.
#[derive(Debug)]
pub(super) struct Story {
    session: Record,
    messages: Vec<Record>,
}

impl Story {
    pub(super) fn new(session: Record, messages: Vec<Record>) -> Self {
        Self { session, messages }
    }

    pub(super) fn session(&self) -> &Record {
        &self.session
    }

    /// The end of the session.
    pub(super) fn time(&self) -> Option<Timestamp> {
        self.session.get("time")?.parse().ok()
    }

    /// The outcome in one sentence, without the time: the failing step, if there is one.
    fn headline(&self) -> String {
        let field = |name| self.session.get(name);
        // The words of a time-out say no more than the result.
        let reason = field("reason").filter(|reason| *reason != "client timed out");
        let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
        let upstream = field("upstream").unwrap_or("the backend");
        let step = match field("result").unwrap_or_default() {
            "login" => return self.delivery(),
            "login-failed" => match field("upstream") {
                Some(upstream) => format!("{upstream} refused the login"),
                None => "the login failed".to_owned(),
            },
            "no-login" if field("out") == Some("0") => {
                "the client left before the greeting".to_owned()
            }
            "no-login" => "the client left without a login".to_owned(),
            "refused" if !self.messages.is_empty() => format!("{upstream} refused the mail"),
            "refused" => "the client was refused".to_owned(),
            "limited" => "a limit was exceeded".to_owned(),
            "timeout" => "the client took too long".to_owned(),
            "backend-unavailable" => format!("{upstream} could not be used"),
            "auth-unavailable" => "the auth server could not be used".to_owned(),
            "tls-failed" => "TLS was not established".to_owned(),
            "protocol-error" => "the client broke the protocol".to_owned(),
            "shutdown" => "the gateway was shut down".to_owned(),
            other => other.to_owned(),
        };
        let by = match field("by") {
            None => String::new(),
            Some("default") => " (decided by a default)".to_owned(),
            Some(by) => format!(" (decided by {by})"),
        };
        format!("FAILED: {step}{reason}{by}")
    }

    /// The outcome of a session whose login succeeded.
    fn delivery(&self) -> String {
        let refused = self
            .messages
            .iter()
            .filter(|message| !is_accepted(message))
            .count();
        let ended = match self.session.get("reason") {
            Some(reason) => format!(", then {reason}"),
            None => String::new(),
        };
        let login = match self.session.get("method") {
            Some("none") => "passed on without a login",
            _ => "logged in",
        };
        let all = count(self.messages.len());
        match (self.messages.len(), refused) {
            (0, _) => format!("ok: {login}{ended}"),
            (_, 0) => format!("ok: {login}, {all} accepted{ended}"),
            (1, _) => format!("FAILED: {login}, but the message was not accepted{ended}"),
            (_, refused) => format!("FAILED: {login}, but {refused} of {all} not accepted{ended}"),
        }
    }
}

fn count(messages: usize) -> String {
    match messages {
        1 => "1 message".to_owned(),
        more => format!("{more} messages"),
    }
}

fn is_accepted(message: &Record) -> bool {
    message
        .get("code")
        .is_some_and(|code| code.starts_with('2'))
}

impl fmt::Display for Story {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = |name| self.session.get(name);
        let time = match self.time() {
            Some(time) => {
                let local = time.to_zoned(TimeZone::system());
                local.strftime("%Y-%m-%d %H:%M:%S").to_string()
            }
            None => "(no time)".to_owned(),
        };
        writeln!(out, "{time} {}", self.headline())?;
        let protocol = field("protocol").unwrap_or("?").to_ascii_uppercase();
        let (client, server) = (
            field("client").unwrap_or("?"),
            field("server").unwrap_or("?"),
        );
        write!(out, "  {protocol} from {client} to {server}")?;
        let without_tls = match field("result") {
            Some("tls-failed") => "without TLS",
            _ => "clear text",
        };
        write!(out, ", {}", field("tls").unwrap_or(without_tls))?;
        for (name, words) in [
            ("helo", "HELO "),
            ("method", "method "),
            ("login", "login "),
        ] {
            if let Some(value) = field(name) {
                write!(out, ", {words}{value}")?;
            }
        }
        writeln!(out)?;
        if let Some(upstream) = field("upstream") {
            write!(
                out,
                "  backend {upstream}, {}",
                field("upstream_tls").unwrap_or("clear text")
            )?;
            if let Some(seconds) = field("connect_s") {
                write!(out, ", connected in {seconds} s")?;
            }
            writeln!(out)?;
        }
        for message in &self.messages {
            write_message(message, out)?;
        }
        if let Some(step) = advice(&self.session, &self.messages) {
            writeln!(out, "  next step: {step}")?;
        }
        let (seconds, by) = (
            field("total_s").unwrap_or("?"),
            field("ended_by").unwrap_or("?"),
        );
        write!(out, "  ended by the {by} after {seconds} s")?;
        if let Some(login) = field("login_s") {
            write!(out, " (login {login} s)")?;
        }
        let (received, sent) = (field("in").unwrap_or("?"), field("out").unwrap_or("?"));
        let id = field("session").unwrap_or("?");
        writeln!(out, "; {received} bytes in, {sent} out; session {id}")
    }
}

fn write_message(message: &Record, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let field = |name| message.get(name).unwrap_or("?");
    let (sender, recipients) = (field("sender"), field("recipients"));
    let result = match message.get("reply") {
        // The lines of a reply.
        Some(reply) => format!("{} {}", field("code"), reply.replace("\\x0A", " ")),
        None => "abandoned or cut off by the client".to_owned(),
    };
    let recipients = match recipients {
        "" => "nobody".to_owned(),
        some => format!("<{}>", some.replace(',', ">, <")),
    };
    let (size, seconds) = (field("size"), field("seconds"));
    writeln!(
        out,
        "  message from <{sender}> to {recipients}: {result} ({size} bytes, {seconds} s)"
    )
}
