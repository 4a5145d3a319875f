//! Plays scripts with both gateways.

use std::fmt::Write as _;

use super::divergence::Divergence;
use super::play::play;
use super::rules::{self, Rule};
use super::script::Script;
use super::testbed::Testbed;
use super::timing::Timing;
use super::transcript::{Difference, Transcript};
use crate::diff;
use crate::gateway::Program;
use crate::parallel;

/// The number of scripts that are played in parallel.
const PARALLEL: u32 = 24;

/// The two gateways.
#[derive(Clone, Debug)]
pub struct Programs {
    pub nginx: Program,
    pub portcullis: Program,
}

/// The transcripts of one script.
#[derive(Clone, Debug)]
pub struct Played {
    pub nginx: Transcript,
    pub portcullis: Transcript,
    pub difference: Option<Difference>,
}

impl Programs {
    /// Plays scripts with both gateways.
    ///
    /// # Errors
    /// When a gateway does not start, does not reply, or exits.
    pub fn play(&self, scripts: &[&Script], timing: Timing) -> Result<Vec<Played>, String> {
        let nginx = play_all(&self.nginx, scripts, timing, &[], 0)?;
        let portcullis = play_all(&self.portcullis, scripts, timing, &nginx, 1)?;
        let both = nginx.into_iter().zip(portcullis);
        Ok(both
            .map(|(nginx, portcullis)| Played {
                difference: nginx.difference(&portcullis),
                nginx,
                portcullis,
            })
            .collect())
    }

    /// Plays one script, thoroughly.
    ///
    /// # Errors
    /// As [`Programs::play`].
    pub fn play_thoroughly(&self, script: &Script) -> Result<Played, String> {
        let mut played = self.play(&[script], Timing::THOROUGH)?;
        played.pop().ok_or("nothing was played".to_owned())
    }
}

fn play_all(
    program: &Program,
    scripts: &[&Script],
    timing: Timing,
    references: &[Transcript],
    thread: u32,
) -> Result<Vec<Transcript>, String> {
    let testbed = Testbed::start(program, scripts, thread)?;
    let numbers: Vec<usize> = (0..scripts.len()).collect();
    let transcripts = parallel::map(
        &numbers,
        PARALLEL.min(u32::try_from(scripts.len()).unwrap_or(PARALLEL)),
        |_| testbed.probe().map_err(|error| error.to_string()),
        |probe, &number| {
            let (script, sockets) = (scripts[number], &testbed.sockets[number]);
            play(script, sockets, probe, timing, references.get(number))
                .map_err(|error| format!("{error}, in {script:?}"))
        },
    );
    testbed.stop()?;
    transcripts
}

impl Played {
    /// The rule that explains the difference.
    pub fn rule(&self, script: &Script) -> Option<&'static Rule> {
        rules::explain(&Divergence {
            script,
            nginx: &self.nginx,
            portcullis: &self.portcullis,
            at: self.difference?,
        })
    }

    /// Whether there is a difference that no rule explains.
    pub fn is_unexplained(&self, script: &Script) -> bool {
        self.difference.is_some() && self.rule(script).is_none()
    }

    /// The text of a case, with the difference.
    pub fn text(&self, script: &Script) -> String {
        let mut text = String::new();
        for line in &script.server {
            let _ = writeln!(text, "s| {line}");
        }
        text + &diff::lines("", &self.nginx.lines(), &self.portcullis.lines())
    }
}
