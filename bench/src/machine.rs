//! The machine and the date of a run.

use std::fs;

use serde::{Deserialize, Serialize};

/// Where and when figures were measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The day, as in 2026-11-30.
    pub date: String,
    /// The processor's name.
    pub processor: String,
    /// The number of cores.
    pub cores: usize,
    /// Memory, in megabytes.
    pub memory: u64,
    /// The release of the kernel.
    pub kernel: String,
}

impl Machine {
    /// This machine, today. What the system does not say is empty.
    #[must_use]
    pub fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kilobytes: u64 = memory
            .strip_suffix(" kB")
            .and_then(|number| number.parse().ok())
            .unwrap_or_default();
        Self {
            date: jiff::Zoned::now().date().to_string(),
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory: kilobytes / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }

    /// One line for the heading of a table.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            date,
            processor,
            cores,
            memory,
            kernel,
        } = self;
        format!("{date}, {cores} cores ({processor}), {memory} MB, Linux {kernel}")
    }
}

/// The value of the first line `name: value`.
fn field(text: &str, name: &str) -> String {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc() {
        let text = "processor\t: 0\nmodel name\t: A B\nmodel name\t: C\n";
        assert_eq!(field(text, "model name"), "A B");
        assert_eq!(field(text, "flags"), "");
    }
}
