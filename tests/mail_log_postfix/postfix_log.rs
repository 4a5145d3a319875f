//! Reads Postfix's log.

use std::collections::{BTreeMap, BTreeSet};

/// A message in Postfix's queue.
#[derive(Debug, Default)]
pub(crate) struct Queued {
    pub(crate) sender: String,
    /// Octets, with the headers that Postfix adds.
    pub(crate) size: u64,
    /// The number of recipients when it was queued.
    pub(crate) count: usize,
    /// The recipients that it was delivered to.
    pub(crate) recipients: BTreeSet<String>,
    is_removed: bool,
}

/// The messages that were queued, by their queue ids.
pub(crate) fn queued(log: &str) -> BTreeMap<String, Queued> {
    let mut all: BTreeMap<String, Queued> = BTreeMap::new();
    for line in log.lines() {
        let Some((program, (id, rest))) = parts(line) else {
            continue;
        };
        match program {
            "qmgr" if rest.starts_with("from=<") => {
                let queued = all.entry(id.to_owned()).or_default();
                queued.sender = between(rest, "from=<", ">, size=").to_owned();
                queued.size = between(rest, "size=", ",").parse().expect("a size");
                queued.count = between(rest, "nrcpt=", " ").parse().expect("a number");
            }
            "qmgr" if rest == "removed" => all.entry(id.to_owned()).or_default().is_removed = true,
            "virtual" if rest.contains("status=sent") => {
                let to = between(rest, "to=<", ">, ").to_owned();
                let queued = all.entry(id.to_owned()).or_default();
                queued.recipients.insert(to);
            }
            _ => {}
        }
    }
    all
}

/// Whether all clients have left and all messages are delivered.
pub(crate) fn is_quiet(log: &str) -> bool {
    let count = |text: &str| log.matches(text).count();
    count("]: connect from ") == count("]: disconnect from ")
        && queued(log).values().all(|queued| queued.is_removed)
}

/// The program of a line, the queue id and the rest.
fn parts(line: &str) -> Option<(&str, (&str, &str))> {
    let (_, rest) = line.split_once(" postfix/")?;
    let (program, rest) = rest.split_once('[')?;
    let (_, rest) = rest.split_once("]: ")?;
    Some((program, rest.split_once(": ")?))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect(start);
    rest.split_once(end).expect(end).0
}
