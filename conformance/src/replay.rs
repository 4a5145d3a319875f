//! Replays a dialogue case and compares.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::case::{Action, Case, Event, Peer, TIMEOUT};
use crate::connection::{Connection, Received};
use crate::diff;
use crate::gateway::Program;
use crate::peers::Peers;
use crate::template::{Match, Template};
use crate::workdir::WorkDir;

/// How long a peer listens that should receive nothing.
const NOTHING: Duration = Duration::from_millis(150);
/// How long unexpected data may take to arrive after the last event.
const AFTER_END: Duration = Duration::from_millis(40);

/// Why a case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The line of the case file, from 1.
    pub line: usize,
    /// The reason, with what was expected and received.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.text)
    }
}

/// Replays a case on a program. A peer waits for expected data up to `timeout`.
///
/// # Errors
/// The first event that failed, with the end of the program's log.
pub fn replay(
    program: &Program,
    case: &Case,
    workdir: &WorkDir,
    timeout: Duration,
) -> Result<(), String> {
    let mut peers = Peers::new(program, case, workdir, timeout)?;
    let result = case
        .events
        .iter()
        .try_for_each(|event| play(&mut peers, event))
        .and_then(|()| check_leftovers(&mut peers, case))
        .and_then(|()| check_log(&mut peers, case));
    if let Err(failure) = result {
        let output = peers.output();
        let tail: Vec<&str> = output.lines().rev().take(6).collect();
        let log: String = tail
            .iter()
            .rev()
            .map(|line| format!("\n    log | {line}"))
            .collect();
        let exit = peers
            .exit_status()
            .map(|status| format!("\n    the gateway exited: {status}"))
            .unwrap_or_default();
        return Err(format!("{failure}{log}{exit}"));
    }
    peers.stop()
}

fn play(peers: &mut Peers, event: &Event) -> Result<(), Failure> {
    let peer = event.peer;
    let result = match &event.action {
        Action::Expect(template) => expect(peers, peer, template),
        Action::ExpectNothing => expect_nothing(peers, peer),
        Action::ExpectEof(within) => expect_eof(peers, peer, *within),
        Action::ExpectEofAfterAny => expect_eof_after_any(peers, peer),
        action => peers
            .act(peer, action)
            .map_err(|error| format!("{action:?}: {error}")),
    };
    result.map_err(|text| Failure {
        line: event.lines.start + 1,
        text,
    })
}

fn text(error: io::Error) -> String {
    error.to_string()
}

/// What a connection received where nothing was expected.
fn unexpected(peer: Peer, connection: &Connection) -> String {
    diff::bytes(peer.read_prefix(), b"", &connection.pending, connection.eof)
}

fn expect(peers: &mut Peers, peer: Peer, template: &Template) -> Result<(), String> {
    let (timeout, clock) = (peers.timeout, peers.clock.clone());
    let (connection, values) = peers
        .reading_connection(peer)
        .map_err(|error| format!("{} {error}", peer.read_prefix()))?;
    let deadline = clock.now() + timeout;
    loop {
        match template.matches(&connection.pending, values) {
            Match::Complete(length) => {
                connection.pending.drain(..length);
                return Ok(());
            }
            Match::Mismatch => break,
            Match::Incomplete => {}
        }
        let left = deadline.saturating_duration_since(clock.now());
        if connection.read(left).map_err(text)? != Received::Data {
            break;
        }
    }
    // The rest helps to find the cause.
    connection
        .read_until_quiet(NOTHING, NOTHING)
        .map_err(text)?;
    Err(diff::bytes(
        peer.read_prefix(),
        &template.fill(values),
        &connection.pending,
        connection.eof,
    ))
}

fn expect_nothing(peers: &mut Peers, peer: Peer) -> Result<(), String> {
    if !peers.has_connection(peer) {
        peers.clock.sleep(NOTHING);
        if !peers.accept_unexpected(peer) {
            return Ok(());
        }
    }
    let (connection, _) = peers.reading_connection(peer).map_err(text)?;
    let received = connection.read(NOTHING).map_err(text)?;
    if received == Received::Nothing && connection.pending.is_empty() {
        return Ok(());
    }
    Err(unexpected(peer, connection))
}

fn expect_eof(peers: &mut Peers, peer: Peer, within: Duration) -> Result<(), String> {
    let clock = peers.clock.clone();
    let connection = peers.connection(peer).map_err(text)?;
    let deadline = clock.now() + within;
    while !connection.eof && connection.pending.is_empty() && clock.now() < deadline {
        let left = deadline.saturating_duration_since(clock.now());
        connection.read(left).map_err(text)?;
    }
    if connection.pending.is_empty() && connection.eof {
        return Ok(());
    }
    connection
        .read_until_quiet(NOTHING, NOTHING)
        .map_err(text)?;
    let received = unexpected(peer, connection);
    Err(format!("the gateway did not close; {received}"))
}

fn expect_eof_after_any(peers: &mut Peers, peer: Peer) -> Result<(), String> {
    let connection = peers.connection(peer).map_err(text)?;
    connection
        .read_until_quiet(TIMEOUT, TIMEOUT)
        .map_err(text)?;
    connection.pending.clear();
    if connection.eof {
        return Ok(());
    }
    Err("the gateway did not close".to_owned())
}

/// Closes all connections and compares the log, whose last lines may be written a little later.
fn check_log(peers: &mut Peers, case: &Case) -> Result<(), Failure> {
    if case.log.is_empty() {
        return Ok(());
    }
    peers.disconnect();
    let clock = peers.clock.clone();
    let deadline = clock.now() + peers.timeout;
    let mut log = peers.log();
    while log.len() < case.log.len() && case.log.starts_with(&log) && clock.now() < deadline {
        clock.sleep(Duration::from_millis(5));
        log = peers.log();
    }
    if log == case.log {
        return Ok(());
    }
    Err(Failure {
        line: case.last_line(),
        text: format!("the log: {}", diff::lines("L|", &case.log, &log)),
    })
}

/// Checks that there is no unexpected data, connection or close.
fn check_leftovers(peers: &mut Peers, case: &Case) -> Result<(), Failure> {
    let expects_eof = case.events.iter().any(|event| {
        event.peer == Peer::Client
            && matches!(
                event.action,
                Action::ExpectEof(_) | Action::ExpectEofAfterAny
            )
    });
    let fail = |text: String| Failure {
        line: case.last_line(),
        text,
    };
    let mut wait = AFTER_END;
    for peer in Peer::ALL {
        if peers.accept_unexpected(peer) {
            return Err(fail(format!("after the end: a connection to the {peer:?}")));
        }
        if !peers.has_connection(peer) {
            continue;
        }
        let connection = peers.connection(peer).map_err(|error| fail(text(error)))?;
        connection.read(wait).map_err(|error| fail(text(error)))?;
        let closed = peer == Peer::Client && connection.eof && !expects_eof;
        if !connection.pending.is_empty() || closed {
            let received = unexpected(peer, connection);
            return Err(fail(format!("after the end: {received}")));
        }
        wait = Duration::from_millis(1);
    }
    Ok(())
}
