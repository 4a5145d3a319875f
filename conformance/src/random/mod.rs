//! Random configurations: both programs must report the same with `-t`, unless a rule of the ledger explains the difference.

mod format;
mod generator;
mod includes;
mod listen;
mod mutate;
mod node;
mod sample;
mod shrink;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::arguments::ArgumentTable;
use crate::conf_case::{TestReport, run_test};
use crate::gateway::Program;
use crate::ledger::Ledger;
use crate::parallel::{self, THREADS};
use crate::rng::Rng;
use crate::workdir::WorkDir;
use generator::Generator;
use sample::Sample;

/// The result for one sample.
#[derive(Debug, PartialEq, Eq)]
enum Comparison {
    /// Both accept it.
    Accepted,
    /// Both refuse it with the same first message.
    Refused,
    /// They differ, and the rule with this reason explains it.
    Known(String),
    /// They differ without an explanation.
    Different {
        /// The kinds of messages, which tell one difference from another.
        kind: String,
        /// The difference, for people.
        text: String,
    },
}

/// Compares the two programs.
#[derive(Debug)]
pub struct Comparator {
    nginx: Program,
    portcullis: Program,
    ledger: Ledger,
    generator: Generator,
    ignored: Vec<String>,
}

/// The results of a run.
#[derive(Debug, Default)]
pub struct Summary {
    accepted: usize,
    refused: usize,
    known: BTreeMap<String, usize>,
    /// Unexplained differences, each with its reduced configuration.
    pub differences: Vec<String>,
}

impl Comparator {
    /// Reads the ledger and the arguments.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(nginx: Program, portcullis: Program) -> Result<Self, String> {
        let ledger = Ledger::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("departures.toml"))?;
        let generator =
            Generator::new(&ArgumentTable::own()?, |name| ledger.unknown_to_nginx(name));
        let ignored = ledger.ignored_in_generated();
        Ok(Self {
            nginx,
            portcullis,
            ledger,
            generator,
            ignored,
        })
    }

    /// Compares the first `count` configurations of a seed.
    ///
    /// # Errors
    /// When a program cannot be run.
    pub fn run(&self, seed: u64, count: u64) -> Result<Summary, String> {
        let numbers: Vec<u64> = (0..count).collect();
        let results = parallel::map(
            &numbers,
            THREADS,
            WorkDir::with_own_pki,
            |workdir, &number| self.run_one(seed, number, workdir),
        )?;
        let mut summary = Summary::default();
        for result in results {
            match result {
                Comparison::Accepted => summary.accepted += 1,
                Comparison::Refused => summary.refused += 1,
                Comparison::Known(reason) => *summary.known.entry(reason).or_default() += 1,
                Comparison::Different { text, .. } => summary.differences.push(text),
            }
        }
        Ok(summary)
    }

    /// Compares one configuration, and reduces it if the programs differ.
    fn run_one(&self, seed: u64, number: u64, workdir: &WorkDir) -> Result<Comparison, String> {
        let sample = Sample::generate(&self.generator, &mut Rng::new(seed, number));
        match self.compare(&sample, workdir)? {
            Comparison::Different { kind, .. } => {
                let text = self.reduce(sample, &kind, workdir)?;
                let text = format!("seed {seed}, number {number}:\n{text}");
                Ok(Comparison::Different { kind, text })
            }
            other => Ok(other),
        }
    }

    fn reduce(&self, sample: Sample, kind: &str, workdir: &WorkDir) -> Result<String, String> {
        let still_differs = |sample: &Sample| {
            let comparison = self.compare(sample, workdir)?;
            Ok(matches!(comparison, Comparison::Different { kind: this, .. } if this == kind))
        };
        let least = shrink::shrink(sample, still_differs)?;
        match self.compare(&least, workdir)? {
            Comparison::Different { text, .. } => Ok(format!("{}{text}\n", least.shown())),
            other => Ok(format!("{}not reproducible: {other:?}\n", least.shown())),
        }
    }

    fn compare(&self, sample: &Sample, workdir: &WorkDir) -> Result<Comparison, String> {
        sample
            .write_files(workdir)
            .map_err(|error| error.to_string())?;
        let options = TestReport {
            globals: Some(sample.globals(workdir)),
            own_pid: sample.mentions_pid(),
            ..TestReport::default()
        };
        let target = workdir.root.join(sample::MAIN_FILE);
        let run = |program| run_test(program, &target, &options, workdir);
        let (nginx, portcullis) = match (run(&self.nginx), run(&self.portcullis)) {
            (Ok(nginx), Ok(portcullis)) => (nginx, portcullis),
            (_, Err(text)) if text.starts_with("panicked") => {
                let kind = "panic".to_owned();
                return Ok(Comparison::Different { kind, text });
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let Some(text) = nginx.difference(&portcullis, &self.ignored) else {
            return Ok(if nginx.exit == 0 {
                Comparison::Accepted
            } else {
                Comparison::Refused
            });
        };
        Ok(match self.ledger.rule(&nginx, &portcullis) {
            Some(rule) => Comparison::Known(rule.reason.clone()),
            None => Comparison::Different {
                kind: kind(&nginx, &portcullis),
                text,
            },
        })
    }
}

/// The messages that only one program has, without quoted text and positions.
fn kind(nginx: &TestReport, portcullis: &TestReport) -> String {
    let kinds = |report: &TestReport| {
        let texts = report.warn.iter().chain(&report.emerg);
        let bare = texts.map(|text| {
            let unquoted: String = text.split('"').step_by(2).collect();
            unquoted
                .split(" in /")
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        bare.collect::<BTreeSet<_>>()
    };
    format!(
        "{:?}",
        kinds(nginx).symmetric_difference(&kinds(portcullis))
    )
}

impl Summary {
    /// The totals in one line, followed by the known departures.
    #[must_use]
    pub fn text(&self) -> String {
        let known: usize = self.known.values().sum();
        let total = self.accepted + self.refused + known + self.differences.len();
        let mut text = format!(
            "{total} configurations: {} accepted by both, {} refused by both with the same first message, {known} known departures, {} differences\n",
            self.accepted,
            self.refused,
            self.differences.len()
        );
        for (reason, count) in &self.known {
            let _ = writeln!(text, "  {count:5} {reason}");
        }
        text
    }
}
