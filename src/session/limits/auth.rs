//! `limit_auth`: whether a login may be tried, and what its result means to the zones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::{Keyed, Limited, MOST_OTHER, Stopped, dry_run, lower, wait_for};
use crate::config::{AuthAction, AuthRule, LimitRules, ZoneKind};
use crate::limit::{Attempt, AuthLimit, AuthPermit, AuthVerdict, AuthZone, Decision, Limits};
use crate::limit_store::{LimitStore, LoginCheck, Standing, StorePermit};
use crate::net::socket::Peer;
use crate::proto::{Credentials, Excess, Login};
use crate::session::Session;
use crate::session::log::SessionLog;

/// How long an attempt waits for others that are being decided, before it is checked again.
const MOMENT: Duration = Duration::from_millis(10);

/// The places of an attempt in zones. Without a result it does not count.
#[derive(Debug, Default)]
pub(in crate::session) struct Permits(Vec<Permit>);

/// A place of an attempt.
#[derive(Debug)]
enum Permit {
    /// In a zone.
    Zone(AuthPermit),
    /// In the zones that are shared.
    Store(StorePermit),
}

impl Permits {
    /// The login failed.
    pub fn failed(self) {
        let now = Instant::now().into_std();
        self.0.into_iter().for_each(|permit| match permit {
            Permit::Zone(permit) => permit.failed(now),
            Permit::Store(permit) => permit.failed(),
        });
    }

    /// The login was accepted.
    pub fn succeeded(self) {
        self.0.into_iter().for_each(|permit| match permit {
            Permit::Zone(permit) => permit.succeeded(),
            Permit::Store(permit) => permit.succeeded(),
        });
    }
}

/// Why a login may not be tried.
#[derive(Debug)]
pub(in crate::session) enum Untried {
    /// The client has left.
    Left,
    /// It is refused.
    Refused(Limited),
    /// The connection is closed.
    Dropped(Limited),
}

/// The result of one look at all zones.
enum Looked {
    Passed(Permits),
    Wait(Duration),
    Stopped(Untried),
}

/// Whether a login may be tried; waits where the zones say so.
///
/// # Errors
/// Too many logins have failed, or the client has left.
pub(in crate::session) async fn permit(
    session: &mut Session<'_>,
    peer: &Peer,
    login: &Login,
) -> Result<Permits, Untried> {
    let Some(limits) = &session.endpoint.limits else {
        return Ok(Permits::default());
    };
    if limits.auth.is_empty() || matches!(login.credentials, Credentials::None) {
        return Ok(Permits::default());
    }
    let address = match peer.ip() {
        Some(ip) => limits.config.prefix.of(ip).to_string(),
        None => peer.host().into(),
    };
    let look = Look {
        keyed: Keyed::of(limits.auth.iter(), limits, session.log, MOST_OTHER),
        config: &limits.config.auth,
        credentials: &login.credentials,
        address: address.as_bytes(),
        deadline: Instant::now() + session.endpoint.server.mail.timeout,
        is_logged: AtomicBool::new(false),
    };
    loop {
        let mut looked = look.look(session.log);
        if let (Looked::Passed(permits), Some(store)) = (&mut looked, &session.endpoint.limit_store)
            && let Some((standings, permit)) = Box::pin(look.ask(store)).await
        {
            match look.follow(store, &standings, session.log) {
                Ok(()) => permits.0.push(Permit::Store(permit)),
                Err(stopped) => looked = stopped,
            }
        }
        match looked {
            Looked::Passed(permits) => {
                let passed = look.keyed.iter();
                passed.for_each(|keyed| keyed.tally(Decision::Passed));
                return Ok(permits);
            }
            Looked::Stopped(untried) => return Err(untried),
            Looked::Wait(wait) => {
                let waited = wait_for(session, wait).await;
                waited.map_err(|stopped| match stopped {
                    Stopped::Left => Untried::Left,
                    Stopped::Limited(limited) => Untried::Refused(limited),
                })?;
            }
        }
    }
}

/// An attempt that is being checked.
struct Look<'r> {
    keyed: Vec<Keyed<'r, AuthRule, AuthZone>>,
    config: &'r LimitRules<AuthRule>,
    credentials: &'r Credentials,
    address: &'r [u8],
    /// When it is refused if it still has to wait.
    deadline: Instant,
    /// It is in the log that it has to wait, or is refused.
    is_logged: AtomicBool,
}

impl Look<'_> {
    /// Checks all zones. An attempt that has to wait counts in none of them meanwhile.
    fn look(&self, log: &SessionLog) -> Looked {
        let mut permits = Permits::default();
        for keyed in &self.keyed {
            let (attempt, limit) = (self.attempt(keyed), limit(&keyed.rule.rule));
            let zone = &keyed.rule.zone;
            let checked = zone.check(&attempt, limit, Instant::now().into_std());
            let (standing, permit) = match checked {
                AuthVerdict::Passed(permit) => (Standing::Passed, Some(permit)),
                AuthVerdict::Busy => (Standing::Busy, None),
                AuthVerdict::Over(wait) => (Standing::Over(wait), None),
            };
            if let Err(stopped) = self.decide(keyed, standing, log) {
                return stopped;
            }
            let permit = permit.unwrap_or_else(|| zone.watch(&attempt, limit));
            permits.0.push(Permit::Zone(permit));
        }
        Looked::Passed(permits)
    }

    /// Asks the store about the zones that are shared.
    async fn ask(&self, store: &Arc<LimitStore>) -> Option<(Vec<Standing>, StorePermit)> {
        let checks = self.shared(store).map(|keyed| LoginCheck {
            zone: &keyed.rule.rule.zone,
            attempt: self.attempt(keyed),
            limit: limit(&keyed.rule.rule),
        });
        let checks: Vec<_> = checks.collect();
        match checks.is_empty() {
            true => None,
            false => store.check_login(&checks, self.config.dry_run).await,
        }
    }

    /// Does what the store says about each of these zones. In a dry run it has nothing to add to what the own zones say.
    fn follow(
        &self,
        store: &LimitStore,
        standings: &[Standing],
        log: &SessionLog,
    ) -> Result<(), Looked> {
        if self.config.dry_run && self.is_logged.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut shared = self.shared(store).zip(standings);
        shared.try_for_each(|(keyed, standing)| self.decide(keyed, *standing, log))
    }

    fn shared(&self, store: &LimitStore) -> impl Iterator<Item = &Keyed<'_, AuthRule, AuthZone>> {
        let keyed = self.keyed.iter();
        keyed.filter(|keyed| store.shares(&keyed.rule.rule.zone))
    }

    /// Whether a login may be tried that has this standing in a zone. Writes the lines about one that may not.
    fn decide(
        &self,
        keyed: &Keyed<'_, AuthRule, AuthZone>,
        standing: Standing,
        log: &SessionLog,
    ) -> Result<(), Looked> {
        let (is_dry, level) = (self.config.dry_run, self.config.level);
        let action = keyed.rule.rule.action;
        let wait = match standing {
            Standing::Passed => return Ok(()),
            Standing::Busy if is_dry => return Ok(()),
            Standing::Busy => Some(MOMENT),
            Standing::Over(wait) => (action == AuthAction::Delay).then_some(wait.max(MOMENT)),
        };
        let left = self.deadline.saturating_duration_since(Instant::now());
        let dry = dry_run(is_dry, ", dry run,");
        match wait.filter(|_| !left.is_zero()) {
            Some(wait) => {
                if wait != MOMENT && !self.is_logged.swap(true, Ordering::Relaxed) {
                    keyed.tally(Decision::Delayed);
                    let what = format_args!("delaying login{dry} by");
                    keyed.log(log, lower(level), what);
                }
                match is_dry {
                    true => Ok(()),
                    false => Err(Looked::Wait(wait.min(left))),
                }
            }
            None => {
                self.is_logged.store(true, Ordering::Relaxed);
                keyed.tally(Decision::Limited);
                keyed.log(log, level, format_args!("limiting logins{dry} by"));
                let limited = || Limited {
                    excess: Excess::Logins,
                    verdict: keyed.verdict("limiting logins"),
                };
                match (is_dry, action) {
                    (true, _) => Ok(()),
                    (false, AuthAction::Drop) => Err(Looked::Stopped(Untried::Dropped(limited()))),
                    (false, AuthAction::Delay | AuthAction::Refuse) => {
                        Err(Looked::Stopped(Untried::Refused(limited())))
                    }
                }
            }
        }
    }

    fn attempt<'a>(&'a self, keyed: &'a Keyed<'_, AuthRule, AuthZone>) -> Attempt<'a> {
        let kind = keyed.rule.rule.zone.kind;
        let is_distinct = matches!(kind, ZoneKind::Auth { distinct: true, .. });
        Attempt {
            key: &keyed.key,
            login: self.credentials.user(),
            address: self.address,
            password: proof(self.credentials).filter(|_| is_distinct),
        }
    }
}

/// What a client proves its login with, if that is the same each time.
fn proof(credentials: &Credentials) -> Option<&[u8]> {
    match credentials {
        Credentials::External { .. } => Some(b""),
        Credentials::CramMd5 { .. }
        | Credentials::Apop { .. }
        | Credentials::Scram { .. }
        | Credentials::None => None,
        Credentials::Plain { .. } | Credentials::Bearer { .. } => {
            credentials.password().map(|password| &**password.reveal())
        }
    }
}

/// The limit of a rule. Without `burst`, as many may fail at once as the rate names.
fn limit(rule: &AuthRule) -> AuthLimit {
    let rate = rule.zone.kind.rate();
    let burst = rule.burst.unwrap_or_else(|| rate.number.saturating_sub(1));
    AuthLimit { rate, burst }
}

/// Whether logins are limited.
pub(in crate::session) fn has_rules(limits: Option<&Limits>) -> bool {
    limits.is_some_and(|limits| !limits.auth.is_empty())
}
