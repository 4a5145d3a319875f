//! `departures.toml`: where portcullis differs from nginx on purpose, and why.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::conf_case::Verdict;

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

/// A first message of nginx and what portcullis says in its place, whatever the configuration. `*` is any text, `{}` is the same text
/// on both sides; a text alone is the whole message, `ok` none.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub nginx: String,
    pub ours: String,
    pub reason: String,
    pub row: Option<u32>,
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
    /// Cases name this warning themselves; it is only left out of rows and random configurations.
    #[serde(default)]
    pub only_generated: bool,
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
        let always = self
            .ignored_warning
            .iter()
            .filter(|entry| !entry.only_generated);
        always.map(|entry| entry.contains.clone()).collect()
    }

    /// The same for rows and random configurations.
    pub fn ignored_in_generated(&self) -> Vec<String> {
        let all = self.ignored_warning.iter();
        all.map(|entry| entry.contains.clone()).collect()
    }

    /// Does nginx, as it can be installed, not know this directive at all?
    pub fn unknown_to_nginx(&self, name: &str) -> bool {
        let unknown = format!("unknown directive \"{name}\"");
        let elsewhere = format!("\"{name}\" directive is not allowed here");
        self.rule.iter().any(|rule| {
            let about_names = rule.nginx.starts_with("unknown directive")
                || rule.nginx.contains("directive is not allowed here");
            let says = |text: &str| matched(&rule.nginx, text).is_some();
            about_names && (says(&unknown) || says(&elsewhere))
        })
    }

    /// The rule by which the two differ.
    pub fn rule(&self, nginx: &Verdict, ours: &Verdict) -> Option<&Rule> {
        let text = |verdict: &Verdict| verdict.emerg.clone().unwrap_or_else(|| "ok".to_owned());
        self.rule_of(&text(nginx), &text(ours))
    }

    /// The same for first messages.
    pub fn rule_of(&self, nginx: &str, ours: &str) -> Option<&Rule> {
        let fits = |rule: &&Rule| {
            let (Some(one), Some(other)) = (matched(&rule.nginx, nginx), matched(&rule.ours, ours))
            else {
                return false;
            };
            one.iter().zip(&other).all(|(one, other)| one == other)
        };
        self.rule.iter().find(fits)
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

/// What the `{}` of a pattern stand for in a text; `None` if the text is not of the pattern. Each takes as little as it can.
fn matched<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut found = Vec::new();
    let (mut pattern, mut text) = (pattern, text);
    let mut hole: Option<bool> = None;
    loop {
        let next = [pattern.find('*'), pattern.find("{}")]
            .into_iter()
            .flatten()
            .min();
        let literal = &pattern[..next.unwrap_or(pattern.len())];
        let at = match (hole, next) {
            (None, _) => text.starts_with(literal).then_some(0),
            (Some(_), None) => text.ends_with(literal).then(|| text.len() - literal.len()),
            (Some(_), Some(_)) => text.find(literal),
        }?;
        if hole == Some(true) {
            found.push(&text[..at]);
        }
        text = &text[at + literal.len()..];
        let Some(next) = next else {
            return text.is_empty().then_some(found);
        };
        let same = pattern[next..].starts_with('{');
        hole = Some(same);
        pattern = &pattern[next + if same { 2 } else { 1 }..];
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Rule, matched};

    #[test]
    fn patterns() {
        assert_eq!(
            matched("a \"{}\" in {}", "a \"b\" in c:1"),
            Some(vec!["b", "c:1"])
        );
        assert_eq!(matched("a*{}", "a"), Some(vec![""]));
        assert_eq!(matched("a{}c", "abcc"), Some(vec!["bc"]));
        assert_eq!(matched("ok", "ok"), Some(vec![]));
        for (pattern, text) in [("a", "ab"), ("a{}b", "ac"), ("", "a"), ("b*", "ab")] {
            assert_eq!(matched(pattern, text), None, "{pattern}");
        }
    }

    #[test]
    fn a_rule_binds_both_sides() {
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
                .rule_of("the invalid \"a\" in b", "invalid \"a\" in b")
                .is_some()
        );
        assert!(
            ledger
                .rule_of("the invalid \"a\" in b", "invalid \"c\" in b")
                .is_none()
        );
        assert!(ledger.rule_of("the invalid \"a\" in b", "ok").is_none());
    }
}
