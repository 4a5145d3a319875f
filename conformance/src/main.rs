//! `conformance record [path…]`, `conformance run [--binary PATH | --nginx] [path…]`,
//! `conformance random [SEED [COUNT]]`, `conformance talk PROTOCOL [--seed S] [--first N] [--count N]`,
//! `conformance record-rows`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portcullis_conformance::gateway::Program;
use portcullis_conformance::random::Contest;
use portcullis_conformance::rows;
use portcullis_conformance::suite::Suite;
use portcullis_conformance::talk::conversation::Protocol;
use portcullis_conformance::talk::tournament::{self, Pair};

const USAGE: &str = "usage: conformance record [path...]
       conformance run [--binary PATH | --nginx] [path...]
       conformance random [SEED [COUNT]]
       conformance record-rows
       conformance talk smtp|imap|pop3 [--seed S] [--first N] [--count N]
A path is a case, or the beginning of its name: conf/lexer, dialogue/smtp/auth";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("conformance: {why}");
            ExitCode::from(2)
        }
    }
}

fn run(mut words: Vec<String>) -> Result<bool, String> {
    if words.is_empty() {
        return Err(USAGE.to_owned());
    }
    let action = words.remove(0);
    match action.as_str() {
        "talk" => return talk(&words),
        "random" => return random(&words),
        "record-rows" => return record_rows(),
        _ => {}
    }
    let mut suite = Suite::ours()?;
    let report = match action.as_str() {
        "record" => {
            suite.keep(&words);
            suite.record(&nginx()?)
        }
        "run" => {
            let program = match words.first().map(String::as_str) {
                Some("--nginx") => {
                    words.remove(0);
                    nginx()?
                }
                Some("--binary") if words.len() > 1 => {
                    Program::Ours(PathBuf::from(words.drain(..2).nth(1).unwrap_or_default()))
                }
                _ => Program::ours()?,
            };
            suite.keep(&words);
            suite.run(&program)
        }
        _ => return Err(USAGE.to_owned()),
    };
    print!("{}", report.text());
    Ok(report.good())
}

fn nginx() -> Result<Program, String> {
    Program::nginx().ok_or("nginx with its mail module is not installed (NGINX_BIN)".to_owned())
}

/// Random conversations with both.
fn talk(words: &[String]) -> Result<bool, String> {
    let (protocol, options) = words.split_first().ok_or(USAGE)?;
    let protocol = Protocol::ALL
        .into_iter()
        .find(|known| known.name() == protocol)
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
    let pair = Pair {
        nginx: nginx()?,
        ours: Program::ours()?,
    };
    let score = tournament::run(&pair, protocol, seed, first, count)?;
    print!("{}", score.text());
    Ok(score.wrong.is_empty())
}

/// Random configurations before both.
fn random(words: &[String]) -> Result<bool, String> {
    let number = |at: usize, default| {
        words.get(at).map_or(Ok(default), |word| {
            word.parse::<u64>().map_err(|_| USAGE.to_owned())
        })
    };
    let outcome = Contest::new(nginx()?, Program::ours()?)?.run(number(0, 1)?, number(1, 1500)?)?;
    for difference in &outcome.differences {
        println!("{difference}");
    }
    print!("{}", outcome.text());
    Ok(outcome.differences.is_empty())
}

/// Writes the rows' cases anew.
fn record_rows() -> Result<bool, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rows");
    let ledger = Suite::ours()?.ledger;
    let unexplained = rows::record(&folder, &nginx()?, &Program::ours()?, &ledger)?;
    for row in &unexplained {
        println!("{}", row.replace('\t', "\n    "));
    }
    println!("{} differences that no rule explains", unexplained.len());
    Ok(unexplained.is_empty())
}
