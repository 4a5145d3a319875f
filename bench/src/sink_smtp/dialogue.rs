//! The server side of SMTP (RFC 5321), line by line, without sockets, clock or randomness.

use std::sync::Arc;

use super::sasl::{Account, Exchange, Progress};

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The host name in the greeting and the reply to EHLO.
    pub host: String,
    /// The account; nobody may log in if `None`.
    pub account: Option<Account>,
    /// Refuse MAIL before the login.
    pub require_auth: bool,
    /// The largest message in bytes, announced with SIZE (RFC 1870).
    pub max_size: usize,
}

/// What to read next.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// Another line.
    Line,
    /// The message up to its final dot.
    Message,
    /// Nothing: send the output and close.
    Close,
}

/// One session.
#[derive(Debug)]
pub struct Dialogue {
    policy: Arc<Policy>,
    /// Makes the challenges different from those of other sessions.
    nonce: u64,
    challenges: u32,
    logged_in: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Outside a mail transaction.
    Ready,
    /// After a `334` reply.
    Sasl(Exchange),
    /// After MAIL.
    Mail { recipients: usize },
}

impl Dialogue {
    /// A session before the greeting. `nonce` should be unpredictable.
    pub fn new(policy: Arc<Policy>, nonce: u64) -> Self {
        Self {
            policy,
            nonce,
            challenges: 0,
            logged_in: false,
            state: State::Ready,
        }
    }

    /// Whether the next line is a credential.
    pub fn in_sasl(&self) -> bool {
        matches!(self.state, State::Sasl(_))
    }

    /// Appends the greeting.
    pub fn greet(&self, out: &mut Vec<u8>) {
        say(out, &format!("220 {} ESMTP sink", self.policy.host));
    }

    /// Processes a line without its end and appends the reply.
    pub fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Turn {
        match std::mem::replace(&mut self.state, State::Ready) {
            State::Sasl(exchange) => {
                if line == b"*" {
                    say(out, "501 5.7.0 Authentication cancelled");
                } else {
                    let progress = exchange.respond(line, self.policy.account.as_ref());
                    self.sasl(progress, out);
                }
                return Turn::Line;
            }
            state => self.state = state,
        }
        let (verb, rest) = word(line);
        match verb.to_ascii_uppercase().as_slice() {
            b"EHLO" => self.ehlo(rest, out),
            b"HELO" => self.helo(rest, out),
            b"AUTH" => self.auth(rest, out),
            b"XCLIENT" => self.xclient(rest, out),
            b"MAIL" => self.mail(rest, out),
            b"RCPT" => self.rcpt(rest, out),
            b"DATA" => return self.data(out),
            b"RSET" => {
                self.state = State::Ready;
                say(out, "250 2.0.0 OK");
            }
            b"NOOP" => say(out, "250 2.0.0 OK"),
            b"QUIT" => {
                say(out, "221 2.0.0 Bye");
                return Turn::Close;
            }
            _ => say(out, "500 5.5.2 Command not recognized"),
        }
        Turn::Line
    }

    /// Appends the reply to a message: with `Ok` a positive reply with this text, with `Err` this reply.
    pub fn message(&mut self, result: Result<&str, &str>, out: &mut Vec<u8>) {
        match result {
            Ok(text) => say(out, &format!("250 2.0.0 {text}")),
            Err(reply) => say(out, reply),
        }
    }

    fn ehlo(&mut self, name: &[u8], out: &mut Vec<u8>) {
        if name.is_empty() {
            return say(out, "501 5.5.4 Syntax: EHLO hostname");
        }
        self.state = State::Ready;
        let Policy { host, max_size, .. } = &*self.policy;
        say(
            out,
            &format!(
                "250-{host}\r\n250-PIPELINING\r\n250-SIZE {max_size}\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES"
            ),
        );
        if self.policy.account.is_some() {
            say(out, "250-AUTH PLAIN LOGIN CRAM-MD5");
        }
        say(out, "250 XCLIENT NAME ADDR LOGIN");
    }

    fn helo(&mut self, name: &[u8], out: &mut Vec<u8>) {
        if name.is_empty() {
            return say(out, "501 5.5.4 Syntax: HELO hostname");
        }
        self.state = State::Ready;
        say(out, &format!("250 {}", self.policy.host));
    }

    fn auth(&mut self, rest: &[u8], out: &mut Vec<u8>) {
        if matches!(self.state, State::Mail { .. }) {
            return say(out, "503 5.5.1 Not during a mail transaction");
        }
        if self.logged_in {
            return say(out, "503 5.5.1 Already authenticated");
        }
        let (mechanism, response) = word(rest);
        self.challenges += 1;
        let challenge = format!(
            "<{:016x}.{}@{}>",
            self.nonce, self.challenges, self.policy.host
        );
        match Exchange::begin(mechanism, challenge) {
            None => say(out, "504 5.5.4 Unrecognized authentication type"),
            Some(Progress::Challenge(_, Exchange::CramMd5 { .. })) if !response.is_empty() => {
                say(out, "501 5.5.4 CRAM-MD5 takes no initial response");
            }
            Some(Progress::Challenge(_, exchange)) if !response.is_empty() => {
                let progress = exchange.respond(response, self.policy.account.as_ref());
                self.sasl(progress, out);
            }
            Some(progress) => self.sasl(progress, out),
        }
    }

    fn sasl(&mut self, progress: Progress, out: &mut Vec<u8>) {
        match progress {
            Progress::Challenge(text, exchange) => {
                say(out, &format!("334 {text}"));
                self.state = State::Sasl(exchange);
            }
            Progress::Accepted => {
                self.logged_in = true;
                say(out, "235 2.7.0 Authentication successful");
            }
            Progress::Refused => say(out, "535 5.7.8 Authentication credentials invalid"),
            Progress::Malformed => say(out, "501 5.5.2 Cannot decode response"),
        }
    }

    /// Accepts the attributes, as Postfix does for `smtpd_authorized_xclient_hosts`, and starts the session again.
    fn xclient(&mut self, attributes: &[u8], out: &mut Vec<u8>) {
        let known = |a: &&[u8]| {
            [&b"NAME="[..], b"ADDR=", b"LOGIN="]
                .iter()
                .any(|n| starts_with(a, n))
        };
        let given: Vec<&[u8]> = attributes
            .split(|&b| b == b' ')
            .filter(|a| !a.is_empty())
            .collect();
        if given.is_empty() || !given.iter().all(known) {
            return say(out, "501 5.5.4 Bad XCLIENT attribute");
        }
        self.state = State::Ready;
        self.logged_in = given
            .iter()
            .any(|a| starts_with(a, b"LOGIN=") && a.len() > 6);
        self.greet(out);
    }

    fn mail(&mut self, rest: &[u8], out: &mut Vec<u8>) {
        let Some(parameters) = path(rest, b"FROM:") else {
            return say(out, "501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        let size = parameters
            .split(|&b| b == b' ')
            .find(|p| starts_with(p, b"SIZE="))
            .map(|p| &p[5..]);
        let size = size.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        if self.policy.require_auth && !self.logged_in {
            say(out, "530 5.7.0 Authentication required");
        } else if matches!(self.state, State::Mail { .. }) {
            say(out, "503 5.5.1 Nested MAIL command");
        } else if size.is_some_and(|size| size > self.policy.max_size) {
            say(out, "552 5.3.4 Message too large");
        } else {
            self.state = State::Mail { recipients: 0 };
            say(out, "250 2.1.0 OK");
        }
    }

    fn rcpt(&mut self, rest: &[u8], out: &mut Vec<u8>) {
        match &mut self.state {
            State::Mail { recipients }
                if path(rest, b"TO:").is_some_and(|_| !starts_with(rest, b"TO:<>")) =>
            {
                *recipients += 1;
                say(out, "250 2.1.5 OK");
            }
            State::Mail { .. } => say(out, "501 5.5.4 Syntax: RCPT TO:<address>"),
            _ => say(out, "503 5.5.1 MAIL first"),
        }
    }

    fn data(&mut self, out: &mut Vec<u8>) -> Turn {
        match self.state {
            State::Mail { recipients: 1.. } => {
                self.state = State::Ready;
                say(out, "354 End data with <CR><LF>.<CR><LF>");
                return Turn::Message;
            }
            State::Mail { .. } => say(out, "503 5.5.1 RCPT first"),
            _ => say(out, "503 5.5.1 MAIL first"),
        }
        Turn::Line
    }
}

fn say(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(line.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The first word and the rest after the space.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
    (&line[..end], line[end..].trim_ascii())
}

/// The parameters after `<…>`; `None` if the keyword or the brackets are missing.
fn path<'a>(rest: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let after = starts_with(rest, keyword).then(|| rest[keyword.len()..].trim_ascii_start())?;
    let end = after.iter().position(|&b| b == b'>')?;
    after.starts_with(b"<").then(|| &after[end + 1..])
}

fn starts_with(text: &[u8], keyword: &[u8]) -> bool {
    text.get(..keyword.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(keyword))
}
