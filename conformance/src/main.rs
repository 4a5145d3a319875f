//! The command line of the conformance suite; see [`USAGE`].

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portcullis_conformance::conversation::compare::Programs;
use portcullis_conformance::conversation::run::run as run_conversations;
use portcullis_conformance::conversation::script::PROTOCOLS;
use portcullis_conformance::gateway::Program;
use portcullis_conformance::random::Comparator;
use portcullis_conformance::rows;
use portcullis_conformance::suite::Suite;

const USAGE: &str = "usage: conformance run [--binary PATH | --nginx] [path...]
       conformance record [path...]
       conformance record-rows
       conformance random [SEED [COUNT]]
       conformance conversations smtp|imap|pop3 [--seed S] [--first N] [--count N]
A path is a case or the beginning of its name: conf/lexer, dialogue/smtp/auth";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs the command; false if a case failed.
fn run(mut words: Vec<String>) -> Result<bool, String> {
    if words.is_empty() {
        return Err(USAGE.to_owned());
    }
    match words.remove(0).as_str() {
        "run" => run_cases(words),
        "record" => {
            let mut suite = Suite::own()?;
            suite.retain(&words);
            let report = suite.record(&nginx()?);
            print!("{}", report.text());
            Ok(report.success())
        }
        "record-rows" => record_rows(),
        "random" => random(&words),
        "conversations" => conversations(&words),
        _ => Err(USAGE.to_owned()),
    }
}

fn nginx() -> Result<Program, String> {
    Program::nginx().ok_or("nginx with its mail module is not installed (NGINX_BIN)".to_owned())
}

fn run_cases(mut words: Vec<String>) -> Result<bool, String> {
    let program = match words.first().map(String::as_str) {
        Some("--nginx") => {
            words.remove(0);
            nginx()?
        }
        Some("--binary") if words.len() > 1 => {
            Program::Portcullis(PathBuf::from(words.drain(..2).nth(1).unwrap_or_default()))
        }
        _ => Program::portcullis()?,
    };
    let mut suite = Suite::own()?;
    suite.retain(&words);
    let report = suite.run(&program);
    print!("{}", report.text());
    Ok(report.success())
}

/// Records the rows.
fn record_rows() -> Result<bool, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rows");
    let ledger = Suite::own()?.ledger;
    let unexplained = rows::record(&folder, &nginx()?, &Program::portcullis()?, &ledger)?;
    for row in &unexplained {
        println!("{}", row.replace('\t', "\n    "));
    }
    println!("{} unexplained differences", unexplained.len());
    Ok(unexplained.is_empty())
}

/// Compares random configurations.
fn random(words: &[String]) -> Result<bool, String> {
    let number = |index: usize, default| {
        words.get(index).map_or(Ok(default), |word| {
            word.parse::<u64>().map_err(|_| USAGE.to_owned())
        })
    };
    let comparator = Comparator::new(nginx()?, Program::portcullis()?)?;
    let summary = comparator.run(number(0, 1)?, number(1, 1500)?)?;
    for difference in &summary.differences {
        println!("{difference}");
    }
    print!("{}", summary.text());
    Ok(summary.differences.is_empty())
}

/// Compares random conversations.
fn conversations(words: &[String]) -> Result<bool, String> {
    let (name, options) = words.split_first().ok_or(USAGE)?;
    let protocol = PROTOCOLS
        .into_iter()
        .find(|protocol| protocol.to_string() == *name)
        .ok_or(USAGE)?;
    let (mut seed, mut first, mut count) = (1, 0, 500);
    for option in options.chunks(2) {
        let [name, value] = option else {
            return Err(USAGE.to_owned());
        };
        let value = value.parse().map_err(|_| USAGE)?;
        match name.as_str() {
            "--seed" => seed = value,
            "--first" => first = value,
            "--count" => count = value,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let programs = Programs {
        nginx: nginx()?,
        portcullis: Program::portcullis()?,
    };
    let totals = run_conversations(&programs, protocol, seed, first, count)?;
    print!("{}", totals.text());
    Ok(totals.unexplained.is_empty())
}
