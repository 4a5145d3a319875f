//! `conformance record [path…]`, `conformance run [--binary PATH | --nginx] [path…]`, `conformance random [SEED [COUNT]]`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use portcullis_conformance::gateway::Program;
use portcullis_conformance::random::Contest;
use portcullis_conformance::rows;
use portcullis_conformance::suite::Suite;

const USAGE: &str = "usage: conformance record [path...]
       conformance run [--binary PATH | --nginx] [path...]
       conformance random [SEED [COUNT]]
       conformance record-rows
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
    let nginx = || {
        Program::nginx().ok_or("nginx with its mail module is not installed (NGINX_BIN)".to_owned())
    };
    if action == "random" {
        let number = |at: usize, default| {
            words.get(at).map_or(Ok(default), |word| {
                word.parse::<u64>().map_err(|_| USAGE.to_owned())
            })
        };
        let outcome =
            Contest::new(nginx()?, Program::ours()?)?.run(number(0, 1)?, number(1, 1500)?)?;
        for difference in &outcome.differences {
            println!("{difference}");
        }
        print!("{}", outcome.text());
        return Ok(outcome.differences.is_empty());
    }
    let mut suite = Suite::ours()?;
    if action == "record-rows" {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rows");
        let unexplained = rows::record(&folder, &nginx()?, &Program::ours()?, &suite.ledger)?;
        for row in &unexplained {
            println!("{}", row.replace('\t', "\n    "));
        }
        println!("{} differences that no rule explains", unexplained.len());
        return Ok(unexplained.is_empty());
    }
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
