//! Makes a conversation in which the gateways differ as short as it can be.

use super::conversation::{Act, Conversation};
use super::perform::Pace;
use super::tournament::{Pair, Played};
use super::usual;

/// So often at most: what does not get shorter then is short enough.
const ROUNDS: usize = 25;
/// So many attempts are played together.
const ATTEMPTS: usize = 50;

/// Leaves things out as long as the difference stays, and nothing explains it.
///
/// # Errors
/// When a gateway does not start, does not answer, or ends by itself.
pub fn shrunk(
    pair: &Pair,
    mut talk: Conversation,
    mut played: Played,
) -> Result<(Conversation, Played), String> {
    for _ in 0..ROUNDS {
        let step = played.difference.map_or(usize::MAX, |at| at.step);
        let mut shorter = shorter(&talk, step);
        shorter.retain(|other| *other != talk);
        shorter.truncate(ATTEMPTS);
        let all = pair.play(&shorter.iter().collect::<Vec<_>>(), Pace::QUICK)?;
        let peer = played.difference.map(|at| at.peer);
        let mut found = shorter.into_iter().zip(all).filter(|(talk, again)| {
            again.difference.map(|at| at.peer) == peer && again.unexplained(talk)
        });
        let Some(next) = found.next() else { break };
        (talk, played) = next;
    }
    Ok((talk, played))
}

/// Conversations with a little less in them, those with the least first. `step` is where the gateways differ.
fn shorter(talk: &Conversation, step: usize) -> Vec<Conversation> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Conversation)| {
        let mut other = talk.clone();
        change(&mut other);
        all.push(other);
    };
    with(&|other| other.client.truncate(step));
    for at in 0..talk.client.len() {
        with(&|other| drop(other.client.remove(at)));
    }
    for at in 0..talk.answers.len() {
        with(&|other| drop(other.answers.remove(at)));
        with(&|other| other.answers[at] = usual::answer());
        with(&|other| other.answers[at].packets = vec![other.answers[at].packets.concat()]);
        with(&|other| other.answers[at].late = false);
    }
    for at in talk.replies.keys() {
        with(&|other| drop(other.replies.remove(at)));
    }
    for at in 0..talk.server.len() {
        with(&|other| drop(other.server.remove(at)));
    }
    for at in 1..talk.client.len() {
        if let [Act::Send(one), Act::Send(more)] = &talk.client[at - 1..=at] {
            let both = Act::Send([one.as_slice(), more].concat());
            with(&|other| drop(other.client.splice(at - 1..=at, [both.clone()])));
        }
    }
    for (at, act) in talk.client.iter().enumerate() {
        let Act::Send(bytes) = act else { continue };
        let lines: Vec<_> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        for left in 0..lines.len() {
            let mut lines = lines.clone();
            lines.remove(left);
            if !lines.is_empty() {
                with(&|other| other.client[at] = Act::Send(lines.concat()));
            }
        }
    }
    all
}
