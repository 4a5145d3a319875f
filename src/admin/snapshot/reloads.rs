//! The reloads in the status.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::admin::time::{iso, seconds};
use crate::monitor;

/// The reloads since counting began.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Reloads {
    /// By kind: of the configuration, or of certificates alone.
    pub kinds: BTreeMap<&'static str, ReloadCounts>,
    pub last: Option<LastReload>,
}

/// The reloads of one kind.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct ReloadCounts {
    pub succeeded: u64,
    pub refused: u64,
}

/// The last reload.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct LastReload {
    pub time: String,
    pub kind: &'static str,
    pub succeeded: bool,
    /// Why the configuration before goes on, where it does.
    pub refusal: Option<String>,
    /// The time in seconds since 1970.
    #[serde(skip)]
    pub seconds: f64,
}

impl Reloads {
    pub(super) fn of(reloads: &monitor::Reloads) -> Self {
        let kinds = reloads.counts().map(|(kind, succeeded, refused)| {
            let counts = ReloadCounts { succeeded, refused };
            (kind.word(), counts)
        });
        Self {
            kinds: kinds.collect(),
            last: reloads.last().map(|last| LastReload {
                time: iso(last.time),
                kind: last.kind.word(),
                succeeded: last.refusal.is_none(),
                refusal: last.refusal.as_deref().map(str::to_owned),
                seconds: seconds(last.time),
            }),
        }
    }
}
