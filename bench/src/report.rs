//! Summarizes the figures of all rounds as text.

use std::fmt::Write as _;

use crate::args::Options;
use crate::failure::Failure;
use crate::measure::{Busy, Idle, Problems};
use crate::table::{Row, Section, median, render};

/// A kind of session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// SMTP in clear text.
    Plain,
    /// SMTP over implicit TLS.
    Tls,
    /// IMAP in clear text.
    Imap,
    /// POP3 in clear text.
    Pop3,
}

impl Scenario {
    /// All scenarios, in the order in which they run and are printed.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Tls, Self::Imap, Self::Pop3];
    /// The scenarios with idle sessions. The tunnel does not depend on the protocol.
    pub const IDLE: [Self; 2] = [Self::Plain, Self::Tls];

    /// The name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "TLS",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
        }
    }
}

/// The figures so far.
#[derive(Debug)]
pub struct Report {
    options: Options,
    versions: Vec<String>,
    busy: Vec<(usize, Scenario, Busy)>,
    idle: Vec<(usize, Scenario, Idle)>,
}

const LEGEND: &str = "
CPU             CPU time of all threads of all the gateway's processes (/proc/PID/task/*/schedstat)
sessions/s      with the load generator and both sinks on the same machine: a comparison, not a capacity
p50, p99        latency of a session from connect to the last reply, each command after the reply to the previous one
bytes           PSS of all the gateway's processes (/proc/PID/smaps_rollup) with the sessions open, minus the PSS before
after / before  PSS three seconds after the end of these sessions, divided by the PSS before the first one
ratio           portcullis / nginx: below 1 is less CPU, less time, less memory; for sessions/s above 1 is more;
                a ratio near 1 means no more than the rounds above differ
";

impl Report {
    /// An empty report, with the version of each program.
    pub fn new(options: &Options) -> Result<Self, Failure> {
        let versions = options
            .programs
            .iter()
            .map(|program| program.version())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            options: options.clone(),
            versions,
            busy: Vec::new(),
            idle: Vec::new(),
        })
    }

    /// Sessions per round.
    pub fn sessions(&self, scenario: Scenario) -> usize {
        match scenario {
            Scenario::Plain | Scenario::Imap | Scenario::Pop3 => self.options.sessions,
            Scenario::Tls => self.options.tls_sessions,
        }
    }

    /// Adds the figures of one round; `program` is an index into the options.
    pub fn add_busy(&mut self, program: usize, scenario: Scenario, figures: Busy) {
        self.busy.push((program, scenario, figures));
    }

    /// Adds the figures of idle sessions.
    pub fn add_idle(&mut self, program: usize, scenario: Scenario, figures: Idle) {
        self.idle.push((program, scenario, figures));
    }

    /// Whether any session failed.
    pub fn has_errors(&self) -> bool {
        self.problems().any(|(_, _, problems)| problems.errors > 0)
    }

    /// The whole report.
    pub fn text(&self) -> String {
        let Options {
            rounds,
            concurrency,
            idle,
            programs,
            ..
        } = &self.options;
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut out = String::new();
        for (program, version) in programs.iter().zip(&self.versions) {
            let _ = writeln!(
                out,
                "{}: {version} ({})",
                program.name,
                program.path.display()
            );
        }
        let _ = writeln!(
            out,
            "median of {rounds} rounds, {concurrency} concurrent sessions, {cores} cores\n"
        );
        let mut sections: Vec<Section> = Scenario::ALL
            .iter()
            .map(|&scenario| self.busy_section(scenario))
            .collect();
        if !self.idle.is_empty() {
            let heading = format!("{idle} idle sessions after the login");
            sections.push(Section {
                heading,
                rows: self.idle_rows(),
            });
        }
        let columns: Vec<&str> = programs.iter().map(|program| program.name).collect();
        out += &render(&columns, &sections);
        out += LEGEND;
        for (program, scenario, problems) in self.problems() {
            let name = format!("{}, {}", programs[program].name, scenario.name());
            if let Some(first) = &problems.first {
                let _ = writeln!(
                    out,
                    "{name}: {} errors, the first: {first}",
                    problems.errors
                );
            }
            if problems.threads_ended > 0 {
                let ended = problems.threads_ended;
                let _ = writeln!(
                    out,
                    "{name}: {ended} threads ended under load; their CPU time is not counted"
                );
            }
        }
        out
    }

    fn busy_section(&self, scenario: Scenario) -> Section {
        let sessions = self.sessions(scenario);
        let what = match scenario {
            Scenario::Plain => "SMTP AUTH PLAIN through auth_http, one message of 1 kB",
            Scenario::Tls => "the same over implicit TLS 1.3, a full handshake each",
            Scenario::Imap => "IMAP LOGIN through auth_http, LOGOUT",
            Scenario::Pop3 => "POP3 USER and PASS through auth_http, QUIT",
        };
        let row = |label, digits, of: fn(&Busy) -> f64| Row {
            label,
            values: self.columns(|program| median(self.rounds(program, scenario).map(of))),
            digits,
            ratio: true,
        };
        let errors = self.columns(|program| {
            self.rounds(program, scenario)
                .map(|b| b.problems.errors as f64)
                .sum()
        });
        Section {
            heading: format!("{what} ({sessions} sessions per round)"),
            rows: vec![
                row("CPU microseconds per session", 0, |busy| busy.cpu),
                row("sessions/s", 0, |busy| busy.rate),
                row("p50, ms", 2, |busy| busy.p50),
                row("p99, ms", 2, |busy| busy.p99),
                Row {
                    label: "errors, all rounds",
                    values: errors,
                    digits: 0,
                    ratio: false,
                },
            ],
        }
    }

    fn idle_rows(&self) -> Vec<Row> {
        let of = |program, scenario, figure: fn(&Idle) -> f64| {
            self.idle
                .iter()
                .find(|(p, s, _)| (*p, *s) == (program, scenario))
                .map_or(f64::NAN, |(_, _, idle)| figure(idle))
        };
        let row = |label, scenario, digits, figure| Row {
            label,
            values: self.columns(|program| of(program, scenario, figure)),
            digits,
            ratio: digits == 0,
        };
        let bytes: fn(&Idle) -> f64 = |idle| idle.bytes;
        let after: fn(&Idle) -> f64 = |idle| idle.after;
        vec![
            row("bytes per session, plain", Scenario::Plain, 0, bytes),
            row("bytes per session, TLS", Scenario::Tls, 0, bytes),
            row("after / before, plain", Scenario::Plain, 2, after),
            row("after / before, TLS", Scenario::Tls, 2, after),
        ]
    }

    fn columns(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.options.programs.len()).map(value).collect()
    }

    fn rounds(&self, program: usize, scenario: Scenario) -> impl Iterator<Item = &Busy> {
        self.busy
            .iter()
            .filter(move |(p, s, _)| (*p, *s) == (program, scenario))
            .map(|(_, _, busy)| busy)
    }

    fn problems(&self) -> impl Iterator<Item = (usize, Scenario, &Problems)> {
        let busy = self
            .busy
            .iter()
            .map(|(program, scenario, busy)| (*program, *scenario, &busy.problems));
        busy.chain(
            self.idle
                .iter()
                .map(|(program, scenario, idle)| (*program, *scenario, &idle.problems)),
        )
    }
}
