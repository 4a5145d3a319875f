//! The cost of `-t` on long configurations: the configuration and one run.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::{Outcome, Problems};
use crate::failure::{Context as _, Failure};
use crate::metric::Metric;
use crate::program::{Program, nginx};

/// The option of this program that measures one run, in a process of its own: the kernel accounts all children together.
pub const RUN: &str = "--measure-configuration";

/// The cost of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cost {
    /// Elapsed time, in milliseconds.
    elapsed: f64,
    /// CPU time, in microseconds.
    cpu: f64,
    /// Maximum resident memory, in kilobytes.
    memory: f64,
}

/// A configuration with this many servers of six directives; `module` is the line that loads nginx's module.
#[must_use]
pub fn text(servers: usize, module: &str) -> String {
    let mut text = module.to_owned();
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

/// Measures `-t` of `program` with this many servers, in the folder `prefix`. `own` is this program.
///
/// # Errors
/// When the program cannot be run, or refuses the file.
pub fn measure(
    own: &Path,
    program: &Program,
    prefix: &Path,
    servers: usize,
) -> Result<Outcome, Failure> {
    let file = prefix.join("gateway.conf");
    std::fs::write(&file, text(servers, &nginx::module(program)))
        .context(|| format!("write {}", file.display()))?;
    let output = Command::new(own)
        .arg(RUN)
        .args([&program.path, prefix, &file])
        .stderr(Stdio::inherit())
        .output();
    let output = output.context(|| format!("run {}", own.display()))?;
    if !output.status.success() {
        return Err(Failure::new(format!("{} failed", program.path.display())));
    }
    let cost = Cost::parse(&String::from_utf8_lossy(&output.stdout))?;
    Ok(Outcome {
        figures: vec![
            (Metric::Cpu, cost.cpu),
            (Metric::Elapsed, cost.elapsed),
            (Metric::MaxMemory, cost.memory),
        ],
        problems: Problems::default(),
    })
}

/// Runs `program -t` on a file as the only child of this process; returns the line for [`measure`].
///
/// # Errors
/// When the program cannot be run, or refuses the file.
pub fn run(program: &Path, folder: &Path, file: &Path) -> Result<String, Failure> {
    let mut command = Command::new(program);
    command.arg("-t").arg("-q").arg("-p").arg(folder);
    command.arg("-c").arg(file).arg("-e").arg("early.log");
    command.stdin(Stdio::null());
    let start = Instant::now();
    let status = command.status();
    let elapsed = start.elapsed().as_secs_f64() * 1000.0;
    let name = || format!("run {}", program.display());
    if !status.context(name)?.success() {
        let (program, file) = (program.display(), file.display());
        return Err(Failure::new(format!("{program} refuses {file}")));
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context(name)?;
    let cpu = used.user_time() + used.system_time();
    let cost = Cost {
        elapsed,
        cpu: cpu.num_microseconds() as f64,
        memory: used.max_rss() as f64,
    };
    Ok(cost.line())
}

impl Cost {
    fn line(&self) -> String {
        let Self {
            elapsed,
            cpu,
            memory,
        } = self;
        format!("{elapsed} {cpu} {memory}")
    }

    fn parse(line: &str) -> Result<Self, Failure> {
        let figures: Vec<f64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        match figures[..] {
            [elapsed, cpu, memory] => Ok(Self {
                elapsed,
                cpu,
                memory,
            }),
            _ => Err(Failure::new(format!("not three figures: {line:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::{Cost, text};

    #[test]
    fn addresses_are_different() {
        let text = text(70_000, "");
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
            elapsed: 1.5,
            cpu: 2.0,
            memory: 22.0,
        };
        assert_eq!(Cost::parse(&cost.line()).unwrap(), cost);
        assert!(Cost::parse("1 x 4").is_err());
    }
}
