//! `ssl_session_cache`: TLS sessions kept by the server, in zones that servers share by name.
//!
//! A zone is limited by its size in bytes and drops the oldest session first, as nginx does; about 4000 sessions fit into a megabyte.
//! It belongs to the process: after a reload that names the zone again its sessions can be resumed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::server::StoresServerSessions;

use super::session_context::Context;

/// The memory for one session beside its id and its bytes: entries of two maps, and allocations.
const OVERHEAD: usize = 128;

/// The sessions of all servers that name the zone.
#[derive(Debug)]
pub(super) struct Zone {
    size: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By age: the lowest number is the oldest session.
    sessions: BTreeMap<u64, Session>,
    numbers: HashMap<Box<[u8]>, u64>,
    bytes: usize,
    next: u64,
}

struct Session {
    id: Box<[u8]>,
    context: Context,
    value: Box<[u8]>,
    ends: Instant,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the value, which has keys.
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Zone {
    /// An empty zone of `size` bytes.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            kept: Mutex::default(),
        }
    }

    /// Keeps a session until `ends`. Returns whether it fits into the zone.
    fn put(&self, session: Session) -> bool {
        if session.size() > self.size {
            return false;
        }
        let (now, size) = (Instant::now(), session.size());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&session.id);
        while let Some((_, oldest)) = kept.sessions.first_key_value() {
            if oldest.ends > now && kept.bytes + size <= self.size {
                break;
            }
            kept.drop_oldest();
        }
        kept.add(session);
        true
    }

    fn get(&self, id: &[u8], context: &Context) -> Option<Box<[u8]>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let session = kept.sessions.get(kept.numbers.get(id)?)?;
        let holds = session.context == *context && session.ends > Instant::now();
        holds.then(|| session.value.clone())
    }
}

impl Kept {
    fn add(&mut self, session: Session) {
        self.bytes += session.size();
        self.numbers.insert(session.id.clone(), self.next);
        self.sessions.insert(self.next, session);
        self.next += 1;
    }

    fn remove(&mut self, id: &[u8]) {
        if let Some(session) = self
            .numbers
            .remove(id)
            .and_then(|at| self.sessions.remove(&at))
        {
            self.bytes -= session.size();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, session)) = self.sessions.pop_first() {
            self.numbers.remove(&session.id);
            self.bytes -= session.size();
        }
    }
}

impl Session {
    fn size(&self) -> usize {
        2 * self.id.len() + self.value.len() + OVERHEAD
    }
}

/// The sessions of one server in a zone.
#[derive(Debug)]
pub(super) struct Store {
    /// The zone.
    pub zone: Arc<Zone>,
    /// Identifies the server's sessions.
    pub context: Context,
    /// How long a session can be resumed.
    pub timeout: Duration,
}

impl StoresServerSessions for Store {
    fn put(&self, id: Vec<u8>, value: Vec<u8>) -> bool {
        self.zone.put(Session {
            id: id.into(),
            context: self.context,
            value: value.into(),
            ends: Instant::now() + self.timeout,
        })
    }

    fn get(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.zone.get(id, &self.context).map(Vec::from)
    }

    /// As in OpenSSL a session can be resumed more than once, because early data is off.
    fn take(&self, id: &[u8]) -> Option<Vec<u8>> {
        self.get(id)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// `ssl_session_cache none`: clients get session ids, but no session is kept.
#[derive(Debug)]
pub(super) struct NoStore;

impl StoresServerSessions for NoStore {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        false
    }
    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(zone: &Arc<Zone>, server: u8, timeout: u64) -> Store {
        Store {
            zone: Arc::clone(zone),
            context: [server; 32],
            timeout: Duration::from_secs(timeout),
        }
    }

    #[test]
    fn a_session_is_found_by_its_own_server_alone() {
        let zone = Arc::new(Zone::new(1 << 20));
        let (one, other) = (store(&zone, 1, 300), store(&zone, 2, 300));
        assert!(one.put(b"id".to_vec(), b"value".to_vec()));
        assert_eq!(one.take(b"id"), Some(b"value".to_vec()));
        assert_eq!(one.get(b"id"), Some(b"value".to_vec()));
        assert_eq!(other.get(b"id"), None);
        assert_eq!(one.get(b"else"), None);
    }

    #[test]
    fn an_expired_session_is_not_found() {
        let zone = Arc::new(Zone::new(1 << 20));
        let store = store(&zone, 1, 0);
        store.put(b"id".to_vec(), b"value".to_vec());
        assert_eq!(store.get(b"id"), None);
    }

    #[test]
    fn a_full_zone_drops_the_oldest_and_holds_4000_sessions_in_a_megabyte() {
        let zone = Arc::new(Zone::new(1 << 20));
        let store = store(&zone, 1, 300);
        let id = |n: u32| [&n.to_be_bytes()[..], &[0; 28]].concat();
        for n in 0..10_000 {
            assert!(store.put(id(n), vec![0; 70]));
        }
        assert_eq!(store.get(&id(0)), None);
        assert!(store.get(&id(9_999)).is_some());
        assert!(store.get(&id(10_000 - 3_900)).is_some());
        let kept = zone.kept.lock().unwrap();
        assert!(kept.bytes <= 1 << 20);
        assert_eq!(kept.sessions.len(), kept.numbers.len());
        let counted: usize = kept.sessions.values().map(Session::size).sum();
        assert_eq!(counted, kept.bytes);
    }

    #[test]
    fn a_session_larger_than_the_zone_is_not_kept() {
        let zone = Arc::new(Zone::new(32 * 1024));
        let store = store(&zone, 1, 300);
        assert!(store.put(b"small".to_vec(), vec![0; 100]));
        assert!(!store.put(b"large".to_vec(), vec![0; 33 * 1024]));
        assert!(store.get(b"small").is_some());
        store.put(b"small".to_vec(), vec![1; 100]);
        assert_eq!(zone.kept.lock().unwrap().sessions.len(), 1);
    }
}
