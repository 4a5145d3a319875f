//! `script/bench`: measures nginx, portcullis and others under the same load.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use portcullis_bench::args::{self, Figures, Mode, Options, Record, USAGE};
use portcullis_bench::failure::{Context as _, Failure};
use portcullis_bench::measure::configuration;
use portcullis_bench::program::{Kind, Program};
use portcullis_bench::results::Results;
use portcullis_bench::rounds;
use portcullis_bench::runner::Runner;
use portcullis_bench::{compare, descriptors, floor, other_load, table};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == floor::RUN => floor::run(rest).map(|()| ExitCode::SUCCESS),
        Some((first, rest)) if first == configuration::RUN => one_configuration(rest),
        _ => bench(arguments),
    };
    result.unwrap_or_else(|e| {
        eprintln!("bench: {e}");
        ExitCode::FAILURE
    })
}

fn one_configuration(arguments: &[String]) -> Result<ExitCode, Failure> {
    let [program, folder, file] = arguments else {
        return Err(Failure::new("this option is for the benchmark itself"));
    };
    let line = configuration::run(Path::new(program), Path::new(folder), Path::new(file))?;
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}

#[tokio::main(flavor = "current_thread")]
async fn bench(arguments: Vec<String>) -> Result<ExitCode, Failure> {
    let own = std::env::current_exe().context(|| "find this program".to_owned())?;
    let options = match args::read(arguments, &own)? {
        Mode::Help => {
            print!("{USAGE}");
            return Ok(ExitCode::SUCCESS);
        }
        Mode::List => {
            print!("{}", args::list());
            return Ok(ExitCode::SUCCESS);
        }
        Mode::Markdown(files) => {
            print!("{}", table::markdown(&merged(&files)?));
            return Ok(ExitCode::SUCCESS);
        }
        Mode::Measure(options) => options,
    };
    raise_descriptor_limit(&options)?;
    let mut terminate =
        signal(SignalKind::terminate()).context(|| "wait for signals".to_owned())?;
    tokio::select! {
        result = measure(options, own) => result,
        // Dropping the runner stops the program and removes the folder.
        _ = terminate.recv() => Err(Failure::new("terminated")),
        _ = tokio::signal::ctrl_c() => Err(Failure::new("interrupted")),
    }
}

async fn measure(options: Options, own: PathBuf) -> Result<ExitCode, Failure> {
    let mut runner = Runner::new(options.clone(), own)?;
    let program = |kind| options.program(kind);
    let same = match (options.record, program(Kind::Portcullis)) {
        (Record::Compare, Some(program)) => {
            let again = Program {
                name: compare::AGAIN.to_owned(),
                ..program.clone()
            };
            Some(rounds::rounds(&mut runner, &[program.clone(), again]).await?)
        }
        _ => None,
    };
    let results = rounds::rounds(&mut runner, &options.programs).await?;
    print!("{}", table::text(&results));
    for problem in &results.problems {
        println!("{problem}");
    }
    if results.other_load > other_load::TOO_MUCH && options.figures == Figures::Time {
        println!(
            "other processes used {:.0} % of the machine's CPU time: repeat this on a quiet machine",
            results.other_load * 100.0
        );
    }
    if let Some(path) = &options.json {
        results.write(path)?;
    }
    let passed = match (options.record, &same) {
        (Record::Write, _) => compare::record(&options, &results)?,
        (Record::Compare, Some(same)) => compare::gate(&options, &results, same)?,
        _ => true,
    };
    Ok(if passed && results.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn merged(files: &[PathBuf]) -> Result<Results, Failure> {
    let mut all = files.iter().map(|file| Results::read(file));
    let first = all.next().unwrap_or_else(|| Ok(Results::default()))?;
    all.try_fold(first, |results, next| Ok(results.merge(next?)))
}

/// Raises the limit of open files: here each session has a client socket and a backend socket.
fn raise_descriptor_limit(options: &Options) -> Result<(), Failure> {
    let open = options
        .scenarios
        .iter()
        .map(|scenario| scenario.open_sessions(options.idle, options.concurrency));
    let sessions = open.max().unwrap_or_default();
    let wanted = sessions as u64 * 2 + 1000;
    let limit = descriptors::raise(wanted)?;
    if limit < wanted {
        return Err(Failure::new(format!(
            "{limit} open files are allowed, {sessions} open sessions need {wanted}: raise ulimit -n"
        )));
    }
    Ok(())
}
