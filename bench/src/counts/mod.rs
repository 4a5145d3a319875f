//! Figures that do not depend on other load: system calls and instructions per session.
//!
//! Each is the difference of two runs with different numbers of sessions, so that start, warm-up and end cancel.

pub mod calls;
pub mod instructions;

use std::path::Path;

use crate::failure::Failure;
use crate::load::Load;
use crate::measure::{Outcome, Problems};
use crate::program::{Kind, Program};
use crate::runner::Runner;
use crate::scenario::{Kind as Does, Scenario, Work};

/// Measures one program in one scenario; `None` if the scenario has no sessions under load.
///
/// # Errors
/// When a tool is missing, or the program cannot be measured.
pub async fn measure(
    runner: &mut Runner,
    program: &Program,
    scenario: &Scenario,
    calls: bool,
    instructions: bool,
    keep: Option<&Path>,
) -> Result<Option<Outcome>, Failure> {
    if !matches!(scenario.kind, Does::Load { .. }) {
        return Ok(None);
    }
    let mut outcome = Outcome::default();
    if calls {
        let found = calls::measure(runner, program, scenario).await?;
        outcome.add(found);
    }
    // The others cannot run in one process of one thread.
    if instructions && matches!(program.kind, Kind::Nginx | Kind::Portcullis | Kind::Floor) {
        let found = instructions::measure(runner, program, scenario, keep).await?;
        outcome.add(found);
    }
    Ok(Some(outcome))
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.figures.extend(other.figures);
        self.problems.errors += other.problems.errors;
        self.problems.first = self.problems.first.take().or(other.problems.first);
    }
}

/// Runs this many sessions.
async fn run(load: &Load, sessions: usize) -> Problems {
    let load = Load {
        sessions,
        ..load.clone()
    };
    load.run().await.into()
}

/// The sessions of the short and the long run.
fn lengths(scenario: &Scenario) -> (usize, usize) {
    match scenario.session().map(|session| session.work) {
        // Bulk: 8 MB each.
        Some(Work::Message(bytes) | Work::Fetch(bytes)) if bytes > 1 << 20 => (2, 10),
        _ => (100, 600),
    }
}
