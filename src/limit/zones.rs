//! The zones that are in use. One outlives a reload if its name, its key and its size stay.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use super::rules::{Limits, Zoned};
use super::{AuthZone, ConnZone, SessionZone};
use crate::base::Registry;
use crate::config::{self, LimitZone};

/// What makes two zones the same: name, key as written, size in bytes.
type Identity = (Box<[u8]>, Box<[u8]>, usize);

/// The zones by kind. They live as long as a server uses them.
#[derive(Debug, Default)]
pub struct Zones {
    conn: Registry<Identity, ConnZone>,
    session: Registry<Identity, SessionZone>,
    auth: Registry<Identity, AuthZone>,
}

impl Zones {
    /// The limits of a server, with its zones. The time is that of a zone's beginning.
    pub fn limits(&self, config: &Arc<config::Limits>, now: Instant) -> Limits {
        let conn = |zone: &LimitZone| get(&self.conn, zone, ConnZone::new);
        let session =
            |zone: &LimitZone| get(&self.session, zone, |size| SessionZone::new(size, now));
        let auth = |zone: &LimitZone| get(&self.auth, zone, |size| AuthZone::new(size, now));
        Limits {
            conn: Zoned::all(&config.conn.rules, conn),
            session: Zoned::all(&config.session.rules, session),
            auth: Zoned::all(&config.auth.rules, auth),
            config: Arc::clone(config),
        }
    }
}

fn get<Z>(
    known: &Registry<Identity, Z>,
    zone: &LimitZone,
    make: impl FnOnce(usize) -> Z,
) -> Arc<Z> {
    let identity = (zone.name.clone(), zone.key.written.clone(), zone.size);
    let Ok(zone) = known.get_or_make(identity, |(_, _, size)| Ok::<_, Infallible>(make(*size)));
    zone
}

/// Why a zone cannot be used over a reload, in the words of nginx: its key is another one, and its name and size are not.
pub fn rebound(before: &config::Config, after: &config::Config) -> Option<String> {
    fn zones(config: &config::Config) -> impl Iterator<Item = &Arc<LimitZone>> {
        let limits = config
            .servers
            .iter()
            .filter_map(|server| server.limits.as_ref());
        limits.flat_map(|limits| limits.zones())
    }
    let is_same = |one: &LimitZone, other: &LimitZone| {
        (&one.name, one.size) == (&other.name, other.size)
            && one.kind.directive() == other.kind.directive()
    };
    zones(after).find_map(|zone| {
        let mut known = zones(before).filter(|known| is_same(known, zone));
        let other = known.find(|known| known.key.written != zone.key.written)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let directive = zone.kind.directive().trim_end_matches("_zone");
        Some(format!(
            "{directive} \"{}\" uses the \"{}\" key while previously it used the \"{}\" key",
            text(&zone.name),
            text(&zone.key.written),
            text(&other.key.written),
        ))
    })
}
