//! The limits of a server: its rules and the zones that they name.

use std::collections::HashMap;
use std::sync::Arc;

use super::scopes::ServerLines;
use crate::config::model::{
    AccessRule, AuthRule, ConnRule, LimitRules, LimitZone, Limits, SessionRule,
};
use crate::config::schema::Scope;
use crate::config::schema::held::Held;
use crate::config::schema::modules::limit::LimitWritten;
use crate::config::schema::modules::{Access, Limit};

/// The zones of a configuration, by name.
#[derive(Debug, Default)]
pub struct Zones(HashMap<Box<[u8]>, Arc<LimitZone>>);

impl Zones {
    /// Those of `mail {}`.
    pub fn of(mail: &LimitWritten) -> Self {
        let settings = Limit::merge(mail, mail);
        let kinds = [
            settings.limit_conn_zone,
            settings.limit_session_zone,
            settings.limit_auth_zone,
        ];
        let zones = kinds.into_iter().flatten();
        let zones = zones.map(|zone| (zone.name.clone(), Arc::new(zone)));
        Self(zones.collect())
    }

    /// The limits of a server with these settings. `None`: nothing is limited. Rules whose zone is not defined are left out; that is
    /// a fault.
    pub fn limits(&self, settings: &Limit, lines: ServerLines<'_>) -> Option<Arc<Limits>> {
        let conn = settings.limit_conn.iter().filter_map(|rule| {
            Some(ConnRule {
                zone: self.zone(&rule.zone)?,
                limit: rule.limit,
                origin: rule.origin.clone(),
            })
        });
        let session = settings.limit_session.iter().filter_map(|rule| {
            Some(SessionRule {
                zone: self.zone(&rule.zone)?,
                burst: rule.burst,
                delay: rule.delay,
                origin: rule.origin.clone(),
            })
        });
        let auth = settings.limit_auth.iter().filter_map(|rule| {
            Some(AuthRule {
                zone: self.zone(&rule.zone)?,
                burst: rule.burst,
                action: rule.action,
                origin: rule.origin.clone(),
            })
        });
        let limits = Limits {
            access: access(lines),
            prefix: settings.limit_prefix,
            conn: LimitRules {
                rules: conn.collect(),
                level: settings.limit_conn_log_level,
                dry_run: settings.limit_conn_dry_run,
            },
            session: LimitRules {
                rules: session.collect(),
                level: settings.limit_session_log_level,
                dry_run: settings.limit_session_dry_run,
            },
            auth: LimitRules {
                rules: auth.collect(),
                level: settings.limit_auth_log_level,
                dry_run: settings.limit_auth_dry_run,
            },
        };
        (!limits.is_empty()).then(|| Arc::new(limits))
    }

    fn zone(&self, name: &[u8]) -> Option<Arc<LimitZone>> {
        self.0.get(name).cloned()
    }
}

/// The lines of `allow` and `deny`, in order: those of the server, if it has some, else those of `mail {}`.
fn access(lines: ServerLines<'_>) -> Box<[AccessRule]> {
    let of = |scope: &Scope| {
        let Access { mut allow, deny } = Access::merge(&scope.access, &scope.access);
        allow.extend(deny);
        allow
    };
    let mut rules: Vec<AccessRule> = of(lines.inner);
    if rules.is_empty() {
        rules = of(lines.outer);
    }
    rules.sort_by_key(|rule| rule.place);
    rules.into()
}
