//! Records the expectations of a dialogue from nginx.
//!
//! The case file says which peer reads at which point; the text there is replaced. Comments and sent lines stay.

use std::io;
use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use support::digest::{apop, cram_md5};

use crate::case::{Action, Case, Event, Peer, TIMEOUT};
use crate::escape;
use crate::gateway::Program;
use crate::peers::Peers;
use crate::template::is_challenge;
use crate::workdir::WorkDir;

/// How long expected data may take to arrive.
const FIRST: Duration = Duration::from_secs(4);
/// Reading ends after this much silence. It is longer than a delayed ACK.
const QUIET: Duration = Duration::from_millis(220);

/// Runs a case on nginx and returns its text with the recorded expectations.
///
/// # Errors
/// When nginx does not start, or does not connect to a peer.
pub fn record(
    program: &Program,
    text: &str,
    case: &Case,
    workdir: &WorkDir,
) -> Result<String, String> {
    let mut peers = Peers::new(program, case, workdir, TIMEOUT)?;
    let secrets = secrets(text);
    let mut rewritten: Vec<(Range<usize>, Vec<String>)> = Vec::new();
    let mut events = case.events.iter().peekable();
    while let Some(event) = events.next() {
        let line = event.lines.start + 1;
        if !is_expectation(event) {
            if let Err(error) = peers.act(event.peer, &event.action) {
                eprintln!("  line {line}: {error}");
            }
            continue;
        }
        if event.action == Action::ExpectEofAfterAny {
            // Anything may come before.
            continue;
        }
        let mut lines = event.lines.clone();
        let mut last = &event.action;
        // A text and the end of the stream after it are recorded together.
        let continues = |next: &&Event| {
            event.action != Action::ExpectNothing
                && next.action != Action::ExpectNothing
                && is_expectation(next)
                && next.peer == event.peer
        };
        while let Some(next) = events.next_if(continues) {
            lines.end = next.lines.end;
            last = &next.action;
        }
        let received = read(&mut peers, event.peer, &event.action, last)
            .map_err(|error| format!("line {line}: {error}"))?;
        let mut new = expectations(&mut peers, &secrets, event.peer, received);
        if let (Action::ExpectEof(within), Some(end)) = (last, new.last_mut())
            && *within != TIMEOUT
            && end.ends_with("EOF")
        {
            end.push_str(&format!(" {}", within.as_millis()));
        }
        rewritten.push((lines, new));
    }
    // The log lines about the end of the connections belong to the case.
    peers.disconnect();
    std::thread::sleep(QUIET);
    let log = peers.log();
    let line = text.lines().count();
    peers
        .stop()
        .map_err(|error| format!("line {line}: {error}"))?;
    let mut new = splice(text, rewritten);
    for line in log {
        push(&mut new, &format!("L| {line}"));
    }
    Ok(new)
}

fn is_expectation(event: &Event) -> bool {
    matches!(
        event.action,
        Action::Expect(_)
            | Action::ExpectNothing
            | Action::ExpectEof(_)
            | Action::ExpectEofAfterAny
    )
}

/// Reads from nginx: the bytes, and whether the connection ended.
fn read(
    peers: &mut Peers,
    peer: Peer,
    first: &Action,
    last: &Action,
) -> io::Result<(Vec<u8>, bool)> {
    if *first == Action::ExpectNothing && !peers.has_connection(peer) {
        std::thread::sleep(QUIET);
        if !peers.accept_unexpected(peer) {
            return Ok((Vec::new(), false));
        }
    }
    let (connection, _) = peers.reading_connection(peer)?;
    connection.read_until_quiet(
        if *first == Action::ExpectNothing {
            QUIET
        } else {
            FIRST
        },
        QUIET,
    )?;
    if matches!(last, Action::ExpectEof(_)) && !connection.eof {
        connection.read_until_quiet(FIRST, FIRST)?;
    }
    Ok((std::mem::take(&mut connection.pending), connection.eof))
}

/// The lines for the case file, with placeholders for random values.
fn expectations(
    peers: &mut Peers,
    secrets: &[String],
    peer: Peer,
    (bytes, eof): (Vec<u8>, bool),
) -> Vec<String> {
    let prefix = peer.read_prefix();
    let mut lines = Vec::new();
    for line in escape::encode(&bytes) {
        let line = with_placeholders(peers, secrets, peer, line);
        lines.push(if line.is_empty() {
            prefix.to_owned()
        } else {
            format!("{prefix} {line}")
        });
    }
    if eof {
        lines.push(format!("{prefix}EOF"));
    }
    if lines.is_empty() {
        lines.push(format!("{prefix}NONE"));
    }
    lines
}

fn with_placeholders(peers: &mut Peers, secrets: &[String], peer: Peer, line: String) -> String {
    let values = &mut peers.values;
    if peer == Peer::Client {
        let challenge = line
            .rsplit(' ')
            .next()
            .and_then(|word| Some((word, STANDARD.decode(word).ok()?)));
        let stamp = line
            .rsplit(' ')
            .next()
            .filter(|word| is_challenge(word.as_bytes()));
        return match (challenge, stamp) {
            (Some((word, salt)), _) if is_challenge(&salt) => {
                values.salt = Some(salt);
                line.replace(word, "@CHALLENGE@")
            }
            (_, Some(stamp)) => {
                values.salt = Some(stamp.into());
                line.replace(stamp, "@STAMP@")
            }
            _ => line,
        };
    }
    let mut line = line.replace(&values.root, "@ROOT@");
    if let Some(salt) = &values.salt {
        line = line.replace(&*String::from_utf8_lossy(salt), "@SALT@");
        for secret in secrets {
            line = line.replace(&cram_md5(secret, salt), &format!("@DIGEST({secret})@"));
            line = line.replace(&apop(secret, salt), &format!("@APOP({secret})@"));
        }
    }
    if line.starts_with("PROXY ") {
        line = line.replace(&format!(" {}", values.listen_addr), " @LISTEN_ADDR@");
        line = line.replace(&format!(" {}", values.client_port), " @CLIENT_PORT@");
        line = line.replace(&format!(" {}", values.listen_port), " @LISTEN_PORT@");
    }
    line
}

/// The secrets in the client's responses to challenges: `@CRAM(user,secret)@`, `@APOP(secret)@`.
fn secrets(text: &str) -> Vec<String> {
    let calls = |name| {
        text.split(name)
            .skip(1)
            .filter_map(|call| call.split_once(")@"))
    };
    let cram = calls("@CRAM(").filter_map(|(both, _)| both.split_once(','));
    let apop = calls("@APOP(");
    cram.map(|(_, secret)| secret.to_owned())
        .chain(apop.map(|(secret, _)| secret.to_owned()))
        .collect()
}

fn splice(text: &str, rewritten: Vec<(Range<usize>, Vec<String>)>) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rewritten = rewritten.into_iter().peekable();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("L| ") {
            continue;
        }
        match rewritten.peek() {
            Some((range, _)) if range.contains(&number) => {
                let last = number + 1 == range.end;
                if last {
                    let (_, lines) = rewritten.next().unwrap_or_default();
                    lines.iter().for_each(|line| push(&mut out, line));
                }
            }
            _ => push(&mut out, line),
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{secrets, splice};

    #[test]
    fn only_expectations_are_replaced() {
        let text = "# why\nS<\nC> NOOP\nS< old\n\nS< old too\nC> QUIT\n";
        let new = vec![
            (1..2, vec!["S< 220 x".to_owned()]),
            (3..6, vec!["S< 250 y".to_owned(), "S<EOF".to_owned()]),
        ];
        assert_eq!(
            splice(text, new),
            "# why\nS< 220 x\nC> NOOP\nS< 250 y\nS<EOF\nC> QUIT\n"
        );
    }

    #[test]
    fn secrets_are_found() {
        let text = "C> @CRAM(joe,s,1)@\nA> x\nC> APOP joe @APOP(t)@";
        assert_eq!(secrets(text), ["s,1", "t"]);
    }
}
