//! The results of a run, as they are written to JSON and read again.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::catalog::catalog;
use crate::failure::{Context as _, Failure};
use crate::machine::Machine;
use crate::metric::Metric;
use crate::noise::median;

/// The results of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Where and when they were measured.
    pub machine: Machine,
    /// How.
    pub settings: Settings,
    /// The programs; ratios refer to the first.
    pub programs: Vec<Version>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// The share of the machine's CPU time that other processes used meanwhile: 0 to 1.
    pub other_load: f64,
    /// What makes figures unreliable.
    pub problems: Vec<String>,
}

/// How the figures were measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Rounds of each program.
    pub rounds: usize,
    /// The factor for the number of sessions.
    pub scale: f64,
    /// Clients with one session each.
    pub concurrency: usize,
    /// Threads of each program.
    pub threads: usize,
    /// Idle sessions.
    pub idle: usize,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The name in the table.
    pub name: String,
    /// The first line of its version.
    pub version: String,
}

/// The figures of one kind, of one program in one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The scenario.
    pub scenario: String,
    /// Its heading.
    pub title: String,
    /// The kind.
    pub metric: Metric,
    /// The program.
    pub program: String,
    /// The figure of each round.
    pub samples: Vec<f64>,
    /// Their median.
    pub median: f64,
}

impl Results {
    /// Adds a figure of one round.
    pub fn add(
        &mut self,
        (scenario, title): (&str, &str),
        metric: Metric,
        program: &str,
        value: f64,
    ) {
        let same = |figure: &&mut Figure| {
            figure.scenario == scenario && figure.metric == metric && figure.program == program
        };
        if let Some(figure) = self.figures.iter_mut().find(same) {
            figure.samples.push(value);
            figure.median = median(figure.samples.iter().copied());
        } else {
            self.figures.push(Figure {
                scenario: scenario.to_owned(),
                title: title.to_owned(),
                metric,
                program: program.to_owned(),
                samples: vec![value],
                median: value,
            });
        }
    }

    /// The figures of this kind.
    #[must_use]
    pub fn find(&self, scenario: &str, metric: &Metric, program: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| {
            figure.scenario == scenario && figure.metric == *metric && figure.program == program
        })
    }

    /// The scenarios with their headings, in the order of the catalog.
    #[must_use]
    pub fn scenarios(&self) -> Vec<(&str, &str)> {
        let mut scenarios = Vec::new();
        for figure in &self.figures {
            let scenario = (figure.scenario.as_str(), figure.title.as_str());
            if !scenarios.contains(&scenario) {
                scenarios.push(scenario);
            }
        }
        let all = catalog();
        scenarios.sort_by_key(|(name, _)| {
            let at = all.iter().position(|scenario| scenario.name == *name);
            at.unwrap_or(all.len())
        });
        scenarios
    }

    /// The kinds of figures in a scenario. System calls by name come last, the most frequent first.
    #[must_use]
    pub fn metrics(&self, scenario: &str) -> Vec<&Metric> {
        let mut metrics: Vec<(&Metric, f64)> = Vec::new();
        for figure in self.figures.iter().filter(|f| f.scenario == scenario) {
            match metrics
                .iter_mut()
                .find(|(metric, _)| *metric == &figure.metric)
            {
                Some((_, most)) => *most = most.max(figure.median),
                None => metrics.push((&figure.metric, figure.median)),
            }
        }
        metrics.sort_by(|(a, a_most), (b, b_most)| match (a, b) {
            (Metric::Call(_), Metric::Call(_)) => b_most.total_cmp(a_most),
            // `Metric` has them in the order of the table.
            _ => a.cmp(b),
        });
        metrics.into_iter().map(|(metric, _)| metric).collect()
    }

    /// Adds the results of another run, whose figures win over those of the same kind.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for figure in other.figures {
            let same = |old: &&mut Figure| {
                old.scenario == figure.scenario
                    && old.metric == figure.metric
                    && old.program == figure.program
            };
            match self.figures.iter_mut().find(same) {
                Some(old) => *old = figure,
                None => self.figures.push(figure),
            }
        }
        for program in other.programs {
            if !self.programs.iter().any(|old| old.name == program.name) {
                self.programs.push(program);
            }
        }
        self.other_load = self.other_load.max(other.other_load);
        self.problems.extend(other.problems);
        self
    }

    /// Reads results from a file.
    ///
    /// # Errors
    /// When the file cannot be read or has another form.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let context = || format!("read {}", path.display());
        let text = std::fs::read_to_string(path).context(context)?;
        serde_json::from_str(&text).context(context)
    }

    /// Writes them to a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let context = || format!("write {}", path.display());
        let text = serde_json::to_string_pretty(self).context(context)?;
        std::fs::write(path, text + "\n").context(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn results(value: f64) -> Results {
        let mut results = Results::default();
        for (metric, value) in [
            (Metric::Call("read".to_owned()), 1.0),
            (Metric::Call("write".to_owned()), 2.0),
            (Metric::Cpu, value),
            (Metric::Cpu, value + 2.0),
        ] {
            results.add(("imap", "IMAP"), metric, "nginx", value);
        }
        results
    }

    #[test]
    fn samples_are_collected() {
        let results = results(1.0);
        let figure = results.find("imap", &Metric::Cpu, "nginx").unwrap();
        assert_eq!((figure.samples.len(), figure.median), (2, 2.0));
        assert_eq!(results.scenarios(), [("imap", "IMAP")]);
        let labels: Vec<String> = results
            .metrics("imap")
            .iter()
            .map(|metric| metric.to_string())
            .collect();
        assert_eq!(labels, ["cpu_us", "calls.write", "calls.read"]);
    }

    #[test]
    fn json_is_read_again_and_merged() {
        let text = serde_json::to_string(&results(1.0)).unwrap();
        let read: Results = serde_json::from_str(&text).unwrap();
        assert_eq!(read.figures, results(1.0).figures);
        let merged = read.merge(results(5.0));
        assert_eq!(merged.figures, results(5.0).figures);
        assert!(serde_json::from_str::<Results>(&text.replace("cpu_us", "speed")).is_err());
    }
}
