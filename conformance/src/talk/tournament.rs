//! Many conversations with both gateways, and what came of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::conversation::{Conversation, Protocol};
use super::parting::Parting;
use super::perform::{Pace, perform};
use super::rules;
use super::shrink::shrunk;
use super::stage::Stage;
use super::transcript::{Difference, Transcript};
use crate::diff;
use crate::gateway::Program;

/// So many conversations share a gateway.
const BATCH: usize = 125;
/// So many are played at once.
const AT_ONCE: usize = 24;

/// Both gateways.
#[derive(Clone, Debug)]
pub struct Pair {
    pub nginx: Program,
    pub ours: Program,
}

/// One conversation with both.
#[derive(Clone, Debug)]
pub struct Played {
    pub nginx: Transcript,
    pub ours: Transcript,
    pub difference: Option<Difference>,
}

impl Pair {
    /// Plays conversations with both.
    ///
    /// # Errors
    /// When a gateway does not start, does not answer, or ends by itself.
    pub fn play(&self, talks: &[&Conversation], pace: Pace) -> Result<Vec<Played>, String> {
        let nginx = play(&self.nginx, talks, pace, &[], 0)?;
        let ours = play(&self.ours, talks, pace, &nginx, 1)?;
        let both = nginx.into_iter().zip(ours);
        Ok(both
            .map(|(nginx, ours)| Played {
                difference: nginx.difference(&ours),
                nginx,
                ours,
            })
            .collect())
    }

    /// The same for one, slowly.
    ///
    /// # Errors
    /// As [`Pair::play`].
    pub fn play_surely(&self, talk: &Conversation) -> Result<Played, String> {
        let mut played = self.play(&[talk], Pace::SURE)?;
        played.pop().ok_or("nothing was played".to_owned())
    }
}

fn play(
    program: &Program,
    talks: &[&Conversation],
    pace: Pace,
    models: &[Transcript],
    slot: u32,
) -> Result<Vec<Transcript>, String> {
    let stage = Stage::open(program, talks, slot)?;
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Transcript>> = Mutex::default();
    let work = || -> Result<(), String> {
        let mut pulse = stage.pulse().map_err(|error| error.to_string())?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (Some(talk), Some(seat)) = (talks.get(number), stage.seats.get(number)) else {
                return Ok(());
            };
            let transcript = perform(talk, seat, &mut pulse, pace, models.get(number));
            let transcript = transcript.map_err(|error| format!("{error}, in {talk:?}"))?;
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.insert(number, transcript);
        }
    };
    let results: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = (0..AT_ONCE.min(talks.len()))
            .map(|_| scope.spawn(work))
            .collect();
        all.into_iter().map(|one| one.join()).collect()
    });
    stage.close()?;
    for result in results {
        result.map_err(|_| "a player panicked".to_owned())??;
    }
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(done.into_values().collect())
}

/// What came of the conversations of one seed.
#[derive(Debug)]
pub struct Score {
    protocol: Protocol,
    seed: u64,
    equal: usize,
    /// How often each departure was met.
    departures: BTreeMap<&'static str, usize>,
    /// What nothing explains, as the text of a case.
    pub wrong: Vec<String>,
}

/// Plays `count` conversations of a seed, beginning with the one of number `first`.
///
/// # Errors
/// When a gateway does not start, does not answer, or ends by itself.
pub fn run(
    pair: &Pair,
    protocol: Protocol,
    seed: u64,
    first: u64,
    count: u64,
) -> Result<Score, String> {
    let mut score = Score {
        protocol,
        seed,
        equal: 0,
        departures: BTreeMap::new(),
        wrong: Vec::new(),
    };
    let numbers: Vec<_> = (first..first + count).collect();
    for numbers in numbers.chunks(BATCH) {
        let talks: Vec<_> = numbers
            .iter()
            .map(|&number| super::conversation(protocol, seed, number))
            .collect();
        let played = pair.play(&talks.iter().collect::<Vec<_>>(), Pace::QUICK)?;
        for ((talk, played), number) in talks.iter().zip(played).zip(numbers) {
            score.take(pair, talk, played, *number)?;
        }
    }
    Ok(score)
}

impl Score {
    fn take(
        &mut self,
        pair: &Pair,
        talk: &Conversation,
        mut played: Played,
        number: u64,
    ) -> Result<(), String> {
        if played.unexplained(talk) {
            played = pair.play_surely(talk)?;
        }
        match played.rule(talk) {
            _ if played.difference.is_none() => self.equal += 1,
            Some(rule) => *self.departures.entry(rule.reason).or_default() += 1,
            None => {
                let (talk, played) = shrunk(pair, talk.clone(), played)?;
                let (protocol, seed) = (self.protocol.name(), self.seed);
                self.wrong.push(format!(
                    "# talk {protocol} --seed {seed} --first {number} --count 1\n{}",
                    played.text(&talk)
                ));
            }
        }
        Ok(())
    }

    /// `smtp: 500 conversations, seed 1: 480 equal, 20 by 3 departures`, the departures, and what is wrong.
    pub fn text(&self) -> String {
        let by: usize = self.departures.values().sum();
        let mut text = format!(
            "{}: {} conversations, seed {}: {} equal, {by} by {} departures",
            self.protocol.name(),
            self.equal + by + self.wrong.len(),
            self.seed,
            self.equal,
            self.departures.len(),
        );
        if !self.wrong.is_empty() {
            let _ = write!(text, ", {} wrong", self.wrong.len());
        }
        for (reason, times) in &self.departures {
            let _ = write!(text, "\n  {times:4} {reason}");
        }
        for wrong in &self.wrong {
            let _ = write!(text, "\n\n{wrong}");
        }
        text + "\n"
    }
}

impl Played {
    /// The rule that explains the difference, if there is one.
    pub fn rule(&self, talk: &Conversation) -> Option<&'static rules::Rule> {
        rules::explain(&Parting {
            talk,
            nginx: &self.nginx,
            ours: &self.ours,
            at: self.difference?,
        })
    }

    /// Whether they differ and nothing says why.
    pub fn unexplained(&self, talk: &Conversation) -> bool {
        self.difference.is_some() && self.rule(talk).is_none()
    }

    /// As a case, with what portcullis does otherwise.
    fn text(&self, talk: &Conversation) -> String {
        let mut text = String::new();
        for line in &talk.server {
            let _ = writeln!(text, "s| {line}");
        }
        text + &diff::lines("", &self.nginx.lines(), &self.ours.lines())
    }
}
