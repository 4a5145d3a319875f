//! The zones of limits.

use std::collections::BTreeMap;
use std::fmt::Result;

use super::families::{Families, Labels};
use crate::admin::snapshot::LimitZone;

/// What the zones have decided, and what they need.
pub(super) fn zones(families: &mut Families<'_>, zones: &BTreeMap<String, LimitZone>) -> Result {
    fn own<'v>((name, zone): (&'v String, &LimitZone)) -> Labels<'v> {
        vec![("zone", name), ("kind", zone.kind)]
    }
    families.counters(
        "portcullis_limited",
        "What zones of limits have decided about connections, sessions and logins; those that were \"delayed\" pass later",
        zones.iter().flat_map(|zone| {
            let results = [
                ("passed", zone.1.passed),
                ("delayed", zone.1.delayed),
                ("limited", zone.1.limited),
            ];
            results.map(|(result, count)| {
                let mut labels = own(zone);
                labels.push(("result", result));
                (labels, count)
            })
        }),
    )?;
    let mut gauges = |name: &str, help: &str, value: fn(&LimitZone) -> usize| {
        let series = zones.iter().map(|zone| (own(zone), value(zone.1) as f64));
        families.gauges(name, help, series)
    };
    gauges("portcullis_limit_zone_entries", "Keys in a zone", |zone| {
        zone.entries
    })?;
    gauges(
        "portcullis_limit_zone_used_bytes",
        "Memory that a zone uses",
        |zone| zone.used,
    )?;
    gauges(
        "portcullis_limit_zone_size_bytes",
        "The most memory that a zone may use",
        |zone| zone.size,
    )
}
