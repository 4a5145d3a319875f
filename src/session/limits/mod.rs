//! The limits of a server in a session: access rules and what zones count, each at the moment from which its key is known.
//!
//! A client that has to wait holds no buffer; it is noticed when it leaves.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Session;
use super::end::{Cause, SessionEnd};
use super::limit_state::Barred;
use super::log::SessionLog;
use super::phase::Phase;
use super::verdict::Verdict;
use crate::base::{Escaped, Level};
use crate::config::{AccessRule, LimitPrefix, SessionRule, Stage, TlsMode, UsesZone};
use crate::limit::{
    Decision, Limits, SessionCheck, SessionVerdict, SessionZone, Zone, Zoned, check_sessions,
    peek_sessions, slowest,
};
use crate::limit_store::{LimitStore, SessionAnswer};
use crate::log::mail_log::SessionResult;
use crate::net::socket::Peer;
use crate::proto::{Excess, LastReply};

pub mod auth;

/// The longest key of `limit_conn`, in bytes.
const MOST_CONN: usize = 255;
/// The longest key of the other limits, in bytes.
const MOST_OTHER: usize = 65535;

/// A client that a limit refuses.
#[derive(Debug)]
pub(in crate::session) struct Limited {
    pub excess: Excess,
    pub verdict: Verdict,
}

/// Why a session does not go on.
#[derive(Debug)]
pub(in crate::session) enum Stopped {
    /// The client has left.
    Left,
    Limited(Limited),
}

impl From<Barred> for Cause {
    fn from(barred: Barred) -> Self {
        Self::Barred(Box::new(barred))
    }
}

/// Checks the rules of `allow` and `deny`.
///
/// # Errors
/// One of them denies the client.
pub(in crate::session) fn check_access(session: &Session<'_>, peer: &Peer) -> Result<(), Cause> {
    let Some(limits) = &session.endpoint.limits else {
        return Ok(());
    };
    let Some(rule) = AccessRule::denying(&limits.config.access, peer.ip()) else {
        return Ok(());
    };
    let reason = "access forbidden by rule";
    let line = format_args!("{reason}, by={}", rule.origin);
    session.log.event_at(Level::Error, line);
    Err(Cause::from(Barred {
        result: SessionResult::Refused,
        verdict: Verdict::by(rule.origin.clone(), reason),
        reply: last_reply(session, LastReply::Forbidden),
    }))
}

/// Checks the limits whose keys are known from this stage before the login on, and waits where they say so.
///
/// # Errors
/// A limit is reached, or the client has left.
pub(in crate::session) async fn enter(
    session: &mut Session<'_>,
    stage: Stage,
) -> Result<(), SessionEnd> {
    let phase = match stage {
        Stage::Accept => Phase::Greeting,
        Stage::Tls | Stage::Login => Phase::Commands,
    };
    let entered = Box::pin(check(session, stage)).await;
    entered.map_err(|stopped| {
        phase.end(match stopped {
            Stopped::Left => Cause::Closed,
            Stopped::Limited(Limited { excess, verdict }) => Cause::from(Barred {
                result: SessionResult::Limited,
                verdict,
                reply: last_reply(session, LastReply::Limited(excess)),
            }),
        })
    })
}

/// The last reply to a client that may expect TLS.
fn last_reply(session: &Session<'_>, reply: LastReply) -> Option<LastReply> {
    (!expects_tls(session)).then_some(reply)
}

/// Whether the client's first bytes are those of TLS.
fn expects_tls(session: &Session<'_>) -> bool {
    matches!(session.endpoint.tls, TlsMode::Implicit(_)) && session.client.tls().is_none()
}

/// Checks the limits whose keys are known from this stage on. None of them is checked twice.
///
/// # Errors
/// A limit is reached, or the client has left.
pub(in crate::session) async fn check(
    session: &mut Session<'_>,
    stage: Stage,
) -> Result<(), Stopped> {
    let Some(limits) = &session.endpoint.limits else {
        return Ok(());
    };
    let rules = Keyed::all(&limits.session, limits, session.log, stage, MOST_OTHER);
    if !rules.is_empty() {
        let answer = match &session.endpoint.limit_store {
            Some(store) => Box::pin(ask(store, &rules)).await,
            None => None,
        };
        let wait = check_rate(&rules, limits, session.log, answer).map_err(Stopped::Limited)?;
        if !wait.is_zero() {
            wait_for(session, wait).await?;
        }
    }
    count(limits, session.log, stage).map_err(Stopped::Limited)
}

/// Waits, unless the client leaves.
async fn wait_for(session: &mut Session<'_>, wait: Duration) -> Result<(), Stopped> {
    let expects_tls = expects_tls(session);
    let client = &mut session.client;
    let left = async {
        match expects_tls {
            true => client.left_unread().await,
            false => client.left().await,
        }
    };
    tokio::select! {
        () = sleep(wait) => Ok(()),
        () = left => Err(Stopped::Left),
    }
}

/// Asks the store about a new session. `None`: the own zones decide, since one of them refuses it or the store is lost.
async fn ask(
    store: &LimitStore,
    rules: &[Keyed<'_, SessionRule, SessionZone>],
) -> Option<SessionVerdict> {
    let checks = session_checks(rules);
    if peek_sessions(&checks, Instant::now().into_std()).is_some() {
        return None;
    }
    let zones = rules.iter().map(|keyed| &*keyed.rule.rule.zone);
    let shared: Vec<_> = zones.zip(checks.iter().copied()).collect();
    Some(match store.check_sessions(&shared).await? {
        SessionAnswer::Counted(excesses) => slowest(&checks, &excesses),
        SessionAnswer::Refused { index, excess } => SessionVerdict::Refused { index, excess },
    })
}

/// A session in the zones of these rules.
fn session_checks<'a>(rules: &'a [Keyed<'_, SessionRule, SessionZone>]) -> Vec<SessionCheck<'a>> {
    let checks = rules.iter().map(|keyed| {
        let rule = &keyed.rule.rule;
        SessionCheck {
            zone: &keyed.rule.zone,
            key: &keyed.key,
            rate: rule.zone.kind.rate().thousandths(),
            burst: rule.burst.saturating_mul(1000),
            delay: rule
                .delay
                .map_or(u64::MAX, |delay| delay.saturating_mul(1000)),
        }
    });
    checks.collect()
}

/// `limit_session`. Counts the session, unless it is refused, and returns for how long it has to wait. The store's answer, if there is one,
/// holds instead of that of the own zones.
fn check_rate(
    keyed: &[Keyed<'_, SessionRule, SessionZone>],
    limits: &Limits,
    log: &SessionLog,
    answer: Option<SessionVerdict>,
) -> Result<Duration, Limited> {
    let config = &limits.config.session;
    let own = || check_sessions(&session_checks(keyed), Instant::now().into_std());
    let verdict = match answer {
        Some(refused @ SessionVerdict::Refused { .. }) => refused,
        Some(let_in) => {
            own();
            let_in
        }
        None => own(),
    };
    let decided = match verdict {
        SessionVerdict::Passed => Ok(Duration::ZERO),
        SessionVerdict::Delayed {
            index,
            excess,
            wait,
        } => {
            keyed[index].tally(Decision::Delayed);
            let dry = dry_run(config.dry_run, ", dry run");
            let (whole, part) = (excess / 1000, excess % 1000);
            let what = format_args!("delaying session{dry}, excess: {whole}.{part:03}, by");
            keyed[index].log(log, lower(config.level), what);
            Ok(if config.dry_run { Duration::ZERO } else { wait })
        }
        SessionVerdict::Refused { index, excess } => {
            keyed[index].tally(Decision::Limited);
            let dry = dry_run(config.dry_run, ", dry run");
            let (whole, part) = (excess / 1000, excess % 1000);
            let what = format_args!("limiting sessions{dry}, excess: {whole}.{part:03} by");
            keyed[index].log(log, config.level, what);
            match config.dry_run {
                true => Ok(Duration::ZERO),
                false => Err(Limited {
                    excess: Excess::Sessions,
                    verdict: keyed[index].verdict("limiting sessions"),
                }),
            }
        }
    };
    if decided.is_ok() {
        let passed = keyed.iter();
        passed.for_each(|keyed| keyed.tally(Decision::Passed));
    }
    decided
}

/// `limit_conn`. The stage is reached with it.
fn count(limits: &Limits, log: &mut SessionLog, stage: Stage) -> Result<(), Limited> {
    let config = &limits.config.conn;
    let mut leases = Vec::new();
    for keyed in Keyed::all(&limits.conn, limits, log, stage, MOST_CONN) {
        let rule = &keyed.rule.rule;
        match keyed.rule.zone.check(&keyed.key, rule.limit) {
            Some(lease) => {
                keyed.tally(Decision::Passed);
                leases.push(lease);
            }
            None => {
                keyed.tally(Decision::Limited);
                let dry = dry_run(config.dry_run, ", dry run,");
                let what = format_args!("limiting connections{dry} by");
                keyed.log(log, config.level, what);
                // As in nginx, the session does not count in other zones.
                leases.clear();
                if config.dry_run {
                    break;
                }
                return Err(Limited {
                    excess: Excess::Connections,
                    verdict: keyed.verdict("limiting connections"),
                });
            }
        }
    }
    if let Some(record) = &mut log.record {
        record.limits.leases.append(&mut leases);
        record.limits.reached = Some(stage);
    }
    Ok(())
}

fn dry_run(is_dry: bool, words: &'static str) -> &'static str {
    if is_dry { words } else { "" }
}

/// The level of delays: one less severe, as in nginx.
fn lower(level: Level) -> Level {
    match level {
        Level::Error => Level::Warn,
        Level::Warn => Level::Notice,
        _ => Level::Info,
    }
}

/// A rule, and its key for the session.
struct Keyed<'r, R, Z> {
    rule: &'r Zoned<R, Z>,
    key: Vec<u8>,
    prefix: LimitPrefix,
}

impl<R, Z: Zone> Keyed<'_, R, Z> {
    /// Counts what the zone decides.
    fn tally(&self, decision: Decision) {
        self.rule.zone.tally().count(decision);
    }
}

impl<'r, R: UsesZone, Z> Keyed<'r, R, Z> {
    /// The rules whose keys are known at a stage, and were not at an earlier one that was reached.
    fn all(
        rules: &'r [Zoned<R, Z>],
        limits: &Limits,
        log: &SessionLog,
        stage: Stage,
        most: usize,
    ) -> Vec<Self> {
        let Some(record) = &log.record else {
            return Vec::new();
        };
        let reached = record.limits.reached;
        let due = |rule: &&Zoned<R, Z>| Some(rule.stage) > reached && rule.stage <= stage;
        Self::of(rules.iter().filter(due), limits, log, most)
    }

    /// Rules with their keys. A rule whose key is empty or too long is left out.
    fn of(
        rules: impl Iterator<Item = &'r Zoned<R, Z>>,
        limits: &Limits,
        log: &SessionLog,
        most: usize,
    ) -> Vec<Self> {
        let Some(record) = &log.record else {
            return Vec::new();
        };
        let (source, prefix) = (record.variables(), limits.config.prefix);
        let keyed = rules.filter_map(|rule| {
            let written = &rule.rule.zone().key;
            let key = written.value(prefix, &source);
            if key.len() > most {
                let (written, key) = (Escaped(&written.written), Escaped(&key));
                let text = format_args!(
                    "the value of the \"{written}\" key is more than {most} bytes: \"{key}\""
                );
                log.event_at(Level::Error, text);
                return None;
            }
            (!key.is_empty()).then_some(Self { rule, key, prefix })
        });
        keyed.collect()
    }

    /// Writes that the zone decides: `what` ends in `by`.
    fn log(&self, log: &SessionLog, level: Level, what: fmt::Arguments<'_>) {
        let Some(record) = &log.record else { return };
        let rule = &self.rule.rule;
        let shown = rule.zone().key.shown(self.prefix, &record.variables());
        let (name, key, by) = (Escaped(&rule.zone().name), Escaped(&shown), rule.origin());
        let line = format_args!("{what} zone \"{name}\", key \"{key}\", by={by}");
        log.event_at(level, line);
    }

    /// That the zone decides.
    fn verdict(&self, what: &str) -> Verdict {
        let rule = &self.rule.rule;
        let name = Escaped(&rule.zone().name);
        let reason = format!("{what} by zone \"{name}\"");
        Verdict::by(rule.origin().clone(), reason)
    }
}
