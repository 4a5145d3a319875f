//! Finds the cases and runs or records them, several at a time.

use std::fs;
use std::path::{Path, PathBuf};

use crate::case::Case;
use crate::case_run::{self, CaseRun};
use crate::conf_case::{self, TestReport};
use crate::gateway::Program;
use crate::ledger::Ledger;
use crate::parallel::{self, THREADS};
use crate::record;
use crate::report::{Outcome, Report};
use crate::workdir::WorkDir;

/// The cases below a directory.
#[derive(Debug)]
pub struct Suite {
    root: PathBuf,
    /// Names without extension, relative to the root: `conf/lexer/quotes`.
    pub cases: Vec<String>,
    pub ledger: Ledger,
}

impl Suite {
    /// The cases of this crate.
    ///
    /// # Errors
    /// As [`Suite::open`].
    pub fn own() -> Result<Self, String> {
        Self::open(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    /// Finds the cases below `root`.
    ///
    /// # Errors
    /// When the directory or its ledger cannot be read.
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

    /// Keeps the cases whose name or file begins with one of the words; all cases if there are no words.
    pub fn retain(&mut self, words: &[String]) {
        let root = self.root.to_string_lossy().into_owned();
        let is_named = |case: &String| {
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
            self.cases.retain(is_named);
        }
    }

    /// Runs all cases on a program.
    pub fn run(&self, program: &Program) -> Report {
        let ignored = self.ledger.ignored();
        let mut report = self.each(|name, workdir| {
            let run = CaseRun {
                root: &self.root,
                ledger: &self.ledger,
                program,
                name,
                workdir,
                ignored: &ignored,
            };
            run.outcome()
        });
        if program.is_portcullis() {
            let all = Self::open(&self.root)
                .map(|suite| suite.cases)
                .unwrap_or_default();
            let stale = self.ledger.stale(&self.root, &all);
            report.results.extend(
                stale
                    .into_iter()
                    .map(|error| ("departures.toml".to_owned(), Outcome::Failed(error))),
            );
        }
        report
    }

    /// Records the expectations of all cases from nginx.
    pub fn record(&self, nginx: &Program) -> Report {
        self.each(|name, workdir| {
            if name.starts_with("conf/") {
                return self.record_conf(nginx, name, workdir);
            }
            let path = self.path(name, "case");
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let case = Case::of(name, &text)?;
            if case.header.not_for_nginx().is_some() {
                return Ok(from_specification());
            }
            let new = record::record(nginx, &text, &case, workdir)?;
            Case::parse(&new)?;
            fs::write(&path, new).map_err(|error| error.to_string())?;
            Ok(Outcome::Passed)
        })
    }

    fn record_conf(
        &self,
        nginx: &Program,
        name: &str,
        workdir: &WorkDir,
    ) -> Result<Outcome, String> {
        let path = self.path(name, "expect");
        let old = if path.exists() {
            TestReport::read(&path)?
        } else {
            TestReport::default()
        };
        if old.oracle.is_some() {
            return Ok(from_specification());
        }
        let mut new = conf_case::run(nginx, &self.path(name, "conf"), &old, workdir)?;
        if new.warnings.is_some() {
            new.warn.clear();
        }
        fs::write(&path, new.text()?).map_err(|error| error.to_string())?;
        Ok(Outcome::Passed)
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        case_run::path(&self.root, name, extension)
    }

    /// Runs `work` for each case, in a working directory of its own.
    fn each(&self, work: impl Fn(&str, &WorkDir) -> Result<Outcome, String> + Sync) -> Report {
        let pki = self.root.join("pki");
        let run = |thread: &mut u32, name: &String| {
            let workdir = WorkDir::new(*thread, &pki).map_err(|error| error.to_string());
            let outcome = workdir.and_then(|workdir| work(name, &workdir));
            Ok((name.clone(), outcome.unwrap_or_else(Outcome::Failed)))
        };
        let results = parallel::map(&self.cases, THREADS, Ok, run);
        let failed = |error| vec![("the runner".to_owned(), Outcome::Failed(error))];
        Report {
            results: results.unwrap_or_else(failed),
        }
    }
}

fn from_specification() -> Outcome {
    Outcome::Skipped("from the specification".to_owned())
}

fn find(root: &Path, dir: &Path, extension: &str, cases: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            // `<case>.d` contains files of a case.
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
