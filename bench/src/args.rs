//! The options of `script/bench`.

use std::path::PathBuf;

use crate::failure::{Context as _, Failure};
use crate::gateway::Program;

/// What `--help` prints.
pub const USAGE: &str = "\
usage: script/bench [options]

Puts portcullis and nginx under the same load, in turn, and prints what each needs.
`script/bench --config` measures `-t` on long configurations instead.

  --quick             one short round
  --rounds N          rounds of each gateway; the median is printed (default 3)
  --sessions N        clear-text sessions per round and protocol (default 4000)
  --tls-sessions N    TLS sessions per round (default 3000)
  --concurrency N     concurrent sessions (default 32)
  --idle N            idle sessions for the memory figure (default 2000; 0 skips it)
  --only NAME         only nginx or only portcullis
  --nginx PATH        (default /usr/sbin/nginx)
  --portcullis PATH   (default: beside this program). A program named nginx gets nginx's load_module line
";

/// The options.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rounds of each gateway.
    pub rounds: usize,
    /// Clear-text sessions per round.
    pub sessions: usize,
    /// TLS sessions per round.
    pub tls_sessions: usize,
    /// Concurrent sessions.
    pub concurrency: usize,
    /// Idle sessions for the memory figure.
    pub idle: usize,
    /// The programs to measure, nginx first.
    pub programs: Vec<Program>,
}

/// Parses the arguments, without the name of the program; `None` for `--help`. `beside` is the folder of this program.
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
            .ok_or_else(|| Failure::new(format!("{arg} is unknown or has no value\n\n{USAGE}")))?;
        let number = |least: usize| match value.parse() {
            Ok(number) if number >= least => Ok(number),
            _ => Err(Failure::new(format!(
                "{arg} needs a number of at least {least}, not {value}"
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
                "--only needs nginx or portcullis, not {only}"
            )));
        }
    }
    Ok(Some(options))
}

fn absolute(path: &str) -> Result<PathBuf, Failure> {
    std::path::absolute(path).context(|| format!("find {path}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn of(line: &str) -> Result<Option<Options>, Failure> {
        read(line.split_whitespace().map(str::to_owned), "/bin".into())
    }

    #[test]
    fn options_are_parsed_in_order() {
        let options = of("--quick --rounds 2 --only nginx").unwrap().unwrap();
        assert_eq!(
            (options.rounds, options.sessions, options.programs.len()),
            (2, 1500, 1)
        );
        assert!(of("--help").unwrap().is_none());
        for invalid in [
            "--rounds",
            "--rounds 0",
            "--rounds x",
            "--only exim",
            "--nonsense 1",
        ] {
            assert!(of(invalid).is_err(), "{invalid}");
        }
    }
}
