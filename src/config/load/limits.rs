//! The limits of a server: its rules and the zones that they name.

use std::collections::HashMap;
use std::sync::Arc;

use super::report::Report;
use super::scopes::ServerLines;
use crate::base::Level;
use crate::config::model::{
    AccessRule, AuthRule, ConnRule, LimitRules, LimitStore, LimitZone, Limits, SessionRule,
};
use crate::config::schema::Scope;
use crate::config::schema::held::Held;
use crate::config::schema::modules::limit::LimitWritten;
use crate::config::schema::modules::{Access, Limit};
use crate::config::syntax::{Diagnostic, Lint, message};

/// The zones of a configuration, and where they are shared.
#[derive(Debug, Default)]
pub struct Zones {
    by_name: HashMap<Box<[u8]>, Arc<LimitZone>>,
    store: Option<Arc<LimitStore>>,
}

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
        Self {
            by_name: zones.collect(),
            store: settings.limit_store.map(Arc::new),
        }
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
        let mut limits = Limits {
            access: access(lines),
            store: None,
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
        let store = self.store.as_ref();
        limits.store = store
            .filter(|store| limits.zones().any(|zone| zone.is_shared_by(store)))
            .cloned();
        (!limits.is_empty()).then(|| Arc::new(limits))
    }

    fn zone(&self, name: &[u8]) -> Option<Arc<LimitZone>> {
        self.by_name.get(name).cloned()
    }
}

/// Warns about zones that a store does not share: without a secret, passwords are told apart in each gateway alone.
pub fn warn_of_unshared(mail: &LimitWritten, report: &mut Report<'_>) {
    let Some(line) = &mail.limit_store else {
        return;
    };
    let Some(store) = &line.value else { return };
    let zones = mail.limit_auth_zone.iter().flat_map(|zones| &zones.value);
    for zone in zones.filter(|zone| !zone.is_shared_by(store)) {
        let begin = "the zone \"";
        let end = "\" with \"distinct=on\" is not shared, each gateway counts by itself: \"limit_store\" has no \"secret=file\"";
        let message = message!(begin, zone.name, end);
        let warning = Diagnostic::new(Level::Warn, message, &line.span);
        report.warn(warning.named(Lint::NotShared));
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
