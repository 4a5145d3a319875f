//! The zones of limits in the status.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::admin::InForce;

/// A zone.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct LimitZone {
    pub kind: &'static str,
    /// As written.
    pub key: String,
    /// The number of keys.
    pub entries: usize,
    /// The memory in use, in bytes.
    pub used: usize,
    /// The most memory, in bytes.
    pub size: usize,
    pub passed: u64,
    /// Those that had to wait; they are among those that have passed, unless they left.
    pub delayed: u64,
    pub limited: u64,
}

/// The zones of the configuration in force, by name.
pub(super) fn all(in_force: Option<&InForce>) -> BTreeMap<String, LimitZone> {
    let zones = in_force
        .into_iter()
        .flat_map(|in_force| &in_force.limit_zones);
    let zones = zones.map(|own| {
        let figures = own.zone.figures();
        let zone = LimitZone {
            kind: own.kind,
            key: own.key.clone(),
            entries: figures.entries,
            used: figures.used,
            size: own.size,
            passed: figures.passed,
            delayed: figures.delayed,
            limited: figures.limited,
        };
        (own.name.clone(), zone)
    });
    zones.collect()
}
