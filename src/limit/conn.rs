//! Open connections for each key, as in nginx's limit_conn modules.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::figures::{Tally, Zone, ZoneFigures, zones};
use super::table::{Key, Table, Value};

/// Counts the open connections of each key.
#[derive(Debug)]
pub struct ConnZone {
    table: Table<Count>,
    tally: Tally,
    numbers: AtomicU32,
}

/// The connections of one key.
#[derive(Debug, Default)]
struct Count {
    open: u32,
    /// Tells an entry from a later one with the same key: the connections of an entry that had to leave do not count in it.
    number: u32,
}

impl Value for Count {
    const USUAL: usize = 0;

    fn owned(&self) -> usize {
        0
    }
}

/// One connection that is counted. Dropping it ends that.
#[derive(Debug)]
pub struct ConnLease {
    zone: Arc<ConnZone>,
    key: Key,
    number: u32,
}

zones!(ConnZone);

impl ConnZone {
    /// A zone that needs at most `size` bytes.
    pub fn new(size: usize) -> Self {
        Self {
            table: Table::new(size),
            tally: Tally::default(),
            numbers: AtomicU32::new(0),
        }
    }

    /// Counts one more connection of a key. `None`: it has `limit` connections already.
    pub fn check(self: &Arc<Self>, key: &[u8], limit: u32) -> Option<ConnLease> {
        let key = self.table.key(key);
        let number = self.table.update(key, |count| {
            if count.open >= limit {
                return None;
            }
            if count.open == 0 {
                count.number = self.numbers.fetch_add(1, Ordering::Relaxed);
            }
            count.open += 1;
            Some(count.number)
        })?;
        Some(ConnLease {
            zone: Arc::clone(self),
            key,
            number,
        })
    }

    /// The number of keys with open connections.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no connection is counted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for ConnLease {
    fn drop(&mut self) {
        let number = self.number;
        self.zone.table.retain(self.key, |count| {
            if count.number == number {
                count.open -= 1;
            }
            count.open > 0
        });
    }
}
