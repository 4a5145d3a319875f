//! The collection of warnings and faults.

use super::text_of;
use crate::base::Level;
use crate::config::load::report::Report;
use crate::config::syntax::{Diagnostic, Lint};

/// What a report passes on of three warnings.
fn told(allowed: &[Lint]) -> Vec<String> {
    let mut told = Vec::new();
    let mut tell = |warning: Diagnostic| told.push(text_of(&warning));
    let mut report = Report::new(false, allowed, &mut tell);
    report.warn(Diagnostic::bare(Level::Warn, "without a name"));
    report.warn(Diagnostic::bare(Level::Warn, "one").named(Lint::Relay));
    report.warn(Diagnostic::bare(Level::Warn, "two").named(Lint::Expired));
    told
}

#[test]
fn allowed_warnings_are_not_told() {
    assert_eq!(
        told(&[]),
        ["without a name", "[relay] one", "[expired] two"]
    );
    assert_eq!(told(&[Lint::Relay]), ["without a name", "[expired] two"]);
    let all = Lint::ALL.map(|(_, lint)| lint);
    assert_eq!(told(&all), ["without a name"]);
}
