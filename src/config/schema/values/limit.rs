//! `limit_conn_zone`, `limit_conn` and their like.

use super::number::number;
use super::size::parse_size;
use super::words::Choices;
use crate::base::Level;
use crate::config::model::{
    AuthAction, AuthRule, ConnRule, LimitPrefix, LimitZone, Origin, Rate, SessionRule, ZoneKey,
    ZoneKind,
};
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueError, ValueKind, refuse};
use crate::config::syntax::message;

/// The smallest zone, in bytes: eight pages.
const SMALLEST: i64 = 8 * 4096;
/// The most connections of a key.
const MOST: usize = 65535;
/// What the words of all zones mean.
const ABOUT_ZONE: &str = "The key is a text with variables. The size is in bytes, or in kilobytes or megabytes with the suffix `k` or `m`; it \
    is the most memory that the zone needs, and at least `32k`.";

/// The arguments that all zones have.
struct ZoneWords {
    key: ZoneKey,
    name: Box<[u8]>,
    size: usize,
    rate: Option<Rate>,
    distinct: bool,
}

/// The parameters that a kind of zone has beside `zone=`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extras {
    None,
    Rate,
    RateAndDistinct,
}

impl ZoneWords {
    fn read(args: &Arguments<'_>, extras: Extras) -> Parsed<Self> {
        let key = args.variables.template(args.first(), args.span);
        let key = key.map_err(|error| refuse!(error.of_value()))?;
        let mut words = Self {
            key: ZoneKey::new(args.first(), key),
            name: Box::default(),
            size: 0,
            rate: None,
            distinct: false,
        };
        for word in args.rest() {
            if let Some(zone) = word.strip_prefix(b"zone=") {
                let bad = || refuse!("invalid zone size \"", word, "\"");
                let colon = zone.iter().position(|byte| *byte == b':').ok_or_else(bad)?;
                let size = parse_size(&zone[colon + 1..]).ok_or_else(bad)?;
                if size < SMALLEST {
                    return Err(refuse!("zone \"", word, "\" is too small"));
                }
                words.name = zone[..colon].into();
                words.size = usize::try_from(size).map_err(|_| bad())?;
            } else if let Some(rate) = word.strip_prefix(b"rate=")
                && extras != Extras::None
            {
                let rate = read_rate(rate, extras == Extras::RateAndDistinct);
                let bad = || refuse!("invalid rate \"", word, "\"");
                words.rate = Some(rate.ok_or_else(bad)?);
            } else if let Some(distinct) = word.strip_prefix(b"distinct=")
                && extras == Extras::RateAndDistinct
            {
                words.distinct = match distinct {
                    b"on" => true,
                    b"off" => false,
                    _ => return Err(refuse!("invalid parameter \"", word, "\"")),
                };
            } else {
                return Err(refuse!("invalid parameter \"", word, "\""));
            }
        }
        match words.name.is_empty() {
            true => Err(no_zone(args.name)),
            false => Ok(words),
        }
    }

    fn zone(self, kind: ZoneKind) -> LimitZone {
        LimitZone {
            kind,
            name: self.name,
            key: self.key,
            size: self.size,
        }
    }
}

fn no_zone(directive: &str) -> ValueError {
    refuse!("\"", directive, "\" must have \"zone\" parameter")
}

/// Reads `10r/s`, `10r/m` or `10`; `10r/h` where hours are allowed.
fn read_rate(text: &[u8], has_hours: bool) -> Option<Rate> {
    let (text, time) = match text {
        [text @ .., b'r', b'/', b's'] => (text, 1),
        [text @ .., b'r', b'/', b'm'] => (text, 60),
        [text @ .., b'r', b'/', b'h'] if has_hours => (text, 60 * 60),
        text => (text, 1),
    };
    let number = number(text).filter(|number| *number > 0)? as u64;
    Some(Rate { number, time })
}

/// Adds a value to those of the earlier lines.
fn added<T>(before: Option<Vec<T>>, one: T) -> Vec<T> {
    let mut all = before.unwrap_or_default();
    all.push(one);
    all
}

/// `limit_conn_zone`
#[derive(Debug)]
pub struct ConnZones;

impl ValueKind for ConnZones {
    type Value = Vec<LimitZone>;
    const SYNTAX: &'static str = "key zone=name:size";
    const ABOUT: &'static str = ABOUT_ZONE;
    const ARITY: Arity = Arity::exactly(2);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<LimitZone>>) -> Parsed<Vec<LimitZone>> {
        let words = ZoneWords::read(args, Extras::None)?;
        Ok(added(before, words.zone(ZoneKind::Conn)))
    }
}

/// `limit_session_zone`
#[derive(Debug)]
pub struct SessionZones;

impl ValueKind for SessionZones {
    type Value = Vec<LimitZone>;
    const SYNTAX: &'static str = "key zone=name:size rate=rate";
    const ABOUT: &'static str = "The key is a text with variables. The size is in bytes, or in kilobytes or megabytes with the suffix `k` or \
        `m`; it is the most memory that the zone needs, and at least `32k`. The rate is a number of sessions per second (`10r/s`) or per \
        minute (`30r/m`).";
    const ARITY: Arity = Arity::exactly(3);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<LimitZone>>) -> Parsed<Vec<LimitZone>> {
        let words = ZoneWords::read(args, Extras::Rate)?;
        let kind = ZoneKind::Session(words.rate.unwrap_or(Rate::ONE));
        Ok(added(before, words.zone(kind)))
    }
}

/// `limit_auth_zone`
#[derive(Debug)]
pub struct AuthZones;

impl ValueKind for AuthZones {
    type Value = Vec<LimitZone>;
    const SYNTAX: &'static str = "key zone=name:size rate=rate [distinct=on|off]";
    const ABOUT: &'static str = "The key is a text with variables. The size is in bytes, or in kilobytes or megabytes with the suffix `k` or \
        `m`; it is the most memory that the zone needs, and at least `32k`. The rate is a number of failed logins per second (`1r/s`), per \
        minute (`5r/m`) or per hour (`5r/h`). With `distinct=on`, the same password of a login counts once.";
    const ARITY: Arity = Arity::between(3, 4);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<LimitZone>>) -> Parsed<Vec<LimitZone>> {
        let words = ZoneWords::read(args, Extras::RateAndDistinct)?;
        let kind = ZoneKind::Auth {
            rate: words.rate.unwrap_or(Rate::ONE),
            distinct: words.distinct,
        };
        Ok(added(before, words.zone(kind)))
    }
}

/// `limit_conn`
#[derive(Debug)]
pub struct ConnRules;

impl ValueKind for ConnRules {
    type Value = Vec<ConnRule<Box<[u8]>>>;
    const SYNTAX: &'static str = "zone number";
    const ABOUT: &'static str = "The zone is the name of one. The number is from 1 to 65535.";
    const ARITY: Arity = Arity::exactly(2);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let known = before.iter().flatten().map(|rule| &rule.zone);
        let zone = another_zone(args.first().into(), known)?;
        let word = args.rest().first().map_or(&b""[..], |word| word);
        let limit = match number(word) {
            None | Some(0) => {
                return Err(refuse!("invalid number of connections \"", word, "\""));
            }
            Some(limit) if limit > MOST => {
                return Err(refuse!(format!(
                    "connection limit must be less {}",
                    MOST + 1
                )));
            }
            Some(limit) => limit as u32,
        };
        let origin = Origin::of(args.span);
        Ok(added(
            before,
            ConnRule {
                zone,
                limit,
                origin,
            },
        ))
    }
}

/// `limit_session`
#[derive(Debug)]
pub struct SessionRules;

impl ValueKind for SessionRules {
    type Value = Vec<SessionRule<Box<[u8]>>>;
    const SYNTAX: &'static str = "zone=name [burst=number] [delay=number | nodelay]";
    const ARITY: Arity = Arity::between(1, 3);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let (mut zone, mut burst, mut delay) = (None, 0, Some(0));
        for word in args.words {
            if let Some(name) = word.strip_prefix(b"zone=") {
                zone = Some(Box::from(name));
            } else if let Some(text) = word.strip_prefix(b"burst=") {
                burst = count(text).ok_or_else(|| refuse!("invalid burst value \"", word, "\""))?;
            } else if let Some(text) = word.strip_prefix(b"delay=") {
                let bad = || refuse!("invalid delay value \"", word, "\"");
                delay = Some(count(text).ok_or_else(bad)?);
            } else if **word == *b"nodelay" {
                delay = None;
            } else {
                return Err(refuse!("invalid parameter \"", word, "\""));
            }
        }
        let known = before.iter().flatten().map(|rule| &rule.zone);
        let zone = another_zone(zone.ok_or_else(|| no_zone(args.name))?, known)?;
        let origin = Origin::of(args.span);
        Ok(added(
            before,
            SessionRule {
                zone,
                burst,
                delay,
                origin,
            },
        ))
    }
}

/// `limit_auth`
#[derive(Debug)]
pub struct AuthRules;

impl ValueKind for AuthRules {
    type Value = Vec<AuthRule<Box<[u8]>>>;
    const SYNTAX: &'static str = "zone=name [burst=number] [action=delay | refuse | drop]";
    const ARITY: Arity = Arity::between(1, 3);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let (mut zone, mut burst, mut action) = (None, None, AuthAction::Delay);
        for word in args.words {
            let bad = || refuse!("invalid parameter \"", word, "\"");
            if let Some(name) = word.strip_prefix(b"zone=") {
                zone = Some(Box::from(name));
            } else if let Some(text) = word.strip_prefix(b"burst=") {
                let bad = || refuse!("invalid burst value \"", word, "\"");
                burst = Some(count(text).ok_or_else(bad)?);
            } else if let Some(text) = word.strip_prefix(b"action=") {
                action = match text {
                    b"delay" => AuthAction::Delay,
                    b"refuse" => AuthAction::Refuse,
                    b"drop" => AuthAction::Drop,
                    _ => return Err(bad()),
                };
            } else {
                return Err(bad());
            }
        }
        let known = before.iter().flatten().map(|rule| &rule.zone);
        let zone = another_zone(zone.ok_or_else(|| no_zone(args.name))?, known)?;
        let origin = Origin::of(args.span);
        Ok(added(
            before,
            AuthRule {
                zone,
                burst,
                action,
                origin,
            },
        ))
    }
}

/// The zone of a rule, unless a rule before names it.
fn another_zone<'r>(
    zone: Box<[u8]>,
    mut known: impl Iterator<Item = &'r Box<[u8]>>,
) -> Parsed<Box<[u8]>> {
    match known.any(|one| *one == zone) {
        true => Err(ValueError::DUPLICATE),
        false => Ok(zone),
    }
}

/// Reads a number from 1.
fn count(text: &[u8]) -> Option<u64> {
    number(text)
        .filter(|number| *number > 0)
        .map(|number| number as u64)
}

/// `limit_prefix`
#[derive(Debug)]
pub struct LimitPrefixes;

impl ValueKind for LimitPrefixes {
    type Value = LimitPrefix;
    const SYNTAX: &'static str = "[ipv4=bits] [ipv6=bits]";
    const ABOUT: &'static str = "The bits are from 1 to 32, or from 1 to 128.";
    const ARITY: Arity = Arity::between(1, 2);

    fn read(args: &mut Arguments<'_>, _: Option<LimitPrefix>) -> Parsed<LimitPrefix> {
        let mut prefix = LimitPrefix::default();
        for word in args.words {
            let bad = || refuse!("invalid parameter \"", word, "\"");
            let bits = |text: &[u8], most: usize| {
                let bits = number(text).filter(|bits| (1..=most).contains(bits));
                bits.and_then(|bits| u8::try_from(bits).ok())
                    .ok_or_else(bad)
            };
            if let Some(text) = word.strip_prefix(b"ipv4=") {
                prefix.ipv4 = bits(text, 32)?;
            } else if let Some(text) = word.strip_prefix(b"ipv6=") {
                prefix.ipv6 = bits(text, 128)?;
            } else {
                return Err(bad());
            }
        }
        Ok(prefix)
    }
}

impl Choices for Level {
    const SYNTAX: &'static str = "info | notice | warn | error";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("info", Self::Info),
        ("notice", Self::Notice),
        ("warn", Self::Warn),
        ("error", Self::Error),
    ];
}

/// Where a line names a zone: its name, and nginx's sentence about a zone that is declared for another use.
pub fn other_use(name: &[u8]) -> ValueError {
    let begin = "the shared memory zone \"";
    ValueError::Message(message!(
        begin,
        name,
        "\" is already declared for a different use"
    ))
}
