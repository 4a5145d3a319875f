//! `departures.toml`: where portcullis differs from nginx on purpose, and why.

use std::fs;
use std::path::Path;

use serde::Deserialize;

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
}

/// A case that goes otherwise on portcullis; how, is in `<case>.ours`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Departure {
    pub case: String,
    pub reason: String,
    /// The row of the project's table of departures.
    pub row: Option<u32>,
}

/// A warning of portcullis that nginx has not, and that is not compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoredWarning {
    pub contains: String,
    pub reason: String,
    pub row: Option<u32>,
}

/// Cases that fail because something is still to be built. As soon as one passes, it must leave the list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    pub reason: String,
    pub cases: Vec<String>,
    /// `log`: the dialogue itself is as it should be, only the log is not.
    pub part: Option<String>,
}

impl Pending {
    /// Only what is logged is pending.
    pub fn only_log(&self) -> bool {
        self.part.as_deref() == Some("log")
    }
}

impl Ledger {
    /// Reads the ledger.
    ///
    /// # Errors
    /// When it is not there, not as it should be, or names a case twice or without a reason.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let ledger: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for (at, entry) in ledger.departure.iter().enumerate() {
            if entry.reason.trim().is_empty() {
                return Err(format!("{}: a departure without a reason", entry.case));
            }
            if ledger.departure[..at]
                .iter()
                .any(|other| other.case == entry.case)
            {
                return Err(format!("{}: twice in the ledger", entry.case));
            }
        }
        Ok(ledger)
    }

    /// The entry of a case.
    pub fn departure(&self, case: &str) -> Option<&Departure> {
        self.departure.iter().find(|entry| entry.case == case)
    }

    /// Why a case is expected to fail for now.
    pub fn pending(&self, case: &str) -> Option<&Pending> {
        let names = |entry: &&Pending| entry.cases.iter().any(|name| name == case);
        self.pending.iter().find(names)
    }

    /// Parts of warnings that are not compared.
    pub fn ignored(&self) -> Vec<String> {
        self.ignored_warning
            .iter()
            .map(|entry| entry.contains.clone())
            .collect()
    }

    /// What is wrong with the ledger itself: entries without a case or without our text, and texts without an entry.
    pub fn stale(&self, root: &Path, cases: &[String]) -> Vec<String> {
        let mut faults = Vec::new();
        for entry in &self.departure {
            if !cases.contains(&entry.case) {
                faults.push(format!("departures.toml: no such case: {}", entry.case));
            } else if !root.join(format!("{}.ours", entry.case)).is_file() {
                faults.push(format!("departures.toml: {0} has no {0}.ours", entry.case));
            }
        }
        for case in self.pending.iter().flat_map(|entry| &entry.cases) {
            if !cases.contains(case) {
                faults.push(format!("departures.toml: no such case: {case}"));
            }
        }
        for case in cases {
            if self.departure(case).is_none() && root.join(format!("{case}.ours")).is_file() {
                faults.push(format!("{case}.ours is not in departures.toml"));
            }
        }
        faults
    }
}
