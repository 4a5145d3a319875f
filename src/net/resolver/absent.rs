//! Families in which a name has no address, for as long as its addresses of the other family are cached. As in nginx, no other
//! empty answer is kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_resolver::proto::rr::{Name, RecordType};

/// The largest number of entries.
const ENTRIES: usize = 8192;

/// The names without records of a type, and until when that holds.
#[derive(Default)]
pub(super) struct Absent(Mutex<HashMap<(Name, RecordType), Instant>>);

impl Absent {
    /// Notes that a name has no records of a type. A full table takes no more.
    pub(super) fn insert(&self, name: &Name, kind: RecordType, valid: Duration) {
        let now = Instant::now();
        let Some(end) = now.checked_add(valid).filter(|_| !valid.is_zero()) else {
            return;
        };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES {
            entries.retain(|_, end| *end > now);
        }
        if entries.len() < ENTRIES {
            entries.insert((name.clone(), kind), end);
        }
    }

    /// Whether a name has no records of a type.
    pub(super) fn has(&self, name: &Name, kind: RecordType) -> bool {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.clone(), kind);
        match entries.get(&key) {
            Some(end) if *end > Instant::now() => true,
            Some(_) => {
                entries.remove(&key);
                false
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_ends_and_the_table_is_bounded() {
        let absent = Absent::default();
        let name = |number: usize| Name::from_ascii(format!("n{number}.test")).unwrap();
        let hour = Duration::from_secs(3600);
        absent.insert(&name(0), RecordType::A, Duration::ZERO);
        assert!(!absent.has(&name(0), RecordType::A));
        for number in 0..ENTRIES + 10 {
            absent.insert(&name(number), RecordType::AAAA, hour);
        }
        assert!(absent.has(&name(0), RecordType::AAAA));
        assert!(!absent.has(&name(0), RecordType::A));
        assert!(!absent.has(&name(ENTRIES + 1), RecordType::AAAA));
        assert_eq!(absent.0.lock().unwrap().len(), ENTRIES);
    }
}
