//! One case on one program: what is expected, with what the ledger says about it.

use std::fs;
use std::time::Duration;

use crate::case::{Case, PATIENCE, Seat};
use crate::conf_case::{self, Verdict};
use crate::gateway::Program;
use crate::ledger::Pending;
use crate::place::Place;
use crate::play::play;
use crate::report::Outcome;
use crate::suite::Suite;

/// How long to wait where a failure is what is expected: that portcullis departs from nginx.
const HASTE: Duration = Duration::from_millis(1500);

/// A case about to be run.
#[derive(Debug)]
pub struct Trial<'a> {
    pub suite: &'a Suite,
    pub program: &'a Program,
    pub name: &'a str,
    pub place: &'a Place,
    /// Parts of warnings that are not compared.
    pub ignored: &'a [String],
}

/// Which text is played, and how.
#[derive(Clone, Copy)]
struct Manner {
    ours: bool,
    log: bool,
    patience: Duration,
}

impl Trial<'_> {
    /// Runs it.
    ///
    /// # Errors
    /// When its files cannot be read or the program cannot be run.
    pub fn outcome(&self) -> Result<Outcome, String> {
        let pending = self.pending();
        if pending.is_some_and(Pending::only_log) {
            let spoken = self.with_departures(false)?;
            if spoken != Outcome::Passed {
                return Ok(spoken);
            }
        }
        Ok(match (pending, self.with_departures(true)?) {
            (None, outcome) => outcome,
            (Some(_), Outcome::Passed) => {
                Outcome::Failed("passes now: it is pending no more".to_owned())
            }
            (Some(entry), _) => Outcome::Skipped(format!("pending: {}", entry.reason)),
        })
    }

    fn pending(&self) -> Option<&Pending> {
        let ours = self.program.is_ours();
        self.suite.ledger.pending(self.name).filter(|_| ours)
    }

    fn with_departures(&self, log: bool) -> Result<Outcome, String> {
        let manner = Manner {
            ours: false,
            log,
            patience: PATIENCE,
        };
        if !self.program.is_ours() || self.suite.ledger.departure(self.name).is_none() {
            return self.against(manner);
        }
        let hasty = Manner {
            patience: HASTE,
            log: true,
            ..manner
        };
        if self.against(hasty)? == Outcome::Passed {
            let why = "a stale entry of departures.toml: portcullis does what nginx does";
            return Ok(Outcome::Failed(why.to_owned()));
        }
        self.against(Manner {
            ours: true,
            ..manner
        })
    }

    fn against(&self, manner: Manner) -> Result<Outcome, String> {
        if self.name.starts_with("conf/") {
            self.configuration(manner)
        } else {
            self.dialogue(manner)
        }
    }

    fn configuration(&self, manner: Manner) -> Result<Outcome, String> {
        let extension = if manner.ours { "ours" } else { "expect" };
        let wanted = Verdict::read(&self.suite.path(self.name, extension))?;
        if wanted.oracle.is_some() && !self.program.is_ours() {
            return Ok(older());
        }
        if let Some(why) = conf_case::lacks(&wanted) {
            return Ok(Outcome::Skipped(why.to_owned()));
        }
        let conf = self.suite.path(self.name, "conf");
        let got = conf_case::test(self.program, &conf, &wanted, self.place)?;
        let difference = wanted.differs(&got, self.ignored);
        Ok(difference.map_or(Outcome::Passed, Outcome::Failed))
    }

    fn dialogue(&self, manner: Manner) -> Result<Outcome, String> {
        let mut case = self.parse("case")?;
        if case.header.oracle_older && !self.program.is_ours() {
            return Ok(older());
        }
        if [case.header.auth, case.header.backend].contains(&Seat::Ipv6) && !conf_case::has_ipv6() {
            return Ok(Outcome::Skipped("needs IPv6".to_owned()));
        }
        if manner.ours {
            // our text has only the events and the log: the configuration is the same
            let Case { events, log, .. } = self.parse("ours")?;
            (case.events, case.log) = (events, log);
        }
        if !manner.log {
            case.log.clear();
        }
        let played = play(self.program, &case, self.place, manner.patience);
        Ok(played.map_or_else(Outcome::Failed, |()| Outcome::Passed))
    }

    fn parse(&self, extension: &str) -> Result<Case, String> {
        let path = self.suite.path(self.name, extension);
        let fault = |why: String| format!("{}: {why}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| fault(error.to_string()))?;
        Case::of(self.name, &text).map_err(fault)
    }
}

fn older() -> Outcome {
    Outcome::Skipped("the installed nginx is older".to_owned())
}
