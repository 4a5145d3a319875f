//! What `-t` costs on long configurations: the file, one measured run, and the table.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::conf::NGINX_MAIL_MODULE;
use crate::failure::{Doing as _, Failure};
use crate::table::{Row, Section};

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// From start to end, in milliseconds.
    pub wall: f64,
    /// CPU time of its own, in milliseconds.
    pub user: f64,
    /// CPU time of the kernel for it, in milliseconds.
    pub system: f64,
    /// The most memory it had, in megabytes.
    pub memory: f64,
}

/// A configuration of that many servers, six directives each. All but the first line is the same for both.
pub fn text(servers: usize, is_nginx: bool) -> String {
    let mut text = String::new();
    if is_nginx {
        let _ = writeln!(text, "load_module {NGINX_MAIL_MODULE};");
    }
    text.push_str("pid gateway.pid;\nerror_log error.log;\nevents {\n    worker_connections 16384;\n}\nmail {\n");
    for server in 0..servers {
        let (a, b) = (server / 250, server % 250 + 1);
        let _ = write!(
            text,
            "    server {{
        listen      127.{}.{}.{b}:18025;
        protocol    smtp;
        server_name mail{server}.example.com;
        auth_http   127.0.0.1:9000/auth;
        smtp_auth   plain login;
        timeout     60s;
    }}
",
            a / 250 + 1,
            a % 250
        );
    }
    text.push_str("}\n");
    text
}

/// Runs `program -t` on a file. Alone in its process: the kernel adds up what children cost, and keeps the largest.
///
/// # Errors
/// It cannot be run, or does not like the file.
pub fn run(program: &Path, folder: &Path, file: &Path) -> Result<Cost, Failure> {
    let mut command = Command::new(program);
    command.arg("-t").arg("-q").arg("-p").arg(folder);
    command.arg("-c").arg(file).arg("-e").arg("early.log");
    command.stdin(Stdio::null());
    let begin = Instant::now();
    let status = command.status();
    let wall = begin.elapsed().as_secs_f64() * 1000.0;
    let name = || format!("run {}", program.display());
    if !status.doing(name)?.success() {
        let (program, file) = (program.display(), file.display());
        return Err(Failure::new(format!("{program} refuses {file}")));
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).doing(name)?;
    let milliseconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1000.0;
    Ok(Cost {
        wall,
        user: milliseconds(used.user_time()),
        system: milliseconds(used.system_time()),
        memory: used.max_rss() as f64 / 1024.0,
    })
}

impl Cost {
    /// For the process that asked for the run.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            wall,
            user,
            system,
            memory,
        } = self;
        format!("{wall} {user} {system} {memory}")
    }

    /// The same, read.
    ///
    /// # Errors
    /// It is not such a line.
    pub fn read(line: &str) -> Result<Self, Failure> {
        let figures: Vec<f64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        match figures[..] {
            [wall, user, system, memory] => Ok(Self {
                wall,
                user,
                system,
                memory,
            }),
            _ => Err(Failure::new(format!("no figures but {line:?}"))),
        }
    }

    /// Figure by figure the median of several runs.
    #[must_use]
    pub fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| {
            let mut all: Vec<f64> = runs.iter().map(figure).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        Self {
            wall: of(|cost| cost.wall),
            user: of(|cost| cost.user),
            system: of(|cost| cost.system),
            memory: of(|cost| cost.memory),
        }
    }
}

/// The part of the table about files of so many servers; a cost for each program.
#[must_use]
pub fn section(servers: usize, bytes: usize, costs: &[Cost]) -> Section {
    let row = |label, digits, figure: fn(&Cost) -> f64| Row {
        label,
        values: costs.iter().map(figure).collect(),
        digits,
        ratio: true,
    };
    Section {
        heading: format!("{servers} servers, {} kB", bytes / 1000),
        rows: vec![
            row("start to end, ms", 0, |cost| cost.wall),
            row("CPU, ms", 0, |cost| cost.user + cost.system),
            row("  of that user", 0, |cost| cost.user),
            row("  of that system", 0, |cost| cost.system),
            row("memory at most, MB", 1, |cost| cost.memory),
        ],
    }
}

/// Writes a configuration into a folder.
///
/// # Errors
/// It cannot be written.
pub fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    std::fs::write(&path, text).doing(|| format!("write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::{Cost, text};

    #[test]
    fn every_server_has_an_address_of_its_own() {
        let text = text(70_000, false);
        let mut listens: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("listen"))
            .collect();
        assert_eq!(listens.len(), 70_000);
        listens.sort_unstable();
        listens.dedup();
        assert_eq!(listens.len(), 70_000);
    }

    #[test]
    fn figures_cross_a_pipe() {
        let cost = Cost {
            wall: 1.5,
            user: 2.0,
            system: 0.25,
            memory: 22.0,
        };
        assert_eq!(Cost::read(&cost.line()).unwrap(), cost);
        assert!(Cost::read("1 2 x 4").is_err());
        let slow = Cost { wall: 9.0, ..cost };
        assert_eq!(Cost::median(&[slow, cost, cost]), cost);
    }
}
