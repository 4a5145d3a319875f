//! Reloads, certificates, logs and the process.

use std::fmt::Result;

use super::families::Families;
use crate::admin::snapshot::Snapshot;

/// Reloads and certificates.
pub(super) fn reloads(families: &mut Families<'_>, status: &Snapshot) -> Result {
    families.counters(
        "portcullis_reloads",
        "Reloads of the configuration, and of certificates alone, by result",
        status.reloads.kinds.iter().flat_map(|(kind, counts)| {
            let results = [("success", counts.succeeded), ("refused", counts.refused)];
            results.map(|(result, count)| (vec![("kind", *kind), ("result", result)], count))
        }),
    )?;
    let last = status.reloads.last.iter();
    families.gauges(
        "portcullis_last_reload_successful",
        "Whether the last reload succeeded; absent before the first one",
        last.clone()
            .map(|last| (Vec::new(), f64::from(u8::from(last.succeeded)))),
    )?;
    families.gauges(
        "portcullis_last_reload_timestamp_seconds",
        "When the last reload ended; absent before the first one",
        last.map(|last| (Vec::new(), last.seconds)),
    )?;
    families.gauges(
        "portcullis_held_logins",
        "Logins whose new sessions are refused by the administrator",
        std::iter::once((Vec::new(), status.held_logins.len() as f64)),
    )?;
    families.gauges(
        "portcullis_certificate_expiry_timestamp_seconds",
        "When a certificate that clients get expires",
        status.certificates.iter().map(|certificate| {
            let labels = vec![
                ("file", &*certificate.file),
                ("subject", &*certificate.subject),
                ("serial", &*certificate.serial),
            ];
            (labels, certificate.expiry_seconds)
        }),
    )
}

/// Logs and the process.
pub(super) fn process(families: &mut Families<'_>, status: &Snapshot) -> Result {
    let one = |value| [(Vec::new(), value)];
    families.counters(
        "portcullis_log_lines_lost",
        "Log lines that could not be written",
        one(status.logs.lost_lines),
    )?;
    families.gauges(
        "portcullis_build_info",
        "The version; the value is 1",
        [(vec![("version", status.portcullis.version)], 1.0)],
    )?;
    families.gauges(
        "portcullis_ready",
        "Whether clients are served",
        [(Vec::new(), f64::from(u8::from(status.portcullis.ready)))],
    )?;
    let process = &status.process;
    families.counters(
        "process_cpu_seconds",
        "Time of the worker process on the processors",
        process.cpu_seconds.map(|cpu| (Vec::new(), cpu)),
    )?;
    let number = |number: Option<u64>| number.map(|number| (Vec::new(), number as f64));
    families.gauges(
        "process_resident_memory_bytes",
        "Memory of the worker process",
        number(process.resident_memory),
    )?;
    families.gauges(
        "process_open_fds",
        "Open descriptors of the worker process",
        number(process.open_files),
    )?;
    families.gauges(
        "process_max_fds",
        "The limit of open descriptors of the worker process",
        number(process.most_open_files),
    )?;
    families.gauges(
        "process_start_time_seconds",
        "When the worker process began to count",
        [(Vec::new(), process.started)],
    )
}
