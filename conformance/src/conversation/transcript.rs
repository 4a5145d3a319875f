//! The events of one conversation with one gateway, and the first difference between two of them.

use crate::case::Peer;
use crate::escape;

/// An event at a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The gateway connected.
    Connected,
    /// The peer received these bytes.
    Received(Vec<u8>),
    /// The gateway closed.
    Closed,
    /// The peer sent these bytes.
    Sent(Vec<u8>),
    /// The peer closed its sending direction.
    HalfClosed,
    /// The peer closed the connection.
    Left,
    /// The peer did the TLS handshake.
    StartedTls,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    step: usize,
    peer: Peer,
    event: Event,
}

/// All events, in order, by the steps of the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    entries: Vec<Entry>,
    /// The current step.
    pub step: usize,
}

/// The first position at which two transcripts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    pub step: usize,
    pub peer: Peer,
}

impl Transcript {
    /// Adds an event at the current step. Consecutive received bytes are joined.
    pub fn add(&mut self, peer: Peer, event: Event) {
        let step = self.step;
        if let (Event::Received(more), Some(last)) = (&event, self.entries.last_mut())
            && (last.step, last.peer) == (step, peer)
            && let Event::Received(bytes) = &mut last.event
        {
            return bytes.extend_from_slice(more);
        }
        self.entries.push(Entry { step, peer, event });
    }

    /// What the gateway did to a peer in a step; received bytes are joined.
    pub fn effects(&self, step: usize, peer: Peer) -> Vec<Event> {
        let mut all = Vec::new();
        let here = |entry: &&Entry| (entry.step, entry.peer) == (step, peer);
        for entry in self.entries.iter().filter(here) {
            match (&entry.event, all.last_mut()) {
                (Event::Received(more), Some(Event::Received(bytes))) => {
                    bytes.extend_from_slice(more)
                }
                (Event::Connected | Event::Received(_) | Event::Closed, _) => {
                    all.push(entry.event.clone())
                }
                _ => {}
            }
        }
        all
    }

    /// The bytes that a peer received in a step.
    pub fn received(&self, step: usize, peer: Peer) -> Vec<u8> {
        let all = self.effects(step, peer).into_iter();
        all.flat_map(|event| match event {
            Event::Received(bytes) => bytes,
            _ => Vec::new(),
        })
        .collect()
    }

    /// The bytes that a peer sent up to and including a step.
    pub fn sent(&self, step: usize, peer: Peer) -> Vec<u8> {
        (0..=step)
            .flat_map(|step| self.sent_in(step, peer))
            .collect()
    }

    /// The bytes that a peer sent in a step.
    pub fn sent_in(&self, step: usize, peer: Peer) -> Vec<u8> {
        let here = |entry: &&Entry| (entry.step, entry.peer) == (step, peer);
        let all = self.entries.iter().filter(here);
        all.flat_map(|entry| match &entry.event {
            Event::Sent(bytes) => bytes.as_slice(),
            _ => &[],
        })
        .copied()
        .collect()
    }

    /// Whether at least as much happened in a step as in the other transcript.
    pub fn is_as_far_as(&self, other: &Self, step: usize) -> bool {
        Peer::ALL.into_iter().all(|peer| {
            self.effects(step, peer).len() >= other.effects(step, peer).len()
                && self.received(step, peer).len() >= other.received(step, peer).len()
        })
    }

    /// The first difference, if any.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        (0..=self.step.max(other.step))
            .flat_map(|step| Peer::ALL.map(|peer| Difference { step, peer }))
            .find(|at| self.effects(at.step, at.peer) != other.effects(at.step, at.peer))
    }

    /// The lines of a case.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for entry in &self.entries {
            let (sends, reads) = (entry.peer.send_prefix(), entry.peer.read_prefix());
            match &entry.event {
                Event::Connected => {}
                Event::Received(bytes) => text(&mut lines, reads, bytes),
                Event::Closed => lines.push(format!("{reads}EOF")),
                Event::Sent(bytes) => {
                    let follows_packet = lines
                        .last()
                        .is_some_and(|last: &String| last.starts_with(sends));
                    if follows_packet {
                        lines.push(format!("{sends}FLUSH"));
                    }
                    text(&mut lines, sends, bytes);
                }
                Event::HalfClosed => lines.push(format!("{sends}EOF")),
                Event::Left => lines.push(format!("{sends}CLOSE")),
                Event::StartedTls => lines.push(format!("{sends}TLS")),
            }
        }
        lines
    }
}

fn text(lines: &mut Vec<String>, prefix: &str, bytes: &[u8]) {
    lines.extend(
        escape::encode(bytes)
            .iter()
            .map(|line| format!("{prefix} {line}")),
    );
}
