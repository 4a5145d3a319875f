//! Instructions in user space per session, counted by valgrind's callgrind, which runs one thread at a time.
//!
//! Counting begins after the warm-up: the start of a TLS library gathers entropy for as long as that takes.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::run;
use crate::failure::{Context as _, Failure};
use crate::measure::{Outcome, Problems, warm_up};
use crate::metric::Metric;
use crate::program::Program;
use crate::runner::{Runner, load};
use crate::scenario::{Kind, Scenario};

/// Concurrent sessions: callgrind is slow, and sessions must not time out.
const CLIENTS: usize = 4;

/// Counts the instructions of a program without a master process.
///
/// # Errors
/// When valgrind is missing, or the program does not run in it.
pub async fn measure(
    runner: &mut Runner,
    program: &Program,
    scenario: &Scenario,
    keep: Option<&Path>,
) -> Result<Outcome, Failure> {
    let Kind::Load {
        session, clients, ..
    } = scenario.kind
    else {
        return Ok(Outcome::default());
    };
    let name = format!("callgrind.out.{}.{}", program.name, scenario.name);
    let file = keep.unwrap_or(runner.workspace.path()).join(name);
    let under = [
        "valgrind".to_owned(),
        "--tool=callgrind".to_owned(),
        "--instr-atstart=no".to_owned(),
        format!("--callgrind-out-file={}", file.display()),
    ];
    let gateway = runner.start(program, scenario, &under, true).await?;
    let clients = clients.unwrap_or(CLIENTS).min(CLIENTS);
    let load = load(&gateway, session, 0, clients)?;
    warm_up(&load).await;
    let process = gateway.tree().root();
    control(process, &["-i", "on"]).await?;
    warm_up(&load).await;
    control(process, &["-z"]).await?;
    let (short, long) = super::lengths(scenario);
    let mut totals = Vec::new();
    let mut problems = Problems::default();
    for (at, sessions) in [short, long].into_iter().enumerate() {
        let found = run(&load, sessions).await;
        problems.errors += found.errors;
        problems.first = problems.first.take().or(found.first);
        gateway.tree().settled_cpu().await?;
        control(process, &["-d"]).await?;
        let dump = format!("{}.{}", file.display(), at + 1);
        let text = std::fs::read_to_string(&dump).context(|| format!("read {dump}"))?;
        let total = total(&text);
        totals.push(total.ok_or_else(|| Failure::new(format!("{dump} has no total")))?);
    }
    gateway.stop().await?;
    let per_session = (totals[1] - totals[0]) / (long - short) as f64;
    Ok(Outcome {
        figures: vec![(Metric::Instructions, per_session)],
        problems,
    })
}

/// Tells callgrind to do something.
async fn control(process: u32, arguments: &[&str]) -> Result<(), Failure> {
    let context = || "run callgrind_control".to_owned();
    let mut command = Command::new("callgrind_control");
    command.args(arguments).arg(process.to_string());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context(context)?;
    if output.status.success() {
        Ok(())
    } else {
        let text = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("callgrind_control: {text}")))
    }
}

/// The total of a file of callgrind.
fn total(text: &str) -> Option<f64> {
    let mut totals = text.lines().filter_map(|line| {
        let rest = line
            .strip_prefix("totals: ")
            .or_else(|| line.strip_prefix("summary: "))?;
        rest.split_whitespace().next()?.parse().ok()
    });
    totals.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_of_a_file() {
        assert_eq!(
            total("events: Ir\nsummary: 12345\n\ntotals: 12345\n"),
            Some(12345.0)
        );
        assert_eq!(total("events: Ir\n"), None);
    }
}
