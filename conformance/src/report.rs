//! The results of a run, for people.

use std::collections::BTreeMap;

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// What was expected and what came.
    Failed(String),
    /// The reason why it was not run.
    Skipped(String),
}

/// The results of all cases.
#[derive(Debug)]
pub struct Report {
    pub results: Vec<(String, Outcome)>,
}

impl Report {
    /// Whether no case failed.
    pub fn success(&self) -> bool {
        !self
            .results
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    /// Each failure with its reason, the number of skipped cases by reason, and the totals.
    pub fn text(&self) -> String {
        let (mut passed, mut failed) = (0, 0);
        let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
        let mut text = String::new();
        for (name, outcome) in &self.results {
            match outcome {
                Outcome::Passed => passed += 1,
                Outcome::Skipped(reason) => *skipped.entry(reason).or_default() += 1,
                Outcome::Failed(reason) => {
                    failed += 1;
                    text.push_str(&format!("FAILED {name}\n    {reason}\n"));
                }
            }
        }
        for (reason, count) in skipped {
            text.push_str(&format!("{count} skipped ({reason})\n"));
        }
        text + &format!("{passed} passed, {failed} failed\n")
    }
}
