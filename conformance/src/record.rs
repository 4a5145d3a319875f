//! Writes the expected side of a dialogue from what a real nginx does.
//!
//! The case file says who reads when; what stands there is replaced. Comments and what the peers send stay as they are.

use std::io;
use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::case::{Act, Case, Event, PATIENCE, Peer, reads};
use crate::escape;
use crate::gateway::Program;
use crate::peers::Peers;
use crate::place::Place;
use crate::template::{apop, digest, is_challenge};

/// Something is expected: so long it may take to begin.
const FIRST: Duration = Duration::from_secs(4);
/// After this much silence a reading is over: longer than a delayed ACK.
const QUIET: Duration = Duration::from_millis(220);

/// Plays a case on nginx and returns its text with the expected side as nginx gave it.
///
/// # Errors
/// When nginx does not start, or a peer cannot be reached.
pub fn record(program: &Program, text: &str, case: &Case, place: &Place) -> Result<String, String> {
    let mut peers = Peers::new(program, case, place, PATIENCE)?;
    let secrets = secrets(text);
    let mut rewritten: Vec<(Range<usize>, Vec<String>)> = Vec::new();
    let mut events = case.events.iter().peekable();
    while let Some(event) = events.next() {
        let line = event.lines.start + 1;
        if !is_reading(event) {
            if let Err(error) = peers.act(event.peer, &event.act) {
                eprintln!("  line {line}: {error}");
            }
            continue;
        }
        if event.act == Act::ExpectGone {
            // not recorded: whatever came is fine
            continue;
        }
        let mut lines = event.lines.clone();
        let mut last = &event.act;
        // a silence is a reading of its own; a text and the end behind it are one
        let more = |next: &&Event| {
            event.act != Act::ExpectNothing
                && next.act != Act::ExpectNothing
                && is_reading(next)
                && next.peer == event.peer
        };
        while let Some(next) = events.next_if(more) {
            lines.end = next.lines.end;
            last = &next.act;
        }
        let heard = listen(&mut peers, event.peer, &event.act, last)
            .map_err(|error| format!("line {line}: {error}"))?;
        let mut new = words(&mut peers, &secrets, event.peer, heard);
        if let (Act::ExpectEnd(within), Some(end)) = (last, new.last_mut())
            && *within != PATIENCE
            && end.ends_with("EOF")
        {
            end.push_str(&format!(" {}", within.as_millis()));
        }
        rewritten.push((lines, new));
    }
    // all leave; what is logged about that belongs to the dialogue
    peers.part();
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

fn is_reading(event: &Event) -> bool {
    matches!(
        event.act,
        Act::Expect(_) | Act::ExpectNothing | Act::ExpectEnd(_) | Act::ExpectGone
    )
}

/// The bytes that came, and whether the connection ended.
fn listen(peers: &mut Peers, peer: Peer, first: &Act, last: &Act) -> io::Result<(Vec<u8>, bool)> {
    if *first == Act::ExpectNothing && !peers.listens(peer) {
        std::thread::sleep(QUIET);
        if !peers.stranger(peer) {
            return Ok((Vec::new(), false));
        }
    }
    let (link, _) = peers.reading_link(peer)?;
    link.hear_out(
        if *first == Act::ExpectNothing {
            QUIET
        } else {
            FIRST
        },
        QUIET,
    )?;
    if matches!(last, Act::ExpectEnd(_)) && !link.ended {
        link.hear_out(FIRST, FIRST)?;
    }
    Ok((std::mem::take(&mut link.pending), link.ended))
}

/// The lines for the case file, with places for what is random.
fn words(
    peers: &mut Peers,
    secrets: &[String],
    peer: Peer,
    (bytes, ended): (Vec<u8>, bool),
) -> Vec<String> {
    let letters = reads(peer);
    let mut lines = Vec::new();
    for line in escape::encode(&bytes) {
        let line = abstracted(peers, secrets, peer, line);
        lines.push(if line.is_empty() {
            letters.to_owned()
        } else {
            format!("{letters} {line}")
        });
    }
    if ended {
        lines.push(format!("{letters}EOF"));
    }
    if lines.is_empty() {
        lines.push(format!("{letters}NONE"));
    }
    lines
}

fn abstracted(peers: &mut Peers, secrets: &[String], peer: Peer, line: String) -> String {
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
            line = line.replace(&digest(secret, salt), &format!("@DIGEST({secret})@"));
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

/// The secrets with which the client answers challenges: `@CRAM(user,secret)@`, `@APOP(secret)@`.
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
    fn only_what_is_read_is_replaced() {
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
