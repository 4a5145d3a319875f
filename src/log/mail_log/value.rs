//! The values of variables and fields of one event.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::record::{Event, RecordAddress, SessionRecord, TlsRecord};
use crate::config::{MessageField, SessionField, SessionVariable, Variable, VariableSource};
use crate::log::clock;

/// A value of a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Bytes, to be escaped.
    Text(Cow<'a, [u8]>),
    Number(u64),
    /// Shown in seconds, with three decimal places.
    Seconds(Duration),
}

impl<'a> Value<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text.as_bytes()))
    }

    fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text.into_bytes()))
    }

    fn bytes(bytes: &'a [u8]) -> Self {
        Self::Text(Cow::Borrowed(bytes))
    }
}

impl<'a> Event<'a> {
    /// The value of a variable, if it has one.
    pub(super) fn variable(&self, variable: &Variable) -> Option<Value<'a>> {
        match variable {
            Variable::Session(variable) => self.session_variable(*variable),
            Variable::AuthHttp(name) => {
                let headers = &self.session.auth_headers;
                let header = headers.iter().find(|(known, _)| is_header(known, name));
                header.map(|(_, value)| Value::bytes(value))
            }
            Variable::ProxyProtocolTlv(name) => {
                let header = self.session.proxy_protocol.as_deref()?;
                name.find_in(&header.tlvs).map(Value::Text)
            }
            Variable::SessionField(field) => self.session_field(*field),
            Variable::MessageField(field) => self.message_field(*field),
            Variable::Defined(defined) => Some(Value::Text(Cow::Owned(defined.value(self)))),
            Variable::Request(_) | Variable::Capture(_) => None,
        }
    }

    /// A field of the session's line.
    pub(super) fn session_field(&self, field: SessionField) -> Option<Value<'a>> {
        let session = self.session;
        let tls = session.tls.as_deref();
        Some(match field {
            SessionField::Time => Value::Text(Cow::Owned(clock::iso(self.time).into())),
            SessionField::Session => Value::owned(session.id.to_string()),
            SessionField::Protocol => Value::text(session.protocol.word()),
            SessionField::Server => session.server.with_port(),
            SessionField::Client => session.client.with_port(),
            SessionField::Tls => Value::text(tls?.version),
            SessionField::Cipher => Value::text(tls?.cipher),
            SessionField::Sni => Value::text(tls?.sni.as_deref()?),
            SessionField::Helo => Value::bytes(session.helo.as_deref()?),
            SessionField::Method => Value::text(session.method?),
            SessionField::Login => Value::bytes(session.login.as_deref()?),
            SessionField::Result => Value::text(session.outcome.result.word()),
            SessionField::Reason => Value::text(session.outcome.reason.as_deref()?),
            SessionField::By => Value::text(session.outcome.by.as_deref()?),
            SessionField::Upstream => Value::text(session.upstream.as_deref()?),
            SessionField::UpstreamTls => Value::text(session.upstream_tls?),
            SessionField::ConnectSeconds => Value::Seconds(session.connect?),
            SessionField::LoginSeconds => Value::Seconds(session.login_time?),
            SessionField::TotalSeconds => Value::Seconds(session.total),
            SessionField::In => Value::Number(session.received),
            SessionField::Out => Value::Number(session.sent),
            SessionField::EndedBy => Value::text(session.ended_by.word()),
        })
    }

    /// A field of the message's line; `None` for the line of a session.
    pub(super) fn message_field(&self, field: MessageField) -> Option<Value<'a>> {
        let message = self.message?;
        Some(match field {
            MessageField::Time => return self.session_field(SessionField::Time),
            MessageField::Session => return self.session_field(SessionField::Session),
            MessageField::Sender => Value::bytes(&message.sender),
            MessageField::Recipients => Value::Text(Cow::Owned(message.recipients.join(&b','))),
            MessageField::Accepted => Value::Number(message.accepted.into()),
            MessageField::Size => Value::Number(message.size),
            MessageField::Code => match message.code {
                Some(code) => Value::Number(code.into()),
                None => Value::text("aborted"),
            },
            MessageField::Reply => Value::bytes(message.reply.as_deref()?),
            MessageField::QueueId => Value::bytes(message.queue_id.as_deref()?),
            MessageField::Seconds => Value::Seconds(message.duration),
            MessageField::Bdat => Value::Number(message.chunks?.into()),
        })
    }

    fn session_variable(&self, variable: SessionVariable) -> Option<Value<'a>> {
        use SessionVariable as Name;
        let session = self.session;
        let header = session.proxy_protocol.as_deref();
        Some(match variable {
            Name::RemoteAddr => session.client.host(),
            Name::RemotePort => session.client.port()?,
            Name::BinaryRemoteAddr => session.client.binary(),
            Name::ServerAddr => session.server.host(),
            Name::ServerPort => session.server.port()?,
            Name::ServerName => Value::bytes(&session.server_name),
            Name::ProxyProtocolAddr => Value::owned(header?.source.ip().to_string()),
            Name::ProxyProtocolPort => Value::Number(header?.source.port().into()),
            Name::Connection => Value::Number(session.connection),
            Name::SessionId => return self.session_field(SessionField::Session),
            Name::Protocol => return self.session_field(SessionField::Protocol),
            Name::RemoteUser => return self.session_field(SessionField::Login),
            Name::RemoteUserLocal => Value::bytes(session.login_parts()?.0),
            Name::RemoteUserDomain => Value::bytes(session.login_parts()?.1?),
            Name::AuthMethod => return self.session_field(SessionField::Method),
            Name::SmtpHelo => return self.session_field(SessionField::Helo),
            Name::SmtpFrom => Value::bytes(session.smtp_from.as_deref()?),
            Name::SmtpTo => Value::bytes(session.smtp_to.as_deref()?),
            Name::Hostname => {
                let name = nix::unistd::gethostname().unwrap_or_default();
                Value::owned(name.to_string_lossy().into_owned())
            }
            Name::Pid => Value::Number(std::process::id().into()),
            Name::Msec => Value::Seconds(self.time.duration_since(UNIX_EPOCH).unwrap_or_default()),
            Name::TimeIso8601 => Value::owned(self.time_with("%Y-%m-%dT%H:%M:%S%:z")),
            Name::TimeLocal => Value::owned(self.time_with("%d/%b/%Y:%H:%M:%S %z")),
            tls => {
                return session
                    .tls
                    .as_deref()
                    .and_then(|facts| tls_variable(facts, tls));
            }
        })
    }

    fn time_with(&self, format: &str) -> String {
        let time = Timestamp::try_from(self.time).unwrap_or_default();
        let time = time.to_zoned(TimeZone::system());
        time.strftime(format).to_string()
    }
}

impl VariableSource for Event<'_> {
    fn append(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let value = self.variable(variable);
        if let Some(value) = &value {
            value.write(out, |bytes, out| out.extend_from_slice(bytes));
        }
        value.is_some()
    }
}

fn tls_variable(tls: &TlsRecord, variable: SessionVariable) -> Option<Value<'_>> {
    use SessionVariable as Name;
    Some(match variable {
        Name::SslProtocol => Value::text(tls.version),
        Name::SslCipher => Value::text(tls.cipher),
        Name::SslCurve => Value::text(tls.curve?),
        Name::SslSessionReused => Value::text(if tls.resumed { "r" } else { "." }),
        Name::SslServerName => Value::text(tls.sni.as_deref()?),
        Name::SslClientVerify => Value::text(tls.verify.as_deref()?),
        Name::SslClientSDn => Value::text(tls.subject.as_deref()?),
        Name::SslClientFingerprint => Value::text(tls.fingerprint.as_deref()?),
        _ => return None,
    })
}

/// Compares the name of a header with that of a variable, which has `_` for `-`.
fn is_header(header: &str, variable: &str) -> bool {
    let plain = |byte: u8| match byte {
        b'-' => b'_',
        byte => byte.to_ascii_lowercase(),
    };
    header.bytes().map(plain).eq(variable.bytes())
}

impl SessionRecord {
    /// The login before and after its last `@`.
    fn login_parts(&self) -> Option<(&[u8], Option<&[u8]>)> {
        let login = self.login.as_deref()?;
        Some(match login.iter().rposition(|byte| *byte == b'@') {
            Some(at) => (&login[..at], Some(&login[at + 1..])),
            None => (login, None),
        })
    }
}

impl RecordAddress {
    fn host(&self) -> Value<'_> {
        match self {
            Self::Inet(address) => Value::owned(address.ip().to_string()),
            Self::Unix(_) => Value::text("unix:"),
        }
    }

    fn port(&self) -> Option<Value<'_>> {
        match self {
            Self::Inet(address) => Some(Value::Number(address.port().into())),
            Self::Unix(_) => None,
        }
    }

    fn with_port(&self) -> Value<'_> {
        match self {
            Self::Inet(address) => Value::owned(address.to_string()),
            Self::Unix(path) => Value::owned(format!("unix:{path}")),
        }
    }

    /// The bytes of the address; `unix:` for a Unix socket, as in nginx.
    fn binary(&self) -> Value<'_> {
        match self {
            Self::Inet(address) => Value::Text(Cow::Owned(match address.ip() {
                IpAddr::V4(ip) => ip.octets().to_vec(),
                IpAddr::V6(ip) => ip.octets().to_vec(),
            })),
            Self::Unix(_) => Value::text("unix:"),
        }
    }
}
