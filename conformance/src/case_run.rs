//! Runs one case on one program, with what the ledger says about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::case::{Case, PeerAddress, TIMEOUT};
use crate::conf_case::{self, TestReport};
use crate::gateway::Program;
use crate::ledger::{Ledger, Pending};
use crate::replay::replay;
use crate::report::Outcome;
use crate::workdir::WorkDir;

/// The time limit where a failure is expected: when a departure is checked against nginx's expectation.
const SHORT_TIMEOUT: Duration = Duration::from_millis(1500);

/// A case to run.
#[derive(Debug)]
pub struct CaseRun<'a> {
    /// The directory of the suite.
    pub root: &'a Path,
    pub ledger: &'a Ledger,
    pub program: &'a Program,
    pub name: &'a str,
    pub workdir: &'a WorkDir,
    /// Warnings that contain one of these texts are not compared.
    pub ignored: &'a [String],
}

/// Which expectation applies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expectation {
    Nginx,
    /// The `.ours` file of a departure.
    Portcullis,
}

#[derive(Clone, Copy)]
struct Mode {
    expectation: Expectation,
    /// Whether the error log is compared.
    log: bool,
    timeout: Duration,
}

/// A file of a case.
pub fn path(root: &Path, name: &str, extension: &str) -> PathBuf {
    root.join(format!("{name}.{extension}"))
}

impl CaseRun<'_> {
    /// Runs the case.
    ///
    /// # Errors
    /// When its files cannot be read or the program cannot be run.
    pub fn outcome(&self) -> Result<Outcome, String> {
        let pending = self.pending();
        if pending.is_some_and(Pending::only_log) {
            let dialogue = self.with_departures(false)?;
            if dialogue != Outcome::Passed {
                return Ok(dialogue);
            }
        }
        Ok(match (pending, self.with_departures(true)?) {
            (None, outcome) => outcome,
            (Some(_), Outcome::Passed) => {
                Outcome::Failed("passes: remove it from `pending`".to_owned())
            }
            (Some(entry), _) => Outcome::Skipped(format!("pending: {}", entry.reason)),
        })
    }

    fn pending(&self) -> Option<&Pending> {
        let applies = self.program.is_portcullis();
        self.ledger.pending(self.name).filter(|_| applies)
    }

    fn with_departures(&self, log: bool) -> Result<Outcome, String> {
        let mode = Mode {
            expectation: Expectation::Nginx,
            log,
            timeout: TIMEOUT,
        };
        if !self.program.is_portcullis() || self.ledger.departure(self.name).is_none() {
            return self.run(mode);
        }
        let against_nginx = Mode {
            timeout: SHORT_TIMEOUT,
            log: true,
            ..mode
        };
        if self.run(against_nginx)? == Outcome::Passed {
            let reason = "stale entry in departures.toml: portcullis behaves like nginx";
            return Ok(Outcome::Failed(reason.to_owned()));
        }
        self.run(Mode {
            expectation: Expectation::Portcullis,
            ..mode
        })
    }

    fn run(&self, mode: Mode) -> Result<Outcome, String> {
        if self.name.starts_with("conf/") {
            self.configuration(mode)
        } else {
            self.dialogue(mode)
        }
    }

    fn configuration(&self, mode: Mode) -> Result<Outcome, String> {
        let extension = match mode.expectation {
            Expectation::Nginx => "expect",
            Expectation::Portcullis => "ours",
        };
        let expected = TestReport::read(&path(self.root, self.name, extension))?;
        if expected.oracle.is_some() && !self.program.is_portcullis() {
            return Ok(older());
        }
        if let Some(reason) = conf_case::unmet_need(&expected) {
            return Ok(Outcome::Skipped(reason.to_owned()));
        }
        let conf = path(self.root, self.name, "conf");
        let got = conf_case::run(self.program, &conf, &expected, self.workdir)?;
        let difference = expected.difference(&got, self.ignored);
        Ok(difference.map_or(Outcome::Passed, Outcome::Failed))
    }

    fn dialogue(&self, mode: Mode) -> Result<Outcome, String> {
        let mut case = self.parse("case")?;
        if let Some(reason) = case.header.not_for_nginx()
            && !self.program.is_portcullis()
        {
            return Ok(Outcome::Skipped(reason.to_owned()));
        }
        let uses_ipv6 = [case.header.auth, case.header.backend].contains(&PeerAddress::Ipv6);
        if uses_ipv6 && !conf_case::has_ipv6() {
            return Ok(Outcome::Skipped("needs IPv6".to_owned()));
        }
        if mode.expectation == Expectation::Portcullis {
            // The header, and so the configuration, is that of the case.
            let Case { events, log, .. } = self.parse("ours")?;
            (case.events, case.log) = (events, log);
        }
        if !mode.log {
            case.log.clear();
        }
        let result = replay(self.program, &case, self.workdir, mode.timeout);
        Ok(result.map_or_else(Outcome::Failed, |()| Outcome::Passed))
    }

    fn parse(&self, extension: &str) -> Result<Case, String> {
        let path = path(self.root, self.name, extension);
        let fail = |reason: String| format!("{}: {reason}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| fail(error.to_string()))?;
        Case::of(self.name, &text).map_err(fail)
    }
}

fn older() -> Outcome {
    Outcome::Skipped("the installed nginx is older".to_owned())
}
