//! Runs the scenarios: round by round, in each round every scenario, in each scenario every program.

use crate::args::Figures;
use crate::counts;
use crate::failure::Failure;
use crate::machine::Machine;
use crate::measure::memory::{self, Held};
use crate::measure::{self, Outcome, configuration};
use crate::metric::Metric;
use crate::other_load::Moment;
use crate::program::Program;
use crate::program::running::Gateway;
use crate::results::{Results, Settings, Version};
use crate::runner::{Runner, load};
use crate::scenario::{Handshake, Kind, Scenario, Session, Work};
use crate::server::Server;

/// Measures programs in all scenarios, in turn, so that other load on the machine affects all of them. The order of the programs
/// alternates.
///
/// # Errors
/// When a program cannot be measured.
pub async fn rounds(runner: &mut Runner, programs: &[Program]) -> Result<Results, Failure> {
    let mut results = empty(runner, programs)?;
    let before = Moment::now()?;
    let counted = runner.options.figures != Figures::Time;
    let rounds = if counted { 1 } else { runner.options.rounds };
    for round in 1..=rounds {
        for scenario in runner.options.scenarios.clone() {
            if round > scenario.rounds {
                continue;
            }
            let mut order: Vec<&Program> = programs
                .iter()
                .filter(|program| program.takes_part(&scenario))
                .collect();
            if round % 2 == 0 {
                order.reverse();
            }
            for program in order {
                let outcome = match runner.options.figures.clone() {
                    Figures::Time => Some(measure(runner, program, &scenario).await?),
                    Figures::Counts {
                        calls,
                        instructions,
                        keep,
                    } => {
                        let keep = keep.as_deref();
                        counts::measure(runner, program, &scenario, calls, instructions, keep)
                            .await?
                    }
                };
                if let Some(outcome) = outcome {
                    let title = format!("round {round}, {}", program.name);
                    eprintln!("{title}, {}: {}", scenario.name, line(&outcome));
                    record(&mut results, program, &scenario, outcome);
                }
            }
        }
    }
    results.other_load = Moment::now()?.others_since(&before);
    Ok(results)
}

fn empty(runner: &Runner, programs: &[Program]) -> Result<Results, Failure> {
    let version = |program: &Program| {
        Ok(Version {
            name: program.name.clone(),
            version: program.version()?,
        })
    };
    let options = &runner.options;
    Ok(Results {
        machine: Machine::this(),
        settings: Settings {
            rounds: options.rounds,
            scale: options.scale,
            concurrency: options.concurrency,
            threads: options.threads,
            idle: options.idle,
        },
        programs: programs.iter().map(version).collect::<Result<_, _>>()?,
        figures: Vec::new(),
        other_load: 0.0,
        problems: Vec::new(),
    })
}

async fn measure(
    runner: &mut Runner,
    program: &Program,
    scenario: &Scenario,
) -> Result<Outcome, Failure> {
    if let Kind::Configuration(servers) = scenario.kind {
        let prefix = runner.prefix()?;
        return configuration::measure(&runner.own, program, &prefix, servers);
    }
    let mut gateway = runner.start(program, scenario, &[], false).await?;
    let (idle, clients) = (runner.options.idle, runner.options.concurrency);
    let tree = gateway.tree();
    let outcome = match scenario.kind {
        Kind::Load {
            session, sessions, ..
        } => {
            let sessions = (sessions as f64 * runner.options.scale).round().max(1.0);
            let open = scenario.open_sessions(idle, clients);
            let load = load(&gateway, session, sessions as usize, open)?;
            measure::busy(tree, &load).await
        }
        Kind::Idle { session, sessions } => {
            let held = held(&gateway, session, sessions.unwrap_or(idle), clients)?;
            memory::idle(tree, &held).await
        }
        Kind::Burst { session, sessions } => {
            let held = held(&gateway, session, sessions, clients)?;
            memory::burst(tree, &held).await
        }
        Kind::Reloads {
            reloads,
            held: open,
        } => {
            let session = Session {
                server: Server::Smtp,
                handshake: Handshake::None,
                work: Work::Login,
            };
            let held = held(&gateway, session, open, clients)?;
            memory::reloads(&mut gateway, &held, reloads).await
        }
        Kind::Configuration(_) => Ok(Outcome::default()),
    };
    gateway.stop().await?;
    outcome
}

fn held(
    gateway: &Gateway,
    session: Session,
    sessions: usize,
    clients: usize,
) -> Result<Held, Failure> {
    Ok(Held {
        target: gateway.target(session)?,
        work: session.work,
        sessions,
        clients: clients.min(sessions),
    })
}

fn record(results: &mut Results, program: &Program, scenario: &Scenario, outcome: Outcome) {
    let of = (scenario.name.as_ref(), scenario.title.as_ref());
    for (metric, value) in outcome.figures {
        results.add(of, metric, &program.name, value);
    }
    let name = format!("{}, {}", program.name, scenario.name);
    let problems = outcome.problems;
    if let Some(first) = problems.first {
        let errors = problems.errors;
        results
            .problems
            .push(format!("{name}: {errors} errors, the first: {first}"));
    }
    if problems.threads_ended > 0 {
        let ended = problems.threads_ended;
        results.problems.push(format!(
            "{name}: {ended} threads ended under load; their CPU time is not counted"
        ));
    }
}

/// The figures of one round in one line.
fn line(outcome: &Outcome) -> String {
    let figures = outcome
        .figures
        .iter()
        .filter(|(metric, _)| !matches!(metric, Metric::Call(_)));
    let texts: Vec<String> = figures
        .map(|(metric, value)| format!("{metric} {value:.digits$}", digits = metric.digits()))
        .collect();
    texts.join(", ")
}
