//! The table of the open sessions: slots that are taken and freed without a lock.
//!
//! Slots are in blocks, which are made when they are needed and never freed. A bitmap says which slots are taken.

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::close::CloseFlag;
use super::counts::ServerKey;
use crate::base::SessionId;

/// The slots of a word of the bitmap.
const WORD: usize = 64;
/// The words of a block.
const WORDS: usize = 16;
/// The blocks of the table: half a million sessions. Further ones are counted, not shown.
const BLOCKS: usize = 512;

/// The open sessions.
#[derive(Debug)]
pub struct OpenSessions {
    blocks: Box<[OnceLock<Box<Block>>]>,
    /// The number of a word that has probably a free slot.
    hint: AtomicUsize,
}

#[derive(Debug, Default)]
struct Block {
    words: [Word; WORDS],
}

#[derive(Debug)]
struct Word {
    /// The slots that are taken.
    taken: AtomicU64,
    slots: [ArcSwapOption<OpenSession>; WORD],
}

/// A place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    word: usize,
    bit: usize,
}

/// One open session.
#[derive(Debug)]
pub struct OpenSession {
    /// Its identifier in every log.
    pub id: SessionId,
    /// The number of its connection in the error log.
    pub connection: u64,
    /// The address that the client connected to.
    pub server: ServerKey,
    /// When it was accepted.
    pub since: SystemTime,
    view: ArcSwap<SessionView>,
    phase: AtomicU8,
    received: AtomicU64,
    sent: AtomicU64,
    pub(super) close: CloseFlag,
}

/// What is known about an open session. It is replaced as a whole when something changes.
#[derive(Clone, Debug, Default)]
pub struct SessionView {
    /// The client's address.
    pub client: Arc<str>,
    /// The login of the last attempt.
    pub login: Option<Arc<[u8]>>,
    /// The backend.
    pub upstream: Option<Arc<str>>,
    /// The version of TLS with the client.
    pub tls: Option<&'static str>,
}

/// What a session is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionPhase {
    /// It has not sent a login: the greeting, TLS, commands.
    Commands,
    /// A login is being decided about.
    Authenticating,
    /// It is being connected to its backend.
    Connecting,
    /// It is connected to its backend.
    Proxying,
}

impl SessionPhase {
    /// All of them, in the order of the variants.
    pub const ALL: [Self; 4] = [
        Self::Commands,
        Self::Authenticating,
        Self::Connecting,
        Self::Proxying,
    ];

    /// The word in the status.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Authenticating => "authenticating",
            Self::Connecting => "connecting",
            Self::Proxying => "proxying",
        }
    }
}

impl Default for OpenSessions {
    fn default() -> Self {
        Self {
            blocks: (0..BLOCKS).map(|_| OnceLock::new()).collect(),
            hint: AtomicUsize::new(0),
        }
    }
}

impl Default for Word {
    fn default() -> Self {
        Self {
            taken: AtomicU64::new(0),
            slots: std::array::from_fn(|_| ArcSwapOption::empty()),
        }
    }
}

impl OpenSessions {
    /// Adds a session. `None`: the table is full.
    pub(super) fn add(&self, session: &Arc<OpenSession>) -> Option<Slot> {
        let all = BLOCKS * WORDS;
        let first = self.hint.load(Ordering::Relaxed);
        for number in (first..all).chain(0..first) {
            let word = self.word(number);
            let mut taken = word.taken.load(Ordering::Relaxed);
            while taken != u64::MAX {
                let bit = taken.trailing_ones() as usize;
                let before = word.taken.fetch_or(1 << bit, Ordering::Acquire);
                if before & 1 << bit == 0 {
                    if number != first {
                        self.hint.store(number, Ordering::Relaxed);
                    }
                    word.slots[bit].store(Some(Arc::clone(session)));
                    return Some(Slot { word: number, bit });
                }
                taken = before;
            }
        }
        None
    }

    /// Removes the session of a slot.
    pub(super) fn remove(&self, slot: Slot) {
        let word = self.word(slot.word);
        word.slots[slot.bit].store(None);
        word.taken.fetch_and(!(1 << slot.bit), Ordering::Release);
        // The lowest free slots first: the table stays as short as it can be.
        self.hint.fetch_min(slot.word, Ordering::Relaxed);
    }

    fn word(&self, number: usize) -> &Word {
        let block = self.blocks[number / WORDS].get_or_init(Box::default);
        &block.words[number % WORDS]
    }

    /// The sessions from a place in the table on, at least one unless the table ends: the first ones, and the place of the next. Begins
    /// with 0. A session that is open during a whole pass is met once.
    pub fn from(&self, place: usize) -> (Vec<Arc<OpenSession>>, Option<usize>) {
        for number in place..BLOCKS * WORDS {
            let Some(block) = self.blocks[number / WORDS].get() else {
                continue;
            };
            let word = &block.words[number % WORDS];
            if word.taken.load(Ordering::Acquire) == 0 {
                continue;
            }
            let slots = word.slots.iter();
            let sessions: Vec<_> = slots.filter_map(ArcSwapOption::load_full).collect();
            if !sessions.is_empty() {
                return (sessions, Some(number + 1));
            }
        }
        (Vec::new(), None)
    }

    /// The open session with this identifier.
    pub fn find(&self, id: SessionId) -> Option<Arc<OpenSession>> {
        self.all().find(|session| session.id == id)
    }

    /// All open sessions.
    pub fn all(&self) -> impl Iterator<Item = Arc<OpenSession>> {
        let mut place = Some(0);
        let next = move || {
            let (sessions, next) = self.from(place?);
            place = next;
            (!sessions.is_empty()).then_some(sessions)
        };
        std::iter::from_fn(next).flatten()
    }
}

impl OpenSession {
    pub(super) fn new(
        id: SessionId,
        connection: u64,
        server: ServerKey,
        since: SystemTime,
        view: SessionView,
    ) -> Self {
        Self {
            id,
            connection,
            server,
            since,
            view: ArcSwap::from_pointee(view),
            phase: AtomicU8::new(SessionPhase::Commands as u8),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            close: CloseFlag::default(),
        }
    }

    /// Asks it to end, in whatever phase it is.
    pub fn close(&self) {
        self.close.request();
    }

    /// What is known about it.
    pub fn view(&self) -> Arc<SessionView> {
        self.view.load_full()
    }

    /// What it is about.
    pub fn phase(&self) -> SessionPhase {
        let phase = usize::from(self.phase.load(Ordering::Relaxed));
        let phase = SessionPhase::ALL.get(phase);
        phase.copied().unwrap_or(SessionPhase::Commands)
    }

    /// Bytes from the client and to it, as far as they are counted yet.
    pub fn carried(&self) -> (u64, u64) {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (load(&self.received), load(&self.sent))
    }

    /// Replaces the view. Only the session itself does.
    pub(super) fn change(&self, change: impl FnOnce(&mut SessionView)) {
        let mut view = SessionView::clone(&self.view.load());
        change(&mut view);
        self.view.store(Arc::new(view));
    }

    pub(super) fn enter(&self, phase: SessionPhase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Sets the bytes so far, and returns how many of them are new.
    pub(super) fn carry(&self, received: u64, sent: u64) -> (u64, u64) {
        let before = self.carried();
        self.received.store(received, Ordering::Relaxed);
        self.sent.store(sent, Ordering::Relaxed);
        (
            received.saturating_sub(before.0),
            sent.saturating_sub(before.1),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;
    use crate::base::Protocol;

    fn session(number: u64) -> Arc<OpenSession> {
        let server = ServerKey {
            address: "127.0.0.1:25".into(),
            protocol: Protocol::Smtp,
        };
        Arc::new(OpenSession::new(
            SessionId::of_connection(number),
            number,
            server,
            SystemTime::now(),
            SessionView::default(),
        ))
    }

    fn numbers(table: &OpenSessions) -> HashSet<u64> {
        let all: Vec<_> = table.all().map(|session| session.connection).collect();
        let distinct: HashSet<_> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len(), "a session is met once");
        distinct
    }

    #[test]
    fn slots_are_used_again() {
        let table = OpenSessions::default();
        let slots: Vec<_> = (0..1000).map(|n| table.add(&session(n))).collect();
        assert_eq!(numbers(&table).len(), 1000);
        for slot in slots.iter().take(500).flatten() {
            table.remove(*slot);
        }
        assert!(numbers(&table).iter().all(|number| *number >= 500));
        let again = table.add(&session(5000));
        assert_eq!(again, slots[0], "the lowest free one");
        let words = table.blocks.iter().filter(|block| block.get().is_some());
        assert_eq!(words.count(), 1);
    }

    #[test]
    fn threads_share_the_table() {
        let table = OpenSessions::default();
        thread::scope(|scope| {
            for own in 0..4 {
                let table = &table;
                scope.spawn(move || {
                    for round in 0..200 {
                        let number = |n: u64| own * 1_000_000 + round * 100 + n;
                        let slots: Vec<_> = (0..20)
                            .filter_map(|n| table.add(&session(number(n))))
                            .collect();
                        let met = table.all().filter(|met| met.connection / 1_000_000 == own);
                        assert_eq!(met.count(), 20);
                        slots.into_iter().for_each(|slot| table.remove(slot));
                    }
                });
            }
        });
        assert_eq!(table.all().count(), 0);
    }
}
