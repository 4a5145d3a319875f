//! The answer of the auth server, in nginx's grammar. A malformed answer never logs a client in.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::Replacement;
use crate::base::Secret;
use crate::proto::Denial;
use crate::proto::login::Bytes;
use crate::proto::sasl::Bearer;

/// The wait before a repeated request, unless `Auth-Wait` gives another.
const WAIT: Duration = Duration::from_secs(1);
/// The longest `Auth-Wait` in seconds: a day.
const LONGEST_WAIT: u64 = 86_400;
/// The length of the longest header name with a meaning.
const LONGEST_NAME: usize = 17;

/// The headers with a meaning, as received. Of repeated headers the last one counts.
#[derive(Debug, Default)]
pub struct Answer {
    /// The HTTP status.
    status: u16,
    /// `Auth-Status`. Of several, the first one that is not `OK` counts.
    auth_status: Option<Bytes>,
    server: Option<Bytes>,
    port: Option<Bytes>,
    /// `Auth-User` and `Auth-Pass`.
    replacement: Replacement,
    wait: Option<Duration>,
    code: Option<Bytes>,
    /// `Auth-Error-SASL`.
    error: Option<Bytes>,
    smtp_auth: Option<bool>,
    /// `Content-Length` in bytes.
    body: Option<usize>,
    /// The body is chunked.
    chunked: bool,
    /// The server closes the connection after this answer.
    closing: bool,
}

/// A fault of an answer. In the log its text follows `auth http server ADDRESS `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No status line.
    Response,
    /// A line that is not a header.
    Header,
    /// No `Auth-Status`, and an HTTP status other than 2xx.
    Status(u16),
    /// An empty `Auth-Status`.
    Empty,
    /// Neither the answer nor `proxy_pass` names a backend.
    NoServer,
    /// `Auth-Server` is neither an IP address nor a host name.
    Address(Box<[u8]>),
    /// The backend needs a password, and neither the client nor the answer has one.
    NoPassword,
    /// `Auth-Port` is not a port.
    Port(Box<[u8]>),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::base::Escaped;
        match self {
            Fault::Response => f.write_str("sent invalid response"),
            Fault::Header => f.write_str("sent invalid header in response"),
            Fault::Status(code) => write!(f, "sent status {code} without \"Auth-Status\""),
            Fault::Empty => f.write_str("sent empty \"Auth-Status\""),
            Fault::NoServer => f.write_str("did not send server or port"),
            Fault::NoPassword => f.write_str("did not send password"),
            Fault::Address(text) => {
                write!(f, "sent invalid server address:\"{}\"", Escaped(text))
            }
            Fault::Port(text) => write!(f, "sent invalid server port:\"{}\"", Escaped(text)),
        }
    }
}

/// The result of parsing an answer.
#[derive(Debug)]
pub enum Parsed {
    /// The end of the header is missing.
    Partial,
    /// The answer, and the length of its header in bytes.
    Whole(Box<Answer>, usize),
    /// The bytes are not an answer, whatever follows.
    Invalid(Fault),
}

/// The requirements for an answer that logs the client in, and the client's mechanism.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// A backend: there is no `proxy_pass`.
    pub server: bool,
    /// A password: the client sent none, and the backend needs one.
    pub pass: bool,
    /// The mechanism, if it has errors of its own.
    pub bearer: Option<Bearer>,
}

/// The meaning of an answer.
#[derive(Debug)]
pub enum Outcome {
    /// The login is denied.
    Denied(Denial),
    /// The request is to be repeated after this time, with this login (`Auth-Status: WAIT`).
    Retry(Duration, Replacement),
    /// The login is accepted.
    Accepted(Grant),
}

/// The contents of an answer that accepts the login.
#[derive(Debug, Default)]
pub struct Grant {
    /// The backend; `None`: that of `proxy_pass`.
    pub backend: Option<Backend>,
    /// The login and the password for the backend.
    pub replacement: Replacement,
    /// Overrides `proxy_smtp_auth`: `Auth-SMTP-Auth: on` or `off`, `Auth-SMTP: yes` or `no`, `Auth-Method: none`.
    pub smtp_auth: Option<bool>,
}

/// A backend, as `Auth-Server` and `Auth-Port` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The address or the name.
    pub host: BackendHost,
    /// The port.
    pub port: u16,
    /// Both as the auth server wrote them, with a colon between: the name in nginx's log.
    pub name: Box<str>,
}

/// A backend without its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendHost {
    /// An IP address.
    Address(IpAddr),
    /// A host name that is not resolved yet.
    Name(Box<str>),
}

/// Parses an answer from its first byte to the end of its header.
pub fn parse(bytes: &[u8]) -> Parsed {
    let seen = bytes.len().min(5);
    if bytes[..seen] != b"HTTP/"[..seen] {
        return Parsed::Invalid(Fault::Response);
    }
    let mut answer = Box::<Answer>::default();
    let (mut start, mut at) = (0, 0);
    while let Some(length) = memchr::memchr(b'\n', &bytes[at..]) {
        let raw = &bytes[at..at + length];
        let line = raw.strip_suffix(b"\r").unwrap_or(raw);
        let first = at == start;
        at += length + 1;
        if first {
            match status(line) {
                Some(code) => answer.status = code,
                None => return Parsed::Invalid(Fault::Response),
            }
            answer.closing = line.starts_with(b"HTTP/1.0");
        } else if line.is_empty() && (100..200).contains(&answer.status) {
            // An interim answer (RFC 9110 section 15.2): another one follows.
            *answer = Answer::default();
            start = at;
        } else if line.is_empty() {
            return Parsed::Whole(answer, at);
        } else if answer.header(line).is_none() {
            return Parsed::Invalid(Fault::Header);
        }
    }
    Parsed::Partial
}

/// The status code of a line like `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Option<u16> {
    if !line.starts_with(b"HTTP/") || memchr::memchr(b'\r', line).is_some() {
        return None;
    }
    let mut words = line.split(|&b| b == b' ').filter(|word| !word.is_empty());
    let (_, code) = (words.next()?, words.next()?);
    number(code).filter(|code| (100..=999).contains(code))
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The header lines of an answer, as names and values. `Auth-Pass` is left out: logs show the others.
pub fn headers(header: &[u8]) -> Vec<(Box<str>, Box<[u8]>)> {
    let lines = header.split(|byte| *byte == b'\n');
    let lines = lines.take_while(|line| !line.trim_ascii().is_empty());
    let pairs = lines.filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let name = std::str::from_utf8(&line[..colon]).ok()?;
        let is_secret = name.eq_ignore_ascii_case("auth-pass");
        let value = line[colon + 1..].trim_ascii();
        (!is_secret).then(|| (name.to_ascii_lowercase().into(), value.into()))
    });
    pairs.collect()
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count.min(LONGEST_WAIT))
}

impl Answer {
    /// Takes one header line. `None`: it is malformed.
    fn header(&mut self, line: &[u8]) -> Option<()> {
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let name = &line[..colon];
        let legal = |&b: &u8| b.is_ascii_alphanumeric() || b == b'-';
        if !name.first().is_some_and(u8::is_ascii_alphanumeric)
            || !name.iter().all(legal)
            || memchr::memchr(b'\r', line).is_some()
        {
            return None;
        }
        if colon == line.len() {
            return Some(());
        }
        let value = trim_spaces(&line[colon + 1..]);
        let own = || value.into();
        // To nginx an empty value of these headers is a missing one.
        let some = || (!value.is_empty()).then(own);
        let mut lower = [0; LONGEST_NAME];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return Some(());
        };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        match &*lower {
            b"auth-status"
                if self
                    .auth_status
                    .as_deref()
                    .is_none_or(|before| before == b"OK") =>
            {
                self.auth_status = Some(own());
            }
            b"auth-server" => self.server = some(),
            b"auth-port" => self.port = some(),
            b"auth-user" => self.replacement.user = Some(own()),
            b"auth-pass" => self.replacement.pass = Some(Secret::new(own())),
            b"auth-wait" => self.wait = number(value).map(seconds).or(self.wait),
            b"auth-error-code" => self.code = some(),
            b"auth-error-sasl" => self.error = some(),
            b"auth-smtp-auth" | b"auth-smtp" | b"auth-method" => {
                self.smtp_auth = match (&*lower, &*value.to_ascii_lowercase()) {
                    (b"auth-smtp-auth", b"on") | (b"auth-smtp", b"yes") => Some(true),
                    (b"auth-smtp-auth", b"off")
                    | (b"auth-smtp", b"no")
                    | (b"auth-method", b"none") => Some(false),
                    _ => self.smtp_auth,
                };
            }
            b"content-length" => self.body = number(value),
            b"transfer-encoding" => self.chunked = true,
            b"connection" => {
                self.closing = !value.eq_ignore_ascii_case(b"keep-alive");
            }
            _ => {}
        }
        Some(())
    }

    /// The login that replaces the client's, in the log too.
    pub fn user(&self) -> Option<&[u8]> {
        self.replacement.user.as_deref()
    }

    /// Whether the connection can take another request. `body` is the part of the body that was received: all of it, if so.
    pub fn leaves_open(&self, body: &[u8]) -> bool {
        match (self.status, self.body) {
            _ if self.closing => false,
            _ if self.chunked => body == b"0\r\n\r\n",
            (204 | 304, _) => body.is_empty(),
            (_, length) => length == Some(body.len()),
        }
    }

    /// The meaning of the answer.
    ///
    /// # Errors
    /// The fault that comes first in nginx's order of checks.
    pub fn outcome(self, need: Need) -> Result<Outcome, Fault> {
        match self.auth_status.as_deref() {
            Some(b"") => return Err(Fault::Empty),
            Some(b"OK") => {}
            Some(b"WAIT") => {
                let wait = self.wait.filter(|wait| !wait.is_zero());
                return Ok(Outcome::Retry(wait.unwrap_or(WAIT), self.replacement));
            }
            Some(text) => {
                return Ok(Outcome::Denied(Denial {
                    code: self.code,
                    text: text.into(),
                    wait: self.wait.unwrap_or_default(),
                    error: need.bearer.zip(self.error),
                }));
            }
            None if !(200..300).contains(&self.status) => {
                return Err(Fault::Status(self.status));
            }
            None if self.server.is_none() || self.port.is_none() => return Err(Fault::NoServer),
            None => {}
        }
        let server = match (self.server, self.port) {
            (Some(server), Some(port)) => Some((server, port)),
            (None, _) if !need.server => None,
            _ => return Err(Fault::NoServer),
        };
        if need.pass && self.replacement.pass.is_none() {
            return Err(Fault::NoPassword);
        }
        let backend = server
            .map(|(server, port)| backend(server, port))
            .transpose()?;
        Ok(Outcome::Accepted(Grant {
            backend,
            replacement: self.replacement,
            smtp_auth: self.smtp_auth,
        }))
    }
}

/// The backend of `Auth-Server` and `Auth-Port`.
fn backend(server: Box<[u8]>, port: Box<[u8]>) -> Result<Backend, Fault> {
    let text = std::str::from_utf8(&server).unwrap_or_default();
    let host = match address(text) {
        Some(ip) => BackendHost::Address(ip),
        None if is_host_name(text) => BackendHost::Name(text.into()),
        None => return Err(Fault::Address(server)),
    };
    let name = [text, ":", &*String::from_utf8_lossy(&port)]
        .concat()
        .into();
    match number(&port) {
        None | Some(0) => Err(Fault::Port(port)),
        Some(port) => Ok(Backend { host, port, name }),
    }
}

/// An IP address as nginx reads it: a number of IPv4 may have leading zeros and is decimal.
fn address(text: &str) -> Option<IpAddr> {
    let quad = || {
        let decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let numbers: Vec<u8> = text
            .split('.')
            .map(|number| number.parse().ok().filter(|_| decimal(number)))
            .collect::<Option<_>>()?;
        <[u8; 4]>::try_from(numbers).ok().map(IpAddr::from)
    };
    text.parse().ok().or_else(quad)
}

/// Whether the text has labels of letters, digits, `-` and `_`, the last with a letter (RFC 3696 section 2): other texts are
/// malformed addresses.
fn is_host_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(legal);
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(label)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Cuts spaces. As in nginx, tabs belong to the value.
fn trim_spaces(value: &[u8]) -> &[u8] {
    let start = value.iter().position(|&b| b != b' ').unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|&b| b != b' ')
        .map_or(start, |at| at + 1);
    &value[start..end]
}

#[cfg(test)]
mod tests;
