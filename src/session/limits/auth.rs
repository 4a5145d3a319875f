//! `limit_auth`: whether a login may be tried, and what its result means to the zones.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

use super::{Keyed, Limited, MOST_OTHER, Stopped, dry_run, lower, wait_for};
use crate::config::{AuthAction, AuthRule, LimitRules, ZoneKind};
use crate::limit::{Attempt, AuthLimit, AuthPermit, AuthVerdict, AuthZone, Limits};
use crate::net::socket::Peer;
use crate::proto::{Credentials, Excess, Login};
use crate::session::Session;
use crate::session::log::SessionLog;

/// How long an attempt waits for others that are being decided, before it is checked again.
const MOMENT: Duration = Duration::from_millis(10);

/// The places of an attempt in zones. Without a result it does not count.
#[derive(Debug, Default)]
pub(in crate::session) struct Permits(Vec<AuthPermit>);

impl Permits {
    /// The login failed.
    pub fn failed(self) {
        let now = Instant::now().into_std();
        self.0.into_iter().for_each(|permit| permit.failed(now));
    }

    /// The login was accepted.
    pub fn succeeded(self) {
        self.0.into_iter().for_each(AuthPermit::succeeded);
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
        is_logged: Cell::new(false),
    };
    loop {
        match look.look(session.log) {
            Looked::Passed(permits) => return Ok(permits),
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
    /// The delay is in the log.
    is_logged: Cell<bool>,
}

impl Look<'_> {
    /// Checks all zones. An attempt that has to wait counts in none of them meanwhile.
    fn look(&self, log: &SessionLog) -> Looked {
        let now = Instant::now();
        let mut permits = Permits::default();
        let (is_dry, level) = (self.config.dry_run, self.config.level);
        for keyed in &self.keyed {
            let (attempt, limit) = (self.attempt(keyed), limit(&keyed.rule.rule));
            let zone = &keyed.rule.zone;
            let stopped = || Limited {
                excess: Excess::Logins,
                verdict: keyed.verdict("limiting logins"),
            };
            let wait = match zone.check(&attempt, limit, now.into_std()) {
                AuthVerdict::Passed(permit) => {
                    permits.0.push(permit);
                    continue;
                }
                AuthVerdict::Busy if is_dry => {
                    permits.0.push(zone.watch(&attempt, limit));
                    continue;
                }
                AuthVerdict::Busy => Some(MOMENT),
                AuthVerdict::Over(wait) => {
                    let delays = keyed.rule.rule.action == AuthAction::Delay;
                    delays.then_some(wait.max(MOMENT))
                }
            };
            let left = self.deadline.saturating_duration_since(now);
            let over = wait != Some(MOMENT);
            match wait.filter(|_| !left.is_zero()) {
                Some(wait) => {
                    if over && !self.is_logged.replace(true) {
                        let dry = dry_run(is_dry, ", dry run,");
                        let what = format_args!("delaying login{dry} by");
                        keyed.log(log, lower(level), what);
                    }
                    if !is_dry {
                        return Looked::Wait(wait.min(left));
                    }
                }
                None => {
                    let dry = dry_run(is_dry, ", dry run,");
                    let what = format_args!("limiting logins{dry} by");
                    keyed.log(log, level, what);
                    if !is_dry {
                        return Looked::Stopped(match keyed.rule.rule.action {
                            AuthAction::Drop => Untried::Dropped(stopped()),
                            AuthAction::Delay | AuthAction::Refuse => Untried::Refused(stopped()),
                        });
                    }
                }
            }
            permits.0.push(zone.watch(&attempt, limit));
        }
        Looked::Passed(permits)
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
