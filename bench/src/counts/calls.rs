//! System calls per session, counted by strace.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::run;
use crate::failure::{Context as _, Failure};
use crate::measure::{Outcome, Problems, warm_up};
use crate::metric::Metric;
use crate::process_tree::Tree;
use crate::program::Program;
use crate::runner::{Runner, load};
use crate::scenario::{Kind, Scenario};

/// The time limit for strace to attach.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Concurrent sessions: with more, one wait returns more events than without strace, which slows the program down.
const CLIENTS: usize = 4;

/// Counts the calls of all threads of all processes of a program.
///
/// # Errors
/// When strace is missing or cannot attach.
pub async fn measure(
    runner: &mut Runner,
    program: &Program,
    scenario: &Scenario,
) -> Result<Outcome, Failure> {
    let Kind::Load {
        session, clients, ..
    } = scenario.kind
    else {
        return Ok(Outcome::default());
    };
    let gateway = runner.start(program, scenario, &[], false).await?;
    let clients = clients.unwrap_or(CLIENTS).min(CLIENTS);
    let load = load(&gateway, session, 0, clients)?;
    warm_up(&load).await;
    let (short, long) = super::lengths(scenario);
    let file = runner.workspace.path().join("calls");
    let mut counts = Vec::new();
    let mut problems = Problems::default();
    for sessions in [short, long] {
        gateway.tree().settled_cpu().await?;
        let strace = attach(gateway.tree(), &file).await?;
        let found = run(&load, sessions).await;
        problems.errors += found.errors;
        problems.first = problems.first.take().or(found.first);
        gateway.tree().settled_cpu().await?;
        detach(strace).await?;
        let text = std::fs::read_to_string(&file).context(|| "read strace's counts".to_owned())?;
        counts.push(parse(&text));
    }
    gateway.stop().await?;
    let figures = difference(&counts[0], &counts[1], (long - short) as f64);
    Ok(Outcome { figures, problems })
}

/// Attaches strace to all threads, and waits until it counts.
async fn attach(tree: Tree, file: &Path) -> Result<Child, Failure> {
    let context = || "run strace".to_owned();
    let mut command = Command::new("strace");
    command
        .args(["-f", "-c", "-U", "name,calls", "-o"])
        .arg(file);
    let processes = tree.processes()?;
    for pid in &processes {
        command.arg("-p").arg(pid.to_string());
    }
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context(context)?;
    let stderr = child.stderr.take();
    let Some(stderr) = stderr else {
        return Err(Failure::new("cannot read strace's messages"));
    };
    // One line `Process N attached` for each process, with its threads.
    let mut lines = BufReader::new(stderr).lines();
    let attached = async {
        for _ in &processes {
            match lines.next_line().await {
                Ok(Some(line)) if line.contains("attached") => {}
                Ok(line) => return Err(line.unwrap_or_default()),
                Err(e) => return Err(e.to_string()),
            }
        }
        Ok(())
    };
    match timeout(TIMEOUT, attached).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => return Err(Failure::new(format!("strace does not attach: {e}"))),
        Err(_) => return Err(Failure::new("strace does not attach in time")),
    }
    // It goes on writing there, about threads that begin.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(child)
}

/// Lets strace write its counts.
async fn detach(mut strace: Child) -> Result<(), Failure> {
    let context = || "stop strace".to_owned();
    if let Some(pid) = strace.id().and_then(|pid| i32::try_from(pid).ok()) {
        kill(Pid::from_raw(pid), Signal::SIGINT).context(context)?;
    }
    strace.wait().await.context(context)?;
    Ok(())
}

/// The lines `name calls` of strace's table.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(count), None) = (words.next(), words.next(), words.next())
            && name != "total"
            && let Ok(count) = count.parse()
        {
            counts.insert(name.to_owned(), count);
        }
    }
    counts
}

/// The calls per session, from those of a short and a long run that differ by this many sessions.
fn difference(
    short: &BTreeMap<String, f64>,
    long: &BTreeMap<String, f64>,
    sessions: f64,
) -> Vec<(Metric, f64)> {
    let by_name: Vec<(Metric, f64)> = long
        .iter()
        .map(|(name, count)| {
            let before = short.get(name).copied().unwrap_or_default();
            (Metric::Call(name.clone()), (count - before) / sessions)
        })
        // Less is housekeeping.
        .filter(|(_, count)| *count >= 0.005)
        .collect();
    let total = by_name.iter().map(|(_, count)| count).sum();
    [vec![(Metric::Calls, total)], by_name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_the_start_cancel() {
        let short = parse(
            "syscall          calls\n------- ---\nread 120\nopenat 7\n------- ---\ntotal 127\n",
        );
        let long = parse("read 320\nopenat 7\nwrite 100\n");
        assert_eq!(short.len(), 2);
        assert_eq!(
            difference(&short, &long, 100.0),
            [
                (Metric::Calls, 3.0),
                (Metric::Call("read".to_owned()), 2.0),
                (Metric::Call("write".to_owned()), 1.0)
            ]
        );
    }
}
