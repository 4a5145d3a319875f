//! The options of `script/bench`.

use std::path::{Path, PathBuf};

use crate::catalog::catalog;
use crate::failure::{Context as _, Failure};
use crate::program::{Kind, Program};
use crate::scenario::{Group, Scenario};

/// What `--help` prints.
pub const USAGE: &str = include_str!("usage.txt");

/// The default number of rounds.
const ROUNDS: usize = 3;
/// The same for ratios that are recorded or compared.
const GATE_ROUNDS: usize = 7;

/// The options.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to measure.
    pub scenarios: Vec<Scenario>,
    /// Rounds of each program.
    pub rounds: usize,
    /// The factor for the number of sessions.
    pub scale: f64,
    /// Concurrent sessions.
    pub concurrency: usize,
    /// Threads of each program.
    pub threads: usize,
    /// Idle sessions for the memory figures.
    pub idle: usize,
    /// The programs to measure.
    pub programs: Vec<Program>,
    /// Which figures.
    pub figures: Figures,
    /// Where to write all figures.
    pub json: Option<PathBuf>,
    /// What to do with the ratios.
    pub record: Record,
    /// The record.
    pub recorded: PathBuf,
}

/// Which figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Figures {
    /// CPU time, latency and memory.
    Time,
    /// System calls and instructions.
    Counts {
        /// System calls.
        calls: bool,
        /// Instructions.
        instructions: bool,
        /// Where callgrind's files stay.
        keep: Option<PathBuf>,
    },
}

/// What to do with the ratios.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// Nothing.
    Ignore,
    /// Compare them with the record.
    Compare,
    /// Write them to the record.
    Write,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Mode {
    /// Print [`USAGE`].
    Help,
    /// Print the scenarios.
    List,
    /// Print the table of these files.
    Markdown(Vec<PathBuf>),
    /// Measure.
    Measure(Options),
}

/// Parses the arguments, without the name of the program. `own` is this program.
///
/// # Errors
/// When an option is unknown or has no valid value.
pub fn read(args: impl IntoIterator<Item = String>, own: &Path) -> Result<Mode, Failure> {
    let mut options = Options {
        scenarios: of_group(&[Group::Default]),
        rounds: ROUNDS,
        scale: 1.0,
        concurrency: 32,
        threads: 2,
        idle: 2000,
        programs: vec![
            Program::new("nginx", "/usr/sbin/nginx".into()),
            Program::new("portcullis", own.with_file_name("portcullis")),
        ],
        figures: Figures::Time,
        json: None,
        record: Record::Ignore,
        recorded: "bench/recorded.json".into(),
    };
    let (mut calls, mut instructions, mut keep) = (false, false, None);
    let mut rounds = None;
    let (mut only, mut floor, mut others) = (None, false, false);
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(Mode::Help),
            "--list" => return Ok(Mode::List),
            "--quick" => {
                (rounds, options.scale, options.idle) = (Some(1), 0.4, 500);
            }
            "--all" => {
                options.scenarios = of_group(&[Group::Default, Group::All]);
                (floor, others) = (true, true);
            }
            "--growth" => options.scenarios = of_group(&[Group::Growth]),
            "--config" => options.scenarios = named("config-1000,config-2500,config-5000")?,
            "--calls" => calls = true,
            "--instructions" => instructions = true,
            "--floor" => floor = true,
            "--others" => others = true,
            "--gate" => options.record = Record::Compare,
            "--record" => options.record = Record::Write,
            _ => {
                let value = args.next().ok_or_else(|| {
                    Failure::new(format!("{arg} is unknown or has no value\n\n{USAGE}"))
                })?;
                let number = |least: usize| match value.parse() {
                    Ok(number) if number >= least => Ok(number),
                    _ => Err(Failure::new(format!(
                        "{arg} needs a number of at least {least}, not {value}"
                    ))),
                };
                match arg.as_str() {
                    "--scenario" => options.scenarios = named(&value)?,
                    "--rounds" => rounds = Some(number(1)?),
                    "--scale" => options.scale = factor(&value)?,
                    "--concurrency" => options.concurrency = number(1)?,
                    "--threads" => options.threads = number(1)?,
                    "--idle" => options.idle = number(1)?,
                    "--nginx" => options.programs[0] = Program::new("nginx", absolute(&value)?),
                    "--portcullis" => options.programs[1].path = absolute(&value)?,
                    "--program" => options.programs.push(program(&value)?),
                    "--only" => only = Some(value),
                    "--keep" => keep = Some(absolute(&value)?),
                    "--json" => options.json = Some(value.into()),
                    "--recorded" => options.recorded = value.into(),
                    "--markdown" => {
                        return Ok(Mode::Markdown(
                            value.split(',').map(PathBuf::from).collect(),
                        ));
                    }
                    _ => return Err(Failure::new(format!("unknown option {arg}\n\n{USAGE}"))),
                }
            }
        }
    }
    options.rounds = rounds.unwrap_or(match options.record {
        Record::Ignore => ROUNDS,
        Record::Compare | Record::Write => GATE_ROUNDS,
    });
    if let Some(only) = only {
        options.programs.retain(|program| program.name == only);
        if options.programs.is_empty() {
            return Err(Failure::new(format!(
                "--only needs nginx or portcullis, not {only}"
            )));
        }
    }
    if options.record != Record::Ignore && options.programs.len() < 2 {
        return Err(Failure::new(
            "the record is about nginx and portcullis, so --only does not fit",
        ));
    }
    if others {
        let installed = ["haproxy", "dovecot"]
            .map(|name| Program::new(name, Path::new("/usr/sbin").join(name)))
            .into_iter()
            .filter(|program| program.path.exists());
        options.programs.extend(installed);
    }
    if floor {
        options.programs.push(Program::floor(own));
    }
    if calls || instructions {
        options.figures = Figures::Counts {
            calls,
            instructions,
            keep,
        };
    }
    Ok(Mode::Measure(options))
}

fn of_group(groups: &[Group]) -> Vec<Scenario> {
    let mut scenarios = catalog();
    scenarios.retain(|scenario| groups.contains(&scenario.group));
    scenarios
}

fn named(list: &str) -> Result<Vec<Scenario>, Failure> {
    let all = catalog();
    let find = |name: &str| {
        let found = all.iter().find(|scenario| scenario.name == name).cloned();
        found.ok_or_else(|| Failure::new(format!("no scenario {name}: see --list")))
    };
    list.split(',').map(find).collect()
}

fn factor(value: &str) -> Result<f64, Failure> {
    match value.parse() {
        Ok(factor) if factor > 0.0 && factor <= 1000.0 => Ok(factor),
        _ => Err(Failure::new(format!(
            "--scale needs a number above 0, not {value}"
        ))),
    }
}

fn program(value: &str) -> Result<Program, Failure> {
    match value.split_once('=') {
        Some((name, path)) if !name.is_empty() => Ok(Program::new(name, absolute(path)?)),
        _ => Err(Failure::new(format!(
            "--program needs NAME=PATH, not {value}"
        ))),
    }
}

fn absolute(path: &str) -> Result<PathBuf, Failure> {
    std::path::absolute(path).context(|| format!("find {path}"))
}

/// The lines of `--list`.
#[must_use]
pub fn list() -> String {
    let line = |scenario: &Scenario| {
        let mark = match scenario.group {
            Group::Default => '*',
            Group::All | Group::Growth | Group::Named => ' ',
        };
        format!("{mark} {:20} {}\n", scenario.name, scenario.title)
    };
    catalog().iter().map(line).collect()
}

impl Options {
    /// The program of this kind that comes first.
    #[must_use]
    pub fn program(&self, kind: Kind) -> Option<&Program> {
        self.programs.iter().find(|program| program.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn of(line: &str) -> Result<Mode, Failure> {
        read(
            line.split_whitespace().map(str::to_owned),
            Path::new("/bin/x"),
        )
    }

    fn options(line: &str) -> Options {
        match of(line).unwrap() {
            Mode::Measure(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_are_parsed_in_order() {
        let options = options("--quick --rounds 2 --only nginx --scenario imap,smtp-auth");
        let names: Vec<&str> = options.scenarios.iter().map(|s| s.name.as_ref()).collect();
        assert_eq!(
            (options.rounds, options.idle, options.programs.len(), names),
            (2, 500, 1, vec!["imap", "smtp-auth"])
        );
        assert!(matches!(of("--help"), Ok(Mode::Help)));
        assert!(matches!(of("--markdown a,b"), Ok(Mode::Markdown(files)) if files.len() == 2));
    }

    #[test]
    fn programs_are_added() {
        let options = options(
            "--portcullis /a/b --program before=/c/portcullis --program x=/d/nginx --floor",
        );
        let kinds: Vec<Kind> = options
            .programs
            .iter()
            .map(|program| program.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                Kind::Nginx,
                Kind::Portcullis,
                Kind::Portcullis,
                Kind::Nginx,
                Kind::Floor
            ]
        );
    }

    #[test]
    fn wrong_options_are_refused() {
        for invalid in [
            "--rounds",
            "--rounds 0",
            "--rounds x",
            "--scale 0",
            "--only exim",
            "--only nginx --gate",
            "--scenario nothing",
            "--program x",
            "--nonsense 1",
        ] {
            assert!(of(invalid).is_err(), "{invalid}");
        }
    }
}
