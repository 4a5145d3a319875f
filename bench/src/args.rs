//! The options of `script/bench`.

use std::path::PathBuf;

use crate::failure::{Doing as _, Failure};
use crate::gateway::Program;

/// What `--help` prints.
pub const USAGE: &str = "\
usage: script/bench [options]

Puts portcullis and nginx under the same load, in turn, and prints what each needs.
`script/bench --config` lets both test long configurations instead.

  --quick             one short round
  --rounds N          rounds of each gateway, the median of which is printed (default 3)
  --sessions N        sessions in clear text a round, of each protocol (default 4000)
  --tls-sessions N    sessions over TLS a round (default 3000)
  --concurrency N     sessions at the same time (default 32)
  --idle N            idle sessions held for the memory figure (default 2000; 0 leaves it out)
  --only NAME         nginx or portcullis alone
  --nginx PATH        (default /usr/sbin/nginx)
  --portcullis PATH   (default: beside this program). A program that is called nginx gets nginx's load_module line
";

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rounds of each gateway.
    pub rounds: usize,
    /// Clear-text sessions a round.
    pub sessions: usize,
    /// TLS sessions a round.
    pub tls_sessions: usize,
    /// Sessions at the same time.
    pub concurrency: usize,
    /// Idle sessions for the memory figure.
    pub idle: usize,
    /// What to measure, nginx first.
    pub programs: Vec<Program>,
}

/// Reads the arguments, without the program's name; `None` if help was asked for.
pub fn read(
    args: impl IntoIterator<Item = String>,
    beside: PathBuf,
) -> Result<Option<Options>, Failure> {
    let mut options = Options {
        rounds: 3,
        sessions: 4000,
        tls_sessions: 3000,
        concurrency: 32,
        idle: 2000,
        programs: vec![
            Program {
                name: "nginx",
                path: "/usr/sbin/nginx".into(),
            },
            Program {
                name: "portcullis",
                path: beside.join("portcullis"),
            },
        ],
    };
    let mut only = None;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(None),
            "--quick" => {
                (
                    options.rounds,
                    options.sessions,
                    options.tls_sessions,
                    options.idle,
                ) = (1, 1500, 800, 500);
                continue;
            }
            _ => {}
        }
        let value = args
            .next()
            .ok_or_else(|| Failure::new(format!("{arg} is unknown or needs a value\n\n{USAGE}")))?;
        let number = |least: usize| match value.parse() {
            Ok(number) if number >= least => Ok(number),
            _ => Err(Failure::new(format!(
                "{arg} wants a number from {least}, not {value}"
            ))),
        };
        match arg.as_str() {
            "--rounds" => options.rounds = number(1)?,
            "--sessions" => options.sessions = number(1)?,
            "--tls-sessions" => options.tls_sessions = number(1)?,
            "--concurrency" => options.concurrency = number(1)?,
            "--idle" => options.idle = number(0)?,
            "--nginx" => options.programs[0].path = absolute(&value)?,
            "--portcullis" => options.programs[1].path = absolute(&value)?,
            "--only" => only = Some(value),
            _ => return Err(Failure::new(format!("unknown option {arg}\n\n{USAGE}"))),
        }
    }
    if let Some(only) = only {
        options.programs.retain(|program| program.name == only);
        if options.programs.is_empty() {
            return Err(Failure::new(format!(
                "--only wants nginx or portcullis, not {only}"
            )));
        }
    }
    Ok(Some(options))
}

fn absolute(path: &str) -> Result<PathBuf, Failure> {
    std::path::absolute(path).doing(|| format!("find {path}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn of(line: &str) -> Result<Option<Options>, Failure> {
        read(line.split_whitespace().map(str::to_owned), "/bin".into())
    }

    #[test]
    fn options_are_read_in_order() {
        let options = of("--quick --rounds 2 --only nginx").unwrap().unwrap();
        assert_eq!(
            (options.rounds, options.sessions, options.programs.len()),
            (2, 1500, 1)
        );
        assert!(of("--help").unwrap().is_none());
        for wrong in [
            "--rounds",
            "--rounds 0",
            "--rounds x",
            "--only exim",
            "--nonsense 1",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
