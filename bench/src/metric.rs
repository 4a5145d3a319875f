//! The figures that a measurement has: names, units and which direction is better.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of figure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Metric {
    /// CPU time of the program per session, or of one run of `-t`.
    Cpu,
    /// Sessions per second.
    Rate,
    /// The median latency of a session.
    P50,
    /// The 99th percentile of the latencies.
    P99,
    /// Failed sessions.
    Errors,
    /// Memory per idle session.
    Bytes,
    /// Memory of the whole program.
    Memory,
    /// Memory at the end divided by the memory at the start.
    After,
    /// Elapsed time of one run of `-t`.
    Elapsed,
    /// Maximum resident memory of one run of `-t`.
    MaxMemory,
    /// Instructions in user space per session.
    Instructions,
    /// System calls per session.
    Calls,
    /// System calls of this name per session.
    Call(String),
}

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// A lower figure.
    Lower,
    /// A higher figure.
    Higher,
    /// Neither: the figure explains another one.
    Neither,
}

/// Names of system calls in JSON follow this.
const CALL: &str = "calls.";

impl Metric {
    const NAMED: [Self; 12] = [
        Self::Cpu,
        Self::Rate,
        Self::P50,
        Self::P99,
        Self::Errors,
        Self::Bytes,
        Self::Memory,
        Self::After,
        Self::Elapsed,
        Self::MaxMemory,
        Self::Instructions,
        Self::Calls,
    ];

    /// The name in JSON, the label in tables, decimal places, and which direction is better.
    fn row(&self) -> (&'static str, &'static str, usize, Better) {
        use Better::{Higher, Lower, Neither};
        match self {
            Self::Cpu => ("cpu_us", "CPU, us", 0, Lower),
            Self::Rate => ("sessions_per_s", "sessions/s", 0, Higher),
            Self::P50 => ("p50_ms", "p50, ms", 2, Lower),
            // The slowest of some hundred sessions: too few to compare.
            Self::P99 => ("p99_ms", "p99, ms", 2, Neither),
            Self::Errors => ("errors", "errors", 0, Neither),
            Self::Bytes => ("bytes_per_session", "bytes per session", 0, Lower),
            Self::Memory => ("memory_kb", "memory, kB", 0, Neither),
            Self::After => ("after_before", "memory after / before", 2, Lower),
            Self::Elapsed => ("elapsed_ms", "elapsed, ms", 1, Lower),
            Self::MaxMemory => ("max_memory_kb", "maximum memory, kB", 0, Lower),
            Self::Instructions => ("instructions", "user instructions", 0, Lower),
            Self::Calls => ("calls", "system calls", 1, Lower),
            Self::Call(_) => (CALL, "", 2, Neither),
        }
    }

    /// The label in tables.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Call(name) => format!("  {name}"),
            _ => self.row().1.to_owned(),
        }
    }

    /// Decimal places in tables.
    #[must_use]
    pub fn digits(&self) -> usize {
        self.row().2
    }

    /// Which direction is better.
    #[must_use]
    pub fn better(&self) -> Better {
        self.row().3
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().0)?;
        match self {
            Self::Call(name) => f.write_str(name),
            _ => Ok(()),
        }
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.to_string()
    }
}

impl TryFrom<String> for Metric {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if let Some(call) = name.strip_prefix(CALL) {
            return Ok(Self::Call(call.to_owned()));
        }
        let named = Self::NAMED
            .into_iter()
            .find(|metric| metric.row().0 == name);
        named.ok_or_else(|| format!("unknown metric {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_again() {
        for metric in Metric::NAMED
            .into_iter()
            .chain([Metric::Call("epoll_wait".to_owned())])
        {
            assert_eq!(Metric::try_from(metric.to_string()), Ok(metric));
        }
        assert!(Metric::try_from("speed".to_owned()).is_err());
    }
}
