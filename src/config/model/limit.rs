//! Zones and the limits that use them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{
    AccessRule, LimitStore, Origin, Part, SessionField, SessionVariable, Template, Variable,
    VariableSource, masked,
};
use crate::base::Level;

/// A zone as configured.
#[derive(Clone, Debug)]
pub struct LimitZone {
    pub kind: ZoneKind,
    pub name: Box<[u8]>,
    pub key: ZoneKey,
    /// The most memory that it may need, in bytes.
    pub size: usize,
}

impl LimitZone {
    /// Whether the counts are in the store. Open connections are counted in each gateway alone, and passwords are told apart in the
    /// store only by hashes whose key is not in it.
    pub fn is_shared_by(&self, store: &LimitStore) -> bool {
        match self.kind {
            ZoneKind::Conn => false,
            ZoneKind::Session(_) => true,
            ZoneKind::Auth { distinct, .. } => !distinct || store.secret.is_some(),
        }
    }
}

/// What a zone counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneKind {
    /// `limit_conn_zone`: open connections.
    Conn,
    /// `limit_session_zone`: new sessions.
    Session(Rate),
    /// `limit_auth_zone`: failed logins.
    Auth {
        rate: Rate,
        /// A password that fails again does not count again.
        distinct: bool,
    },
}

impl ZoneKind {
    /// The directive that defines such zones.
    pub fn directive(self) -> &'static str {
        match self {
            Self::Conn => "limit_conn_zone",
            Self::Session(_) => "limit_session_zone",
            Self::Auth { .. } => "limit_auth_zone",
        }
    }

    /// What it counts, in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Conn => "conn",
            Self::Session(_) => "session",
            Self::Auth { .. } => "auth",
        }
    }

    /// The rate; one per second where there is none.
    pub fn rate(self) -> Rate {
        match self {
            Self::Conn => Rate::ONE,
            Self::Session(rate) | Self::Auth { rate, .. } => rate,
        }
    }
}

/// A number of events in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub number: u64,
    /// In seconds; not 0.
    pub time: u64,
}

impl Rate {
    /// One per second.
    pub const ONE: Self = Self { number: 1, time: 1 };

    /// In thousandths per second, rounded as in nginx.
    pub fn thousandths(self) -> u64 {
        self.number.saturating_mul(1000) / self.time.max(1)
    }

    /// The number of events in this many milliseconds, in thousandths.
    pub fn amount(self, milliseconds: u64) -> u64 {
        self.number.saturating_mul(milliseconds) / self.time.max(1)
    }

    /// The time in which there are this many thousandths.
    pub fn time(self, thousandths: u64) -> Duration {
        let time = thousandths.saturating_mul(self.time);
        Duration::from_millis(time.div_ceil(self.number.max(1)))
    }
}

/// The key of a zone: a text with variables.
#[derive(Clone, Debug)]
pub struct ZoneKey {
    /// As written.
    pub written: Box<[u8]>,
    template: Template,
    parts: Box<[KeyPart]>,
}

#[derive(Clone, Debug)]
enum KeyPart {
    /// An address, of which `limit_prefix` counts.
    Address(SessionVariable),
    Other(Template),
}

/// The moment from which the value of a key is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The connection is accepted, and its PROXY header read.
    Accept,
    /// TLS is established.
    Tls,
    /// The login is accepted.
    Login,
}

impl ZoneKey {
    /// A key.
    pub fn new(written: &[u8], template: Template) -> Self {
        use SessionVariable as Name;
        let parts = template.0.iter().map(|part| match part {
            Part::Variable(Variable::Session(
                name @ (Name::RemoteAddr | Name::BinaryRemoteAddr | Name::ProxyProtocolAddr),
            )) => KeyPart::Address(*name),
            other => KeyPart::Other(Template([other.clone()].into())),
        });
        Self {
            written: written.into(),
            parts: parts.collect(),
            template,
        }
    }

    /// Its value for a session.
    pub fn value(&self, prefix: LimitPrefix, source: &dyn VariableSource) -> Vec<u8> {
        self.evaluate(prefix, source, false)
    }

    /// Its value as text.
    pub fn shown(&self, prefix: LimitPrefix, source: &dyn VariableSource) -> Vec<u8> {
        self.evaluate(prefix, source, true)
    }

    fn evaluate(&self, prefix: LimitPrefix, source: &dyn VariableSource, as_text: bool) -> Vec<u8> {
        let mut value = Vec::new();
        for part in &self.parts {
            match part {
                KeyPart::Address(name) => {
                    let mut address = Vec::new();
                    source.append(&Variable::Session(*name), &mut address);
                    let is_binary = *name == SessionVariable::BinaryRemoteAddr;
                    let read = match is_binary {
                        true => from_octets(&address),
                        false => std::str::from_utf8(&address)
                            .ok()
                            .and_then(|text| text.parse().ok()),
                    };
                    match read.map(|ip: IpAddr| prefix.of(ip)) {
                        Some(IpAddr::V4(ip)) if is_binary && !as_text => {
                            value.extend(ip.octets());
                        }
                        Some(IpAddr::V6(ip)) if is_binary && !as_text => {
                            value.extend(ip.octets());
                        }
                        Some(ip) => value.extend(ip.to_string().as_bytes()),
                        // A Unix socket, or no address.
                        None => value.extend(address),
                    }
                }
                KeyPart::Other(template) => value.extend(template.evaluate(source)),
            }
        }
        value
    }

    /// When its value is known. Blocks that define variables have to be known.
    pub fn stage(&self) -> Stage {
        let has = |stage| {
            self.template
                .names(&move |variable| stage_of(variable) == stage)
        };
        [Stage::Login, Stage::Tls]
            .into_iter()
            .find(|stage| has(*stage))
            .unwrap_or(Stage::Accept)
    }

    /// Whether it depends on a built-in variable for which `is_it` holds.
    pub fn names(&self, is_it: &dyn Fn(&Variable) -> bool) -> bool {
        self.template.names(is_it)
    }
}

fn from_octets(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

/// When the value of a built-in variable is known.
pub fn stage_of(variable: &Variable) -> Stage {
    use {SessionField as Field, SessionVariable as Name};
    match variable {
        Variable::Session(name) => match name {
            Name::RemoteAddr
            | Name::RemotePort
            | Name::BinaryRemoteAddr
            | Name::ServerAddr
            | Name::ServerPort
            | Name::ServerName
            | Name::ProxyProtocolAddr
            | Name::ProxyProtocolPort
            | Name::Connection
            | Name::SessionId
            | Name::Protocol
            | Name::Hostname
            | Name::Pid
            | Name::Msec
            | Name::TimeIso8601
            | Name::TimeLocal => Stage::Accept,
            Name::SslProtocol
            | Name::SslCipher
            | Name::SslCurve
            | Name::SslSessionReused
            | Name::SslServerName
            | Name::SslClientVerify
            | Name::SslClientSDn
            | Name::SslClientFingerprint => Stage::Tls,
            Name::RemoteUser
            | Name::RemoteUserLocal
            | Name::RemoteUserDomain
            | Name::AuthMethod
            | Name::SmtpHelo
            | Name::SmtpFrom
            | Name::SmtpTo => Stage::Login,
        },
        Variable::SessionField(field) => match field {
            Field::Time | Field::Session | Field::Protocol | Field::Server | Field::Client => {
                Stage::Accept
            }
            Field::Tls | Field::Cipher | Field::Sni => Stage::Tls,
            _ => Stage::Login,
        },
        Variable::AuthHttp(_) | Variable::MessageField(_) => Stage::Login,
        Variable::ProxyProtocolTlv(_)
        | Variable::Defined(_)
        | Variable::Request(_)
        | Variable::Capture(_) => Stage::Accept,
    }
}

/// How much of an address counts as one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitPrefix {
    /// In bits, up to 32.
    pub ipv4: u8,
    /// In bits, up to 128.
    pub ipv6: u8,
}

impl Default for LimitPrefix {
    fn default() -> Self {
        Self { ipv4: 32, ipv6: 64 }
    }
}

impl LimitPrefix {
    /// The part of an address that counts.
    pub fn of(self, ip: IpAddr) -> IpAddr {
        match ip.to_canonical() {
            ip @ IpAddr::V4(_) => masked(ip, self.ipv4),
            ip @ IpAddr::V6(_) => masked(ip, self.ipv6),
        }
    }
}

/// A line that uses a zone: `Z` is the name of the zone, or the zone.
#[derive(Clone, Debug)]
pub struct ConnRule<Z = Arc<LimitZone>> {
    pub zone: Z,
    /// The most connections.
    pub limit: u32,
    pub origin: Origin,
}

/// `limit_session`
#[derive(Clone, Debug)]
pub struct SessionRule<Z = Arc<LimitZone>> {
    pub zone: Z,
    /// The sessions above the rate that are accepted.
    pub burst: u64,
    /// The sessions above the rate that are not delayed; `None`: no session is delayed.
    pub delay: Option<u64>,
    pub origin: Origin,
}

/// `limit_auth`
#[derive(Clone, Debug)]
pub struct AuthRule<Z = Arc<LimitZone>> {
    pub zone: Z,
    /// The failures above the rate that are accepted; `None` for as many as the rate names, less one.
    pub burst: Option<u64>,
    pub action: AuthAction,
    pub origin: Origin,
}

/// A line that uses a zone.
pub trait UsesZone {
    /// The zone.
    fn zone(&self) -> &LimitZone;

    /// Its line.
    fn origin(&self) -> &Origin;
}

macro_rules! uses_zone {
    ($($rule:ident),+) => {
        $(
            impl UsesZone for $rule {
                fn zone(&self) -> &LimitZone {
                    &self.zone
                }

                fn origin(&self) -> &Origin {
                    &self.origin
                }
            }
        )+
    };
}

uses_zone!(ConnRule, SessionRule, AuthRule);

/// What happens to a login after too many failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthAction {
    /// It waits.
    #[default]
    Delay,
    /// It gets a temporary refusal.
    Refuse,
    /// The connection is closed.
    Drop,
}

/// The rules of one kind.
#[derive(Clone, Debug)]
pub struct LimitRules<R> {
    pub rules: Box<[R]>,
    /// The level of their lines in the log.
    pub level: Level,
    /// They only write lines.
    pub dry_run: bool,
}

/// The limits of a server.
#[derive(Clone, Debug)]
pub struct Limits {
    pub access: Box<[AccessRule]>,
    pub prefix: LimitPrefix,
    pub conn: LimitRules<ConnRule>,
    pub session: LimitRules<SessionRule>,
    pub auth: LimitRules<AuthRule>,
    /// Where counts are shared, if one of the zones is.
    pub store: Option<Arc<LimitStore>>,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        self.access.is_empty()
            && self.conn.rules.is_empty()
            && self.session.rules.is_empty()
            && self.auth.rules.is_empty()
    }

    /// The lines that use the zone of this name.
    pub fn users<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a Origin> {
        fn of<'a, R: UsesZone>(rules: &'a [R], name: &'a [u8]) -> impl Iterator<Item = &'a Origin> {
            let used = move |rule: &&R| *rule.zone().name == *name;
            rules.iter().filter(used).map(R::origin)
        }
        let others = of(&self.session.rules, name).chain(of(&self.auth.rules, name));
        of(&self.conn.rules, name).chain(others)
    }

    /// The zones that are used.
    pub fn zones(&self) -> impl Iterator<Item = &Arc<LimitZone>> {
        let conn = self.conn.rules.iter().map(|rule| &rule.zone);
        let session = self.session.rules.iter().map(|rule| &rule.zone);
        let auth = self.auth.rules.iter().map(|rule| &rule.zone);
        conn.chain(session).chain(auth)
    }
}
