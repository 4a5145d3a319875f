//! Reduces a script for which the gateways differ.

use super::compare::{Played, Programs};
use super::default_replies;
use super::script::{Action, Script};
use super::timing::Timing;

/// The maximum number of reductions.
const ROUNDS: usize = 25;
/// The number of candidates that are played together.
const CANDIDATES: usize = 50;

/// Removes parts as long as an unexplained difference at the same peer remains.
///
/// # Errors
/// When a gateway does not start, does not answer, or ends by itself.
pub fn shrink(
    programs: &Programs,
    mut script: Script,
    mut played: Played,
) -> Result<(Script, Played), String> {
    for _ in 0..ROUNDS {
        let step = played.difference.map_or(usize::MAX, |at| at.step);
        let mut candidates = candidates(&script, step);
        candidates.retain(|other| *other != script);
        candidates.truncate(CANDIDATES);
        let all = programs.play(&candidates.iter().collect::<Vec<_>>(), Timing::FAST)?;
        let peer = played.difference.map(|at| at.peer);
        let mut found = candidates.into_iter().zip(all).filter(|(script, again)| {
            again.difference.map(|at| at.peer) == peer && again.is_unexplained(script)
        });
        let Some(next) = found.next() else { break };
        (script, played) = next;
    }
    Ok((script, played))
}

/// Scripts with one part removed, those with the largest part first. `step` is where the gateways differ.
fn candidates(script: &Script, step: usize) -> Vec<Script> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Script)| {
        let mut other = script.clone();
        change(&mut other);
        all.push(other);
    };
    with(&|other| other.client.truncate(step));
    for at in 0..script.client.len() {
        with(&|other| drop(other.client.remove(at)));
    }
    for at in 0..script.responses.len() {
        with(&|other| drop(other.responses.remove(at)));
        with(&|other| other.responses[at] = default_replies::response());
        with(&|other| other.responses[at].packets = vec![other.responses[at].packets.concat()]);
        with(&|other| other.responses[at].late = false);
    }
    for at in script.replies.keys() {
        with(&|other| drop(other.replies.remove(at)));
    }
    for at in 0..script.server.len() {
        with(&|other| drop(other.server.remove(at)));
    }
    for at in 1..script.client.len() {
        if let [Action::Send(one), Action::Send(more)] = &script.client[at - 1..=at] {
            let both = Action::Send([one.as_slice(), more].concat());
            with(&|other| drop(other.client.splice(at - 1..=at, [both.clone()])));
        }
    }
    for (at, action) in script.client.iter().enumerate() {
        let Action::Send(bytes) = action else {
            continue;
        };
        let lines: Vec<_> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        for left in 0..lines.len() {
            let mut lines = lines.clone();
            lines.remove(left);
            if !lines.is_empty() {
                with(&|other| other.client[at] = Action::Send(lines.concat()));
            }
        }
    }
    all
}
