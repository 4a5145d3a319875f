//! The ledger `departures.toml`: the deliberate differences from nginx, with their reasons.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::conf_case::TestReport;
use crate::pattern::capture;

/// The whole ledger.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    #[serde(default)]
    pub departure: Vec<Departure>,
    #[serde(default)]
    pub ignored_warning: Vec<IgnoredWarning>,
    #[serde(default)]
    pub pending: Vec<Pending>,
    #[serde(default)]
    pub rule: Vec<Rule>,
}

/// A first message of nginx and the one that portcullis reports instead, for any configuration. `*` matches any text, `{}` the same
/// text on both sides; `ok` stands for no message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub nginx: String,
    pub ours: String,
    pub reason: String,
    pub row: Option<u32>,
}

/// A case for which portcullis has another expectation, in `<case>.ours`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Departure {
    pub case: String,
    pub reason: String,
    /// The row in the project's table of departures.
    pub row: Option<u32>,
}

/// A warning of portcullis that is not compared, because nginx does not have it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoredWarning {
    pub contains: String,
    pub reason: String,
    pub row: Option<u32>,
    /// Applies to rows and random configurations only; the cases expect this warning.
    #[serde(default)]
    pub only_generated: bool,
}

/// Cases that fail because a feature is missing. A case that passes must be removed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    pub reason: String,
    pub cases: Vec<String>,
    /// `log`: only the log lines differ; the dialogue must already be right.
    pub part: Option<String>,
}

impl Pending {
    /// Whether only the log lines are pending.
    pub fn only_log(&self) -> bool {
        self.part.as_deref() == Some("log")
    }
}

impl Ledger {
    /// Reads the ledger.
    ///
    /// # Errors
    /// When it is missing or malformed, or has an entry without a reason or two for one case.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let ledger: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for (at, entry) in ledger.departure.iter().enumerate() {
            if entry.reason.trim().is_empty() {
                return Err(format!("{}: no reason", entry.case));
            }
            if ledger.departure[..at]
                .iter()
                .any(|other| other.case == entry.case)
            {
                return Err(format!("{}: two entries", entry.case));
            }
        }
        Ok(ledger)
    }

    /// The departure of a case.
    pub fn departure(&self, case: &str) -> Option<&Departure> {
        self.departure.iter().find(|entry| entry.case == case)
    }

    /// The entry of a case that is expected to fail.
    pub fn pending(&self, case: &str) -> Option<&Pending> {
        let names = |entry: &&Pending| entry.cases.iter().any(|name| name == case);
        self.pending.iter().find(names)
    }

    /// The texts of warnings that are not compared.
    pub fn ignored(&self) -> Vec<String> {
        let always = self
            .ignored_warning
            .iter()
            .filter(|entry| !entry.only_generated);
        always.map(|entry| entry.contains.clone()).collect()
    }

    /// As [`Ledger::ignored`], for rows and random configurations.
    pub fn ignored_in_generated(&self) -> Vec<String> {
        let all = self.ignored_warning.iter();
        all.map(|entry| entry.contains.clone()).collect()
    }

    /// Whether the installable nginx does not know this directive.
    pub fn unknown_to_nginx(&self, name: &str) -> bool {
        let unknown = format!("unknown directive \"{name}\"");
        let elsewhere = format!("\"{name}\" directive is not allowed here");
        self.rule.iter().any(|rule| {
            let about_names = rule.nginx.starts_with("unknown directive")
                || rule.nginx.contains("directive is not allowed here");
            let matches = |text: &str| capture(&rule.nginx, text).is_some();
            about_names && (matches(&unknown) || matches(&elsewhere))
        })
    }

    /// The rule that explains the difference of two reports.
    pub fn rule(&self, nginx: &TestReport, portcullis: &TestReport) -> Option<&Rule> {
        let text = |report: &TestReport| report.emerg.clone().unwrap_or_else(|| "ok".to_owned());
        self.rule_for(&text(nginx), &text(portcullis))
    }

    /// As [`Ledger::rule`], for first messages.
    pub fn rule_for(&self, nginx: &str, portcullis: &str) -> Option<&Rule> {
        let fits = |rule: &&Rule| {
            let (Some(one), Some(other)) =
                (capture(&rule.nginx, nginx), capture(&rule.ours, portcullis))
            else {
                return false;
            };
            one.iter().zip(&other).all(|(one, other)| one == other)
        };
        self.rule.iter().find(fits)
    }

    /// Errors of the ledger itself: entries without a case or an `.ours` file, and `.ours` files without an entry.
    pub fn stale(&self, root: &Path, cases: &[String]) -> Vec<String> {
        let mut errors = Vec::new();
        for entry in &self.departure {
            if !cases.contains(&entry.case) {
                errors.push(format!("departures.toml: no case {}", entry.case));
            } else if !root.join(format!("{}.ours", entry.case)).is_file() {
                errors.push(format!("departures.toml: {0} has no {0}.ours", entry.case));
            }
        }
        for case in self.pending.iter().flat_map(|entry| &entry.cases) {
            if !cases.contains(case) {
                errors.push(format!("departures.toml: no case {case}"));
            }
        }
        for case in cases {
            if self.departure(case).is_none() && root.join(format!("{case}.ours")).is_file() {
                errors.push(format!("{case}.ours is not in departures.toml"));
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Rule};

    #[test]
    fn captured_texts_must_be_equal() {
        let rule = Rule {
            nginx: "the invalid \"{}\" in {}".into(),
            ours: "invalid \"{}\" in {}".into(),
            reason: "r".into(),
            row: None,
        };
        let ledger = Ledger {
            rule: vec![rule],
            ..Ledger::default()
        };
        assert!(
            ledger
                .rule_for("the invalid \"a\" in b", "invalid \"a\" in b")
                .is_some()
        );
        assert!(
            ledger
                .rule_for("the invalid \"a\" in b", "invalid \"c\" in b")
                .is_none()
        );
        assert!(ledger.rule_for("the invalid \"a\" in b", "ok").is_none());
    }
}
