//! How a run went, for people.

use std::collections::BTreeMap;

/// How one case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed(String),
    /// Not run, and why.
    Skipped(String),
}

/// How all went.
#[derive(Debug)]
pub struct Report {
    pub results: Vec<(String, Outcome)>,
}

impl Report {
    /// No case failed.
    pub fn good(&self) -> bool {
        !self
            .results
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    /// Each failure with what was expected and what came, and the closing line.
    pub fn text(&self) -> String {
        let (mut passed, mut failed) = (0, 0);
        let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
        let mut text = String::new();
        for (name, outcome) in &self.results {
            match outcome {
                Outcome::Passed => passed += 1,
                Outcome::Skipped(why) => *skipped.entry(why).or_default() += 1,
                Outcome::Failed(why) => {
                    failed += 1;
                    text.push_str(&format!("FAILED {name}\n    {why}\n"));
                }
            }
        }
        for (why, count) in skipped {
            text.push_str(&format!("{count} not counted ({why})\n"));
        }
        text + &format!("{passed} passed, {failed} failed\n")
    }
}
