//! Finds the cases, runs them on a program, four at a time, and says how it went.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::case::{Case, PATIENCE};
use crate::conf_case::{self, Verdict};
use crate::gateway::Program;
use crate::ledger::Ledger;
use crate::place::{Place, SLOTS};
use crate::play::play;
use crate::record;

/// The cases below a folder.
#[derive(Debug)]
pub struct Suite {
    root: PathBuf,
    /// Names without extension, relative to the root: `conf/lexer/quotes`.
    pub cases: Vec<String>,
    pub ledger: Ledger,
}

/// How long to wait where a failure is what is expected: that portcullis departs from nginx.
const HASTE: Duration = Duration::from_millis(1500);

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
        let mut report = self.each(|name, place| self.one(program, name, place, &ignored));
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
            let case = Case::parse(&text)?;
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

    fn one(
        &self,
        program: &Program,
        name: &str,
        place: &Place,
        ignored: &[String],
    ) -> Result<Outcome, String> {
        if !program.is_ours() {
            return self.against(program, name, "nginx", PATIENCE, place, ignored);
        }
        let outcome = if self.ledger.departure(name).is_none() {
            self.against(program, name, "nginx", PATIENCE, place, ignored)?
        } else if self.against(program, name, "nginx", HASTE, place, ignored)? == Outcome::Passed {
            let why = "a stale entry of departures.toml: portcullis does what nginx does";
            Outcome::Failed(why.to_owned())
        } else {
            self.against(program, name, "ours", PATIENCE, place, ignored)?
        };
        Ok(match (self.ledger.pending(name), outcome) {
            (None, outcome) => outcome,
            (Some(_), Outcome::Passed) => {
                Outcome::Failed("passes now: it is pending no more".to_owned())
            }
            (Some(why), _) => Outcome::Skipped(format!("pending: {why}")),
        })
    }

    /// Plays the text of nginx, or ours.
    fn against(
        &self,
        program: &Program,
        name: &str,
        text: &str,
        patience: Duration,
        place: &Place,
        ignored: &[String],
    ) -> Result<Outcome, String> {
        match (name.starts_with("conf/"), text) {
            (true, "ours") => self.conf(program, name, "ours", place, ignored),
            (true, _) => self.conf(program, name, "expect", place, ignored),
            (false, "ours") => self.dialogue(program, name, "ours", patience, place),
            (false, _) => self.dialogue(program, name, "case", patience, place),
        }
    }

    fn conf(
        &self,
        program: &Program,
        name: &str,
        extension: &str,
        place: &Place,
        ignored: &[String],
    ) -> Result<Outcome, String> {
        let wanted = Verdict::read(&self.path(name, extension))?;
        if wanted.oracle.is_some() && !program.is_ours() {
            return Ok(Outcome::Skipped("the installed nginx is older".to_owned()));
        }
        if let Some(why) = conf_case::lacks(&wanted) {
            return Ok(Outcome::Skipped(why.to_owned()));
        }
        let got = conf_case::test(program, &self.path(name, "conf"), &wanted, place)?;
        Ok(wanted
            .differs(&got, ignored)
            .map_or(Outcome::Passed, Outcome::Failed))
    }

    fn dialogue(
        &self,
        program: &Program,
        name: &str,
        extension: &str,
        patience: Duration,
        place: &Place,
    ) -> Result<Outcome, String> {
        let read = |extension: &str| -> Result<Case, String> {
            let path = self.path(name, extension);
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Case::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
        };
        let nginx = read("case")?;
        if nginx.header.oracle_older && !program.is_ours() {
            return Ok(Outcome::Skipped("the installed nginx is older".to_owned()));
        }
        // our text has only the events: the configuration is the same
        let case = if extension == "case" {
            nginx
        } else {
            Case {
                header: nginx.header,
                ..read(extension)?
            }
        };
        Ok(
            play(program, &case, place, patience)
                .map_or_else(Outcome::Failed, |()| Outcome::Passed),
        )
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
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
