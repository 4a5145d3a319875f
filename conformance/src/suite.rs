//! Finds the cases, runs them on a program, four at a time, and says how it went.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::case::Case;
use crate::conf_case::{self, Verdict};
use crate::gateway::Program;
use crate::ledger::Ledger;
use crate::place::{Place, SLOTS};
use crate::record;
use crate::report::{Outcome, Report};
use crate::trial::Trial;

/// The cases below a folder.
#[derive(Debug)]
pub struct Suite {
    root: PathBuf,
    /// Names without extension, relative to the root: `conf/lexer/quotes`.
    pub cases: Vec<String>,
    pub ledger: Ledger,
}

impl Suite {
    /// The cases that come with this crate.
    ///
    /// # Errors
    /// As [`Suite::open`].
    pub fn ours() -> Result<Self, String> {
        Self::open(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    /// Finds the cases below `root`.
    ///
    /// # Errors
    /// When the folder or its ledger cannot be read.
    pub fn open(root: &Path) -> Result<Self, String> {
        let mut cases = Vec::new();
        for (part, extension) in [("conf", "conf"), ("dialogue", "case")] {
            find(root, &root.join(part), extension, &mut cases)
                .map_err(|error| format!("{part}: {error}"))?;
        }
        cases.sort();
        Ok(Self {
            root: root.to_owned(),
            cases,
            ledger: Ledger::read(&root.join("departures.toml"))?,
        })
    }

    /// Keeps the cases whose name or file begins with one of the words; without words, all.
    pub fn keep(&mut self, words: &[String]) {
        let root = self.root.to_string_lossy().into_owned();
        let wanted = |case: &String| {
            words.iter().any(|word| {
                let word = word
                    .strip_prefix(&root)
                    .unwrap_or(word)
                    .trim_start_matches('/');
                let word = word
                    .trim_start_matches("conformance/")
                    .trim_end_matches(".conf")
                    .trim_end_matches(".case");
                case.starts_with(word)
            })
        };
        if !words.is_empty() {
            self.cases.retain(wanted);
        }
    }

    /// Runs all cases on a program.
    pub fn run(&self, program: &Program) -> Report {
        let ignored = self.ledger.ignored();
        let mut report = self.each(|name, place| {
            let trial = Trial {
                suite: self,
                program,
                name,
                place,
                ignored: &ignored,
            };
            trial.outcome()
        });
        if program.is_ours() {
            let everything = Self::open(&self.root)
                .map(|suite| suite.cases)
                .unwrap_or_default();
            let stale = self.ledger.stale(&self.root, &everything);
            report.results.extend(
                stale
                    .into_iter()
                    .map(|fault| ("departures.toml".to_owned(), Outcome::Failed(fault))),
            );
        }
        report
    }

    /// Writes what nginx does into all cases.
    pub fn record(&self, nginx: &Program) -> Report {
        self.each(|name, place| {
            let path = self.path(name, "case");
            if name.starts_with("conf/") {
                return self.record_conf(nginx, name, place);
            }
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let case = Case::of(name, &text)?;
            if case.header.oracle_older {
                return Ok(Outcome::Skipped("from the specification".to_owned()));
            }
            let new = record::record(nginx, &text, &case, place)?;
            Case::parse(&new)?;
            fs::write(&path, new).map_err(|error| error.to_string())?;
            Ok(Outcome::Passed)
        })
    }

    fn record_conf(&self, nginx: &Program, name: &str, place: &Place) -> Result<Outcome, String> {
        let path = self.path(name, "expect");
        let old = if path.exists() {
            Verdict::read(&path)?
        } else {
            Verdict::default()
        };
        if old.oracle.is_some() {
            return Ok(Outcome::Skipped("from the specification".to_owned()));
        }
        let mut new = conf_case::test(nginx, &self.path(name, "conf"), &old, place)?;
        if new.warnings.is_some() {
            new.warn.clear();
        }
        fs::write(&path, new.write()?).map_err(|error| error.to_string())?;
        Ok(Outcome::Passed)
    }

    /// A file of a case.
    pub fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.root.join(format!("{name}.{extension}"))
    }

    fn each(&self, work: impl Fn(&str, &Place) -> Result<Outcome, String> + Sync) -> Report {
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for slot in 0..SLOTS {
                let (next, results, work) = (&next, &results, &work);
                scope.spawn(move || {
                    while let Some(name) = self.cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let place = Place::new(slot, &self.root.join("pki"))
                            .map_err(|error| error.to_string());
                        let outcome = place
                            .and_then(|place| work(name, &place))
                            .unwrap_or_else(Outcome::Failed);
                        results
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((name.clone(), outcome));
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by(|one, other| one.0.cmp(&other.0));
        Report { results }
    }
}

fn find(root: &Path, dir: &Path, extension: &str, cases: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            // `<case>.d` holds files of a case, not cases
            if path.extension().is_none() {
                find(root, &path, extension, cases)?;
            }
        } else if path.extension().is_some_and(|found| found == extension)
            && let Ok(name) = path.with_extension("").strip_prefix(root)
        {
            cases.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
