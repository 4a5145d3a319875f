//! From the figures of all rounds to the printed page.

use std::fmt::Write as _;

use crate::args::Options;
use crate::failure::Failure;
use crate::measure::{Busy, Idle, Trouble};
use crate::table::{Row, Section, median, render};

/// What a session is like.
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
    /// All, in the order in which they are run and printed.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Tls, Self::Imap, Self::Pop3];
    /// Those whose idle sessions are weighed: a tunnel is a tunnel, whatever is spoken in it.
    pub const IDLE: [Self; 2] = [Self::Plain, Self::Tls];

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "TLS",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
        }
    }
}

/// All figures so far.
#[derive(Debug)]
pub struct Report {
    options: Options,
    versions: Vec<String>,
    busy: Vec<(usize, Scenario, Busy)>,
    idle: Vec<(usize, Scenario, Idle)>,
}

const LEGEND: &str = "
CPU             time of all threads of all the gateway's processes, from the scheduler (/proc/PID/task/*/schedstat)
sessions/s      with the load generator and both sinks on the same machine: a comparison, not a capacity
p50, p99        connect to the reply to the goodbye, each command after the reply to the one before
bytes           PSS of all the gateway's processes (/proc/PID/smaps_rollup) with the sessions held, less before
after / before  the same memory three seconds after all these sessions have ended, by what it was before the first
ratio           portcullis / nginx: below 1 is less CPU, less time, less memory; for sessions/s above 1 is more;
                how far the rounds above differ says how far to trust a ratio near 1
";

impl Report {
    /// An empty report; asks each program for its version.
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

    /// Sessions in a round.
    pub fn sessions(&self, scenario: Scenario) -> usize {
        match scenario {
            Scenario::Plain | Scenario::Imap | Scenario::Pop3 => self.options.sessions,
            Scenario::Tls => self.options.tls_sessions,
        }
    }

    /// Takes the figures of one round of a program, by its place in the options.
    pub fn add_busy(&mut self, program: usize, scenario: Scenario, figures: Busy) {
        self.busy.push((program, scenario, figures));
    }

    /// Takes the figures of idle sessions.
    pub fn add_idle(&mut self, program: usize, scenario: Scenario, figures: Idle) {
        self.idle.push((program, scenario, figures));
    }

    /// Whether any session failed.
    pub fn has_errors(&self) -> bool {
        self.troubles().any(|(_, _, trouble)| trouble.errors > 0)
    }

    /// The page.
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
            "median of {rounds} rounds, {concurrency} sessions at the same time, {cores} cores\n"
        );
        let mut sections: Vec<Section> = Scenario::ALL
            .iter()
            .map(|&scenario| self.busy_section(scenario))
            .collect();
        if !self.idle.is_empty() {
            let heading = format!("idle sessions after the login, {idle} held");
            sections.push(Section {
                heading,
                rows: self.idle_rows(),
            });
        }
        let columns: Vec<&str> = programs.iter().map(|program| program.name).collect();
        out += &render(&columns, &sections);
        out += LEGEND;
        for (program, scenario, trouble) in self.troubles() {
            let who = format!("{}, {}", programs[program].name, scenario.name());
            if let Some(first) = &trouble.first {
                let _ = writeln!(out, "{who}: {} errors, the first: {first}", trouble.errors);
            }
            if trouble.threads_ended > 0 {
                let ended = trouble.threads_ended;
                let _ = writeln!(
                    out,
                    "{who}: {ended} threads ended under load; their CPU time is not counted"
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
                .map(|b| b.trouble.errors as f64)
                .sum()
        });
        Section {
            heading: format!("{what} ({sessions} sessions a round)"),
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
        let left: fn(&Idle) -> f64 = |idle| idle.left;
        vec![
            row("bytes per session, plain", Scenario::Plain, 0, bytes),
            row("bytes per session, TLS", Scenario::Tls, 0, bytes),
            row("after they left / before, plain", Scenario::Plain, 2, left),
            row("after they left / before, TLS", Scenario::Tls, 2, left),
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

    fn troubles(&self) -> impl Iterator<Item = (usize, Scenario, &Trouble)> {
        let busy = self
            .busy
            .iter()
            .map(|(program, scenario, busy)| (*program, *scenario, &busy.trouble));
        busy.chain(
            self.idle
                .iter()
                .map(|(program, scenario, idle)| (*program, *scenario, &idle.trouble)),
        )
    }
}
