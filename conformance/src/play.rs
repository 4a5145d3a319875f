//! Replays a dialogue and compares.

use std::fmt;
use std::time::Duration;

use crate::case::{Act, Case, Event, PATIENCE, Peer, reads};
use crate::diff;
use crate::gateway::Program;
use crate::link::Heard;
use crate::peers::Peers;
use crate::place::Place;
use crate::template::{Agreement, Template};

/// So long a peer that should hear nothing listens.
const NOTHING: Duration = Duration::from_millis(150);
/// So long after the last step something unexpected may still come.
const AFTERMATH: Duration = Duration::from_millis(40);

/// Why a dialogue failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Line of the case file, from 1.
    pub line: usize,
    /// What was wrong, with expected and got.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.text)
    }
}

/// Plays a case on a program. A peer that should hear something waits for it as long as `patience`.
///
/// # Errors
/// The first step that did not go as written; with the end of the program's log.
pub fn play(
    program: &Program,
    case: &Case,
    place: &Place,
    patience: Duration,
) -> Result<(), String> {
    let mut peers = Peers::new(program, case, place, patience)?;
    let played = case
        .events
        .iter()
        .try_for_each(|event| step(&mut peers, event))
        .and_then(|()| aftermath(&mut peers, case))
        .and_then(|()| log(&mut peers, case));
    if let Err(failure) = played {
        let words = peers.words();
        let tail: Vec<&str> = words.lines().rev().take(6).collect();
        let log: String = tail
            .iter()
            .rev()
            .map(|line| format!("\n    log | {line}"))
            .collect();
        return Err(format!("{failure}{log}"));
    }
    peers.stop()
}

fn step(peers: &mut Peers, event: &Event) -> Result<(), Failure> {
    let fail = |text: String| Failure {
        line: event.lines.start + 1,
        text,
    };
    let peer = event.peer;
    match &event.act {
        Act::Expect(template) => expect(peers, peer, template).map_err(fail),
        Act::ExpectNothing => nothing(peers, peer, NOTHING).map_err(fail),
        Act::ExpectEnd(within) => end(peers, peer, *within).map_err(fail),
        Act::ExpectGone => gone(peers, peer).map_err(fail),
        act => peers
            .act(peer, act)
            .map_err(|error| fail(format!("{act:?}: {error}"))),
    }
}

fn expect(peers: &mut Peers, peer: Peer, template: &Template) -> Result<(), String> {
    let (patience, clock) = (peers.patience, peers.clock.clone());
    let (link, values) = peers
        .reading_link(peer)
        .map_err(|error| format!("{} {error}", reads(peer)))?;
    let until = clock.now() + patience;
    loop {
        match template.agrees(&link.pending, values) {
            Agreement::Whole(used) => {
                link.pending.drain(..used);
                return Ok(());
            }
            Agreement::Not => break,
            Agreement::Part => {}
        }
        let left = until.saturating_duration_since(clock.now());
        if link.hear(left).map_err(|error| error.to_string())? != Heard::Bytes {
            break;
        }
    }
    // the rest helps to see what happened
    link.hear_out(NOTHING, NOTHING)
        .map_err(|error| error.to_string())?;
    Err(diff::show(
        reads(peer),
        &template.fill(values),
        &link.pending,
        link.ended,
    ))
}

fn nothing(peers: &mut Peers, peer: Peer, time: Duration) -> Result<(), String> {
    if !peers.listens(peer) {
        peers.clock.sleep(time);
        if !peers.stranger(peer) {
            return Ok(());
        }
    }
    let (link, _) = peers
        .reading_link(peer)
        .map_err(|error| error.to_string())?;
    let heard = link.hear(time).map_err(|error| error.to_string())?;
    if heard == Heard::Silence && link.pending.is_empty() {
        return Ok(());
    }
    Err(diff::show(reads(peer), b"", &link.pending, link.ended))
}

fn end(peers: &mut Peers, peer: Peer, within: Duration) -> Result<(), String> {
    let clock = peers.clock.clone();
    let link = peers.link(peer).map_err(|error| error.to_string())?;
    let until = clock.now() + within;
    while !link.ended && link.pending.is_empty() && clock.now() < until {
        let left = until.saturating_duration_since(clock.now());
        link.hear(left).map_err(|error| error.to_string())?;
    }
    if link.pending.is_empty() && link.ended {
        return Ok(());
    }
    link.hear_out(NOTHING, NOTHING)
        .map_err(|error| error.to_string())?;
    let came = diff::show(reads(peer), b"", &link.pending, link.ended);
    Err(format!("the gateway should have closed; {came}"))
}

fn gone(peers: &mut Peers, peer: Peer) -> Result<(), String> {
    let link = peers.link(peer).map_err(|error| error.to_string())?;
    link.hear_out(PATIENCE, PATIENCE)
        .map_err(|error| error.to_string())?;
    link.pending.clear();
    if link.ended {
        return Ok(());
    }
    Err("the gateway should have closed".to_owned())
}

/// All leave, and the log says what it should; a line may come a little later than what it is about.
fn log(peers: &mut Peers, case: &Case) -> Result<(), Failure> {
    if case.log.is_empty() {
        return Ok(());
    }
    peers.part();
    let until = peers.clock.now() + peers.patience;
    let mut came = peers.log();
    while came.len() < case.log.len() && case.log.starts_with(&came) && peers.clock.now() < until {
        peers.clock.sleep(Duration::from_millis(5));
        came = peers.log();
    }
    if came == case.log {
        return Ok(());
    }
    let line = case.events.last().map_or(0, |event| event.lines.end);
    let text = format!("the log: {}", diff::lines("L|", &case.log, &came));
    Err(Failure { line, text })
}

/// Nothing may be left over: no bytes, no connection, no close that the case does not tell.
fn aftermath(peers: &mut Peers, case: &Case) -> Result<(), Failure> {
    let line = case.events.last().map_or(0, |event| event.lines.end);
    let told = case.events.iter().any(|event| {
        event.peer == Peer::Client && matches!(event.act, Act::ExpectEnd(_) | Act::ExpectGone)
    });
    let mut wait = AFTERMATH;
    for peer in [Peer::Client, Peer::Auth, Peer::Backend] {
        if peers.stranger(peer) {
            return Err(Failure {
                line,
                text: format!("after the end: a connection to the {peer:?}"),
            });
        }
        if !peers.listens(peer) {
            continue;
        }
        let rest = peers.link(peer).and_then(|link| {
            link.hear(wait)?;
            let closed = peer == Peer::Client && link.ended && !told;
            Ok((!link.pending.is_empty() || closed)
                .then(|| diff::show(reads(peer), b"", &link.pending, link.ended)))
        });
        wait = Duration::from_millis(1);
        match rest {
            Ok(None) => {}
            Ok(Some(text)) => {
                return Err(Failure {
                    line,
                    text: format!("after the end: {text}"),
                });
            }
            Err(error) => {
                return Err(Failure {
                    line,
                    text: error.to_string(),
                });
            }
        }
    }
    Ok(())
}
