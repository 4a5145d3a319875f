//! What was said and heard in one conversation with one gateway, and where two of them part.

use crate::case::{Peer, reads};
use crate::escape;
use crate::template::{self, Template, Values};

/// One thing that happened to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The gateway connected to it.
    Came,
    /// It read these bytes.
    Heard(Vec<u8>),
    /// The gateway closed.
    Closed,
    /// It sent these bytes.
    Said(Vec<u8>),
    /// It shut its sending side.
    Shut,
    /// It closed.
    Left,
    /// It shook hands.
    Tls,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    step: usize,
    peer: Peer,
    what: What,
}

/// All that happened, in order, step by step of the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    entries: Vec<Entry>,
    /// The step at hand.
    pub step: usize,
}

/// The first place where two transcripts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    pub step: usize,
    pub peer: Peer,
}

const PEERS: [Peer; 3] = [Peer::Client, Peer::Auth, Peer::Backend];

impl Transcript {
    /// Writes something down.
    pub fn add(&mut self, peer: Peer, what: What) {
        let step = self.step;
        if let (What::Heard(more), Some(last)) = (&what, self.entries.last_mut())
            && (last.step, last.peer) == (step, peer)
            && let What::Heard(bytes) = &mut last.what
        {
            return bytes.extend_from_slice(more);
        }
        self.entries.push(Entry { step, peer, what });
    }

    /// What the gateway did to a peer in a step: all it said at once.
    pub fn of(&self, step: usize, peer: Peer) -> Vec<What> {
        let mut all = Vec::new();
        let here = |entry: &&Entry| (entry.step, entry.peer) == (step, peer);
        for entry in self.entries.iter().filter(here) {
            match (&entry.what, all.last_mut()) {
                (What::Heard(more), Some(What::Heard(bytes))) => bytes.extend_from_slice(more),
                (What::Came | What::Heard(_) | What::Closed, _) => all.push(entry.what.clone()),
                _ => {}
            }
        }
        all
    }

    /// The bytes of that.
    pub fn heard(&self, step: usize, peer: Peer) -> Vec<u8> {
        let all = self.of(step, peer).into_iter();
        all.flat_map(|what| match what {
            What::Heard(bytes) => bytes,
            _ => Vec::new(),
        })
        .collect()
    }

    /// What a peer said up to a step, that step included.
    pub fn said(&self, step: usize, peer: Peer) -> Vec<u8> {
        (0..=step)
            .flat_map(|step| self.said_in(step, peer))
            .collect()
    }

    /// What a peer said in a step.
    pub fn said_in(&self, step: usize, peer: Peer) -> Vec<u8> {
        let here = |entry: &&Entry| (entry.step, entry.peer) == (step, peer);
        let all = self.entries.iter().filter(here);
        all.flat_map(|entry| match &entry.what {
            What::Said(bytes) => bytes.as_slice(),
            _ => &[],
        })
        .copied()
        .collect()
    }

    /// Whether as much happened in a step as in another gateway's.
    pub fn is_as_far_as(&self, other: &Self, step: usize) -> bool {
        PEERS.iter().all(|&peer| {
            self.of(step, peer).len() >= other.of(step, peer).len()
                && self.heard(step, peer).len() >= other.heard(step, peer).len()
        })
    }

    /// Where they part, if they do.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        (0..=self.step.max(other.step))
            .flat_map(|step| PEERS.map(|peer| Difference { step, peer }))
            .find(|at| self.of(at.step, at.peer) != other.of(at.step, at.peer))
    }

    /// As the lines of a case.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for entry in &self.entries {
            let (says, hears) = (says(entry.peer), reads(entry.peer));
            let client = entry.peer == Peer::Client;
            match &entry.what {
                What::Came if client => {}
                What::Came => {}
                What::Heard(bytes) => text(&mut lines, hears, bytes),
                What::Closed => lines.push(format!("{hears}EOF")),
                What::Said(bytes) => {
                    let before = lines
                        .last()
                        .is_some_and(|last: &String| last.starts_with(says));
                    if before {
                        lines.push(format!("{says}FLUSH"));
                    }
                    text(&mut lines, says, bytes);
                }
                What::Shut => lines.push(format!("{says}EOF")),
                What::Left => lines.push(format!("{says}CLOSE")),
                What::Tls => lines.push(format!("{says}TLS")),
            }
        }
        lines
    }
}

fn says(peer: Peer) -> &'static str {
    match peer {
        Peer::Client => "C>",
        Peer::Auth => "A<",
        Peer::Backend => "U<",
    }
}

fn text(lines: &mut Vec<String>, letters: &str, bytes: &[u8]) {
    lines.extend(
        escape::encode(bytes)
            .iter()
            .map(|line| format!("{letters} {line}")),
    );
}

/// Puts names in the place of what differs from run to run: the challenge, clear and in base64, and the digests made with it.
pub fn masked(bytes: &[u8], values: &mut Values, secrets: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let run = rest.iter().take_while(|byte| is_base64(**byte)).count();
        if let Some(salt) = clear_challenge(rest) {
            out.extend_from_slice(b"@SALT@");
            values.salt = Some(salt.to_vec());
            at += salt.len();
        } else if let Some(salt) = template::challenge(&rest[..run]) {
            out.extend_from_slice(b"@CHALLENGE@");
            values.salt = Some(salt);
            at += run;
        } else {
            out.extend_from_slice(&rest[..run.max(1)]);
            at += run.max(1);
        }
    }
    for (user, secret) in secrets {
        for name in [
            format!("@CRAM({user},{secret})@"),
            format!("@DIGEST({secret})@"),
        ] {
            let bytes = Template::new(name.as_bytes()).fill(values);
            let found = out.windows(bytes.len()).position(|window| window == bytes);
            if let Some(at) = found {
                out.splice(at..at + bytes.len(), name.into_bytes());
            }
        }
    }
    out
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

fn clear_challenge(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes
        .first()
        .filter(|&&byte| byte == b'<')
        .and_then(|_| bytes.iter().take(200).position(|&byte| byte == b'>'))?;
    Some(&bytes[..=end]).filter(|salt| template::is_challenge(salt))
}
