//! The cost of `-t` on long configurations: the configuration, one measured run, and the table.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::configuration::NGINX_MAIL_MODULE;
use crate::failure::{Context as _, Failure};
use crate::table::{Row, Section, median};

/// The cost of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Elapsed time, in milliseconds.
    pub wall: f64,
    /// User CPU time, in milliseconds.
    pub user: f64,
    /// System CPU time, in milliseconds.
    pub system: f64,
    /// Maximum resident memory, in megabytes.
    pub memory: f64,
}

/// A configuration with this many servers of six directives. Only the first line differs between the gateways.
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

/// Runs `program -t` on a file. It must be the only child of this process, because the kernel accounts all children together.
///
/// # Errors
/// When the program cannot be run, or refuses the file.
pub fn run(program: &Path, folder: &Path, file: &Path) -> Result<Cost, Failure> {
    let mut command = Command::new(program);
    command.arg("-t").arg("-q").arg("-p").arg(folder);
    command.arg("-c").arg(file).arg("-e").arg("early.log");
    command.stdin(Stdio::null());
    let start = Instant::now();
    let status = command.status();
    let wall = start.elapsed().as_secs_f64() * 1000.0;
    let name = || format!("run {}", program.display());
    if !status.context(name)?.success() {
        let (program, file) = (program.display(), file.display());
        return Err(Failure::new(format!("{program} refuses {file}")));
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context(name)?;
    let milliseconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1000.0;
    Ok(Cost {
        wall,
        user: milliseconds(used.user_time()),
        system: milliseconds(used.system_time()),
        memory: used.max_rss() as f64 / 1024.0,
    })
}

impl Cost {
    /// The line for the process that started this one.
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

    /// Parses [`Cost::line`].
    ///
    /// # Errors
    /// When the line is malformed.
    pub fn parse(line: &str) -> Result<Self, Failure> {
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
            _ => Err(Failure::new(format!("not four figures: {line:?}"))),
        }
    }

    /// The median of each figure.
    #[must_use]
    pub fn medians(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(runs.iter().map(figure));
        Self {
            wall: of(|cost| cost.wall),
            user: of(|cost| cost.user),
            system: of(|cost| cost.system),
            memory: of(|cost| cost.memory),
        }
    }
}

/// The section of the table about files with this many servers; one cost per program.
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
            row("elapsed, ms", 0, |cost| cost.wall),
            row("CPU, ms", 0, |cost| cost.user + cost.system),
            row("  user", 0, |cost| cost.user),
            row("  system", 0, |cost| cost.system),
            row("maximum memory, MB", 1, |cost| cost.memory),
        ],
    }
}

/// Writes a configuration into a folder; returns the file.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    std::fs::write(&path, text).context(|| format!("write {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::{Cost, text};

    #[test]
    fn addresses_are_different() {
        let text = text(70_000, false);
        let mut addresses: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("listen"))
            .collect();
        assert_eq!(addresses.len(), 70_000);
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 70_000);
    }

    #[test]
    fn line_is_parsed_again() {
        let cost = Cost {
            wall: 1.5,
            user: 2.0,
            system: 0.25,
            memory: 22.0,
        };
        assert_eq!(Cost::parse(&cost.line()).unwrap(), cost);
        assert!(Cost::parse("1 2 x 4").is_err());
        let slow = Cost { wall: 9.0, ..cost };
        assert_eq!(Cost::medians(&[slow, cost, cost]), cost);
    }
}
