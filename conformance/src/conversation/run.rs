//! Compares the conversations of a seed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use portcullis::base::Protocol;

use super::compare::{Played, Programs};
use super::generate;
use super::script::Script;
use super::shrink::shrink;
use super::timing::Timing;

/// The number of conversations that share a gateway.
const BATCH: usize = 125;

/// The totals of one seed.
#[derive(Debug)]
pub struct Totals {
    protocol: Protocol,
    seed: u64,
    equal: usize,
    /// The number of conversations by departure.
    departures: BTreeMap<&'static str, usize>,
    /// Unexplained differences, each as the text of a case.
    pub unexplained: Vec<String>,
}

/// Compares `count` conversations of a seed, from number `first` on.
///
/// # Errors
/// When a gateway does not start, does not reply, or exits.
pub fn run(
    programs: &Programs,
    protocol: Protocol,
    seed: u64,
    first: u64,
    count: u64,
) -> Result<Totals, String> {
    let mut totals = Totals {
        protocol,
        seed,
        equal: 0,
        departures: BTreeMap::new(),
        unexplained: Vec::new(),
    };
    let numbers: Vec<_> = (first..first + count).collect();
    for numbers in numbers.chunks(BATCH) {
        let scripts: Vec<_> = numbers
            .iter()
            .map(|&number| generate::script(protocol, seed, number))
            .collect();
        let played = programs.play(&scripts.iter().collect::<Vec<_>>(), Timing::FAST)?;
        for ((script, played), number) in scripts.iter().zip(played).zip(numbers) {
            totals.add(programs, script, played, *number)?;
        }
    }
    Ok(totals)
}

impl Totals {
    fn add(
        &mut self,
        programs: &Programs,
        script: &Script,
        mut played: Played,
        number: u64,
    ) -> Result<(), String> {
        if played.is_unexplained(script) {
            played = programs.play_thoroughly(script)?;
        }
        match played.rule(script) {
            _ if played.difference.is_none() => self.equal += 1,
            Some(rule) => *self.departures.entry(rule.reason).or_default() += 1,
            None => {
                let (script, played) = shrink(programs, script.clone(), played)?;
                let (protocol, seed) = (self.protocol, self.seed);
                self.unexplained.push(format!(
                    "# conversations {protocol} --seed {seed} --first {number} --count 1\n{}",
                    played.text(&script)
                ));
            }
        }
        Ok(())
    }

    /// `smtp: 500 conversations of seed 1: 480 equal, 20 explained by 3 departures`, the departures, and the unexplained
    /// differences.
    pub fn text(&self) -> String {
        let explained: usize = self.departures.values().sum();
        let mut text = format!(
            "{}: {} conversations of seed {}: {} equal, {explained} explained by {} departures",
            self.protocol,
            self.equal + explained + self.unexplained.len(),
            self.seed,
            self.equal,
            self.departures.len(),
        );
        if !self.unexplained.is_empty() {
            let _ = write!(text, ", {} unexplained", self.unexplained.len());
        }
        for (reason, count) in &self.departures {
            let _ = write!(text, "\n  {count:4} {reason}");
        }
        for difference in &self.unexplained {
            let _ = write!(text, "\n\n{difference}");
        }
        text + "\n"
    }
}
