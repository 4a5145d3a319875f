//! The logins whose new sessions are refused for a while, because their mail is being moved.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The most logins.
pub const MOST_HOLDS: usize = 10_000;
/// The longest login, in bytes.
pub const LONGEST_HELD: usize = 255;

/// The held logins, without regard to case. They outlive reloads.
#[derive(Debug, Default)]
pub struct Holds {
    /// Their number: as long as it is 0, a session takes no lock.
    count: AtomicUsize,
    logins: RwLock<BTreeSet<Box<[u8]>>>,
}

/// Why a login cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldError {
    /// It has more than [`LONGEST_HELD`] bytes.
    TooLong,
    /// [`MOST_HOLDS`] logins are held.
    Full,
}

impl Holds {
    /// Holds a login, which may be held already.
    ///
    /// # Errors
    /// It is too long, or there are too many.
    pub fn hold(&self, login: &[u8]) -> Result<(), HoldError> {
        if login.len() > LONGEST_HELD {
            return Err(HoldError::TooLong);
        }
        let login = login.to_ascii_lowercase().into_boxed_slice();
        let mut logins = self.write();
        if logins.len() >= MOST_HOLDS && !logins.contains(&login) {
            return Err(HoldError::Full);
        }
        logins.insert(login);
        self.count.store(logins.len(), Ordering::Relaxed);
        Ok(())
    }

    /// Ends the hold of a login. Returns whether it was held.
    pub fn release(&self, login: &[u8]) -> bool {
        let mut logins = self.write();
        let was_held = logins.remove(&*login.to_ascii_lowercase());
        self.count.store(logins.len(), Ordering::Relaxed);
        was_held
    }

    /// Whether a login is held.
    pub fn has(&self, login: &[u8]) -> bool {
        self.count.load(Ordering::Relaxed) > 0 && self.read().contains(&*login.to_ascii_lowercase())
    }

    /// All of them, in lower case and in order.
    pub fn all(&self) -> Vec<Box<[u8]>> {
        self.read().iter().cloned().collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeSet<Box<[u8]>>> {
        self.logins.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeSet<Box<[u8]>>> {
        self.logins.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_held_without_regard_to_case() {
        let holds = Holds::default();
        assert!(!holds.has(b"joe"));
        holds.hold(b"Joe@Example.org").unwrap();
        holds.hold(b"joe@example.ORG").unwrap();
        assert!(holds.has(b"JOE@example.org") && !holds.has(b"joe"));
        assert_eq!(holds.all(), [Box::from(&b"joe@example.org"[..])]);
        assert!(holds.release(b"jOe@example.org"));
        assert!(!holds.release(b"joe@example.org"));
        assert!(!holds.has(b"joe@example.org"));
    }

    #[test]
    fn there_are_bounds() {
        let holds = Holds::default();
        assert_eq!(holds.hold(&[b'a'; 256]), Err(HoldError::TooLong));
        for number in 0..MOST_HOLDS {
            let login = number.to_string();
            holds.hold(login.as_bytes()).unwrap();
        }
        assert_eq!(holds.hold(b"another"), Err(HoldError::Full));
        assert_eq!(holds.hold(b"1"), Ok(()), "it is held already");
        assert!(holds.release(b"1"));
        assert_eq!(holds.hold(b"another"), Ok(()));
    }
}
