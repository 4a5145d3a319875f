//! The gate: compares the ratios of a run with recorded ones.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Context as _, Failure};
use crate::machine::Machine;
use crate::metric::{Better, Metric};
use crate::noise;
use crate::results::Results;

/// What two runs always may differ by, relative to the ratio: placement in memory and the order of threads differ from start to start.
const LEAST_TOLERANCE: f64 = 0.03;

/// Recorded ratios of portcullis to nginx: scenario, metric, ratio.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Where and when they were measured.
    pub machine: Machine,
    /// The ratios.
    pub ratios: BTreeMap<String, BTreeMap<Metric, f64>>,
}

/// The comparison of one ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The scenario.
    pub scenario: String,
    /// The metric.
    pub metric: Metric,
    /// The recorded ratio.
    pub recorded: f64,
    /// The ratio of this run.
    pub now: f64,
    /// By how much it may be worse, relative to the recorded one.
    pub tolerance: f64,
    /// The result.
    pub verdict: Verdict,
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Better by more than the tolerance: the record should be renewed.
    Better,
    /// The same, as far as this run can tell.
    Same,
    /// Worse by more than the tolerance.
    Worse,
}

impl Recorded {
    /// The ratios of `second` to `first` in these results.
    #[must_use]
    pub fn of(results: &Results, first: &str, second: &str) -> Self {
        let mut ratios: BTreeMap<String, BTreeMap<Metric, f64>> = BTreeMap::new();
        for figure in &results.figures {
            if figure.program != second || figure.metric.better() == Better::Neither {
                continue;
            }
            let reference = results.find(&figure.scenario, &figure.metric, first);
            let ratio = reference.and_then(|first| noise::ratio(&first.samples, &figure.samples));
            if let Some(ratio) = ratio {
                let rounded = (ratio * 10_000.0).round() / 10_000.0;
                ratios
                    .entry(figure.scenario.clone())
                    .or_default()
                    .insert(figure.metric.clone(), rounded);
            }
        }
        Self {
            machine: results.machine.clone(),
            ratios,
        }
    }

    /// Compares the ratios of a run with these, where both have one. `same` has the figures of `second` against itself, as `second`
    /// and `again`.
    #[must_use]
    pub fn compare(&self, now: &Self, same: &Results, second: &str, again: &str) -> Vec<Check> {
        let mut checks = Vec::new();
        for (scenario, ratios) in &now.ratios {
            for (metric, &ratio) in ratios {
                let recorded = self.ratios.get(scenario).and_then(|of| of.get(metric));
                let Some(&recorded) = recorded else { continue };
                let samples = |program| {
                    same.find(scenario, metric, program)
                        .map_or(&[][..], |figure| &figure.samples)
                };
                let (first, second) = (samples(second), samples(again));
                let noise = noise::tolerance(noise::deviation(first, second), first.len());
                checks.push(Check::new(
                    (scenario, metric),
                    recorded,
                    ratio,
                    noise.max(LEAST_TOLERANCE),
                ));
            }
        }
        checks
    }

    /// Replaces the ratios that `now` has.
    #[must_use]
    pub fn update(mut self, now: Self) -> Self {
        for (scenario, ratios) in now.ratios {
            self.ratios.entry(scenario).or_default().extend(ratios);
        }
        Self {
            machine: now.machine,
            ..self
        }
    }

    /// Reads a record; an empty one if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or has another form.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let context = || format!("read {}", path.display());
        if !path.try_exists().context(context)? {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path).context(context)?;
        serde_json::from_str(&text).context(context)
    }

    /// Writes the record.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let context = || format!("write {}", path.display());
        let text = serde_json::to_string_pretty(self).context(context)?;
        std::fs::write(path, text + "\n").context(context)
    }
}

impl Check {
    fn new((scenario, metric): (&str, &Metric), recorded: f64, now: f64, tolerance: f64) -> Self {
        let (low, high) = (recorded / (1.0 + tolerance), recorded * (1.0 + tolerance));
        let verdict = match metric.better() {
            Better::Lower if now > high => Verdict::Worse,
            Better::Lower if now < low => Verdict::Better,
            Better::Higher if now < low => Verdict::Worse,
            Better::Higher if now > high => Verdict::Better,
            Better::Lower | Better::Higher | Better::Neither => Verdict::Same,
        };
        Self {
            scenario: scenario.to_owned(),
            metric: metric.clone(),
            recorded,
            now,
            tolerance,
            verdict,
        }
    }

    /// One line about it.
    #[must_use]
    pub fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Better => "better",
            Verdict::Same => "same",
            Verdict::Worse => "WORSE",
        };
        format!(
            "{verdict:6} {}, {}: ratio {:.3}, recorded {:.3}, noise {:.1} %",
            self.scenario,
            self.metric,
            self.now,
            self.recorded,
            self.tolerance * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn results(programs: [(&str, &[f64]); 2], metric: Metric) -> Results {
        let mut results = Results::default();
        for (program, samples) in programs {
            for &value in samples {
                results.add(("imap", "IMAP"), metric.clone(), program, value);
            }
        }
        results
    }

    fn verdict(metric: Metric, recorded: f64, now: f64, again: &[f64; 3]) -> Verdict {
        let record = |ratio: f64| {
            let figures = [("nginx", &[100.0][..]), ("portcullis", &[100.0 * ratio])];
            Recorded::of(&results(figures, metric.clone()), "nginx", "portcullis")
        };
        let same = results(
            [("portcullis", &[100.0; 3]), ("again", again)],
            metric.clone(),
        );
        let checks = record(recorded).compare(&record(now), &same, "portcullis", "again");
        assert_eq!(checks.len(), 1);
        checks[0].verdict
    }

    #[test]
    fn ratios_beyond_the_noise_are_worse() {
        let (quiet, noisy) = ([100.0; 3], [90.0, 110.0, 90.0]);
        let cpu = |recorded, now, noise| verdict(Metric::Cpu, recorded, now, noise);
        assert_eq!(cpu(0.80, 0.82, &quiet), Verdict::Same);
        assert_eq!(cpu(0.80, 0.83, &quiet), Verdict::Worse);
        assert_eq!(cpu(0.80, 0.83, &noisy), Verdict::Same);
        assert_eq!(cpu(0.80, 0.77, &quiet), Verdict::Better);
        assert_eq!(cpu(0.80, 1.90, &noisy), Verdict::Worse);
    }

    #[test]
    fn a_lower_rate_is_worse() {
        let rate = |recorded, now| verdict(Metric::Rate, recorded, now, &[100.0; 3]);
        assert_eq!(rate(1.25, 1.20), Verdict::Worse);
        assert_eq!(rate(1.25, 1.30), Verdict::Better);
        assert_eq!(rate(1.25, 1.24), Verdict::Same);
    }

    #[test]
    fn only_metrics_with_a_direction_are_recorded() {
        let figures = [("nginx", &[100.0][..]), ("portcullis", &[90.0])];
        let of = |metric| Recorded::of(&results(figures, metric), "nginx", "portcullis");
        assert!(of(Metric::P99).ratios.is_empty());
        let cpu = of(Metric::Cpu);
        assert_eq!(cpu.ratios["imap"][&Metric::Cpu], 0.9);
        let both = cpu.clone().update(of(Metric::Rate));
        assert_eq!(both.ratios["imap"].len(), 2);
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(serde_json::from_str::<Recorded>(&text).unwrap(), both);
    }
}
