//! Values by key in bounded memory. When there is no room for one more, the oldest one leaves.
//!
//! A key is kept as its hash only, with a random key of the table: entries have one size whatever is counted, logins are not kept, and a
//! client cannot choose keys that collide. Memory is reserved at once and becomes resident as it is used.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::mem::size_of;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The least memory of a shard, in bytes: smaller tables have fewer shards.
const LEAST_SHARD: usize = 64 << 10;
/// The most shards of a table. Each has a lock of its own.
const MOST_SHARDS: usize = 16;
/// The memory of an allocation beside its bytes, at most.
pub(super) const PER_ALLOCATION: usize = 16;

/// A value of a table.
pub(super) trait Value: Default {
    /// The bytes that a usual value owns outside of itself.
    const USUAL: usize;

    /// The bytes that it owns outside of itself now.
    fn owned(&self) -> usize;
}

/// Values by key.
pub(super) struct Table<V> {
    shards: Box<[Mutex<Shard<V>>]>,
    hasher: RandomState,
}

/// A key of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

impl<V: Value> Table<V> {
    /// A table that needs at most `size` bytes.
    pub fn new(size: usize) -> Self {
        let shards = (size / LEAST_SHARD).clamp(1, MOST_SHARDS);
        let shards = (0..shards).map(|_| Mutex::new(Shard::new(size / shards)));
        Self {
            shards: shards.collect(),
            hasher: RandomState::new(),
        }
    }

    /// The key of these bytes.
    pub fn key(&self, bytes: &[u8]) -> Key {
        Key(self.hasher.hash_one(bytes))
    }

    /// Calls `act` with the value of a key, which is made if there is none, and becomes the newest one.
    pub fn update<T>(&self, key: Key, act: impl FnOnce(&mut V) -> T) -> T {
        let mut shard = self.shard(key);
        let at = match shard.find(key.0) {
            Some(at) => {
                shard.unlink(at);
                shard.link(at);
                at
            }
            None => shard.insert(key.0),
        };
        let result = shard.act(at, act);
        shard.shrink(at);
        result
    }

    /// Calls `act` with the value of a key, if there is one, and removes it unless `act` returns true.
    pub fn retain(&self, key: Key, act: impl FnOnce(&mut V) -> bool) {
        let mut shard = self.shard(key);
        if let Some(at) = shard.find(key.0)
            && !shard.act(at, act)
        {
            shard.remove(at);
        }
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).count).sum()
    }

    /// The memory in use, in bytes.
    pub fn used(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).used()).sum()
    }

    fn shard(&self, key: Key) -> MutexGuard<'_, Shard<V>> {
        // The low bits choose the place in a shard.
        let at = (key.0 >> 48) as usize % self.shards.len();
        lock(&self.shards[at])
    }
}

fn lock<V>(shard: &Mutex<Shard<V>>) -> MutexGuard<'_, Shard<V>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<V: Value> fmt::Debug for Table<V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Table({})", self.len())
    }
}

/// The number of a slot, from 1; 0 is none.
type Place = u32;

/// A part of a table: slots that are linked by age and, where their hashes share a bucket, in a chain.
struct Shard<V> {
    /// The first slot of each chain. The length is a power of 2.
    buckets: Vec<Place>,
    /// The slot of number 1 is the first.
    slots: Vec<Slot<V>>,
    /// The slots that are in use.
    count: usize,
    newest: Place,
    oldest: Place,
    /// The first unused slot; `older` leads to the next.
    free: Place,
    /// The bytes that all values own.
    owned: usize,
    /// The bytes that slots and what they own may have.
    room: usize,
}

struct Slot<V> {
    hash: u64,
    newer: Place,
    older: Place,
    /// The next slot of the chain.
    next: Place,
    value: V,
}

impl<V: Value> Shard<V> {
    fn new(size: usize) -> Self {
        let usual = size_of::<Slot<V>>() + V::USUAL;
        // One bucket for one or two slots.
        let places = size / (usual + size_of::<Place>());
        let buckets = places.max(2).next_power_of_two() / 2;
        let room = size.saturating_sub(buckets * size_of::<Place>());
        let most = u32::try_from(room / usual).unwrap_or(u32::MAX).max(1);
        Self {
            buckets: vec![0; buckets],
            slots: Vec::with_capacity(most as usize),
            count: 0,
            newest: 0,
            oldest: 0,
            free: 0,
            owned: 0,
            room,
        }
    }

    /// The memory of all slots that were used so far, of what they own, and of the buckets.
    fn used(&self) -> usize {
        let slots = self.slots.len() * size_of::<Slot<V>>();
        self.buckets.len() * size_of::<Place>() + slots + self.owned
    }

    fn slot(&mut self, at: Place) -> &mut Slot<V> {
        &mut self.slots[at as usize - 1]
    }

    fn bucket(&mut self, hash: u64) -> &mut Place {
        let mask = self.buckets.len() as u64 - 1;
        &mut self.buckets[(hash & mask) as usize]
    }

    fn find(&mut self, hash: u64) -> Option<Place> {
        let mut at = *self.bucket(hash);
        while at != 0 {
            let slot = self.slot(at);
            if slot.hash == hash {
                return Some(at);
            }
            at = slot.next;
        }
        None
    }

    /// Changes a value and counts what it owns then.
    fn act<T>(&mut self, at: Place, act: impl FnOnce(&mut V) -> T) -> T {
        let value = &mut self.slot(at).value;
        let before = value.owned();
        let result = act(value);
        let after = value.owned();
        self.owned = self.owned + after - before;
        result
    }

    /// Adds a value as the newest one.
    fn insert(&mut self, hash: u64) -> Place {
        if self.free == 0 && self.slots.len() == self.slots.capacity() {
            self.remove(self.oldest);
        }
        let at = match self.free {
            0 => {
                self.slots.push(Slot {
                    hash,
                    newer: 0,
                    older: 0,
                    next: 0,
                    value: V::default(),
                });
                self.slots.len() as Place
            }
            free => {
                self.free = self.slot(free).older;
                free
            }
        };
        let next = std::mem::replace(self.bucket(hash), at);
        let slot = self.slot(at);
        (slot.hash, slot.next) = (hash, next);
        self.link(at);
        self.count += 1;
        at
    }

    /// Makes a slot the newest one.
    fn link(&mut self, at: Place) {
        let newest = std::mem::replace(&mut self.newest, at);
        let slot = self.slot(at);
        (slot.newer, slot.older) = (0, newest);
        match newest {
            0 => self.oldest = at,
            newest => self.slot(newest).newer = at,
        }
    }

    /// Takes a slot out of the order of age.
    fn unlink(&mut self, at: Place) {
        let slot = self.slot(at);
        let (newer, older) = (slot.newer, slot.older);
        match newer {
            0 => self.newest = older,
            newer => self.slot(newer).older = older,
        }
        match older {
            0 => self.oldest = newer,
            older => self.slot(older).newer = newer,
        }
    }

    fn remove(&mut self, at: Place) {
        self.unlink(at);
        let (hash, next) = (self.slot(at).hash, self.slot(at).next);
        let mut link = *self.bucket(hash);
        match link == at {
            true => *self.bucket(hash) = next,
            false => {
                while self.slot(link).next != at {
                    link = self.slot(link).next;
                }
                self.slot(link).next = next;
            }
        }
        self.act(at, |value| *value = V::default());
        let free = std::mem::replace(&mut self.free, at);
        self.slot(at).older = free;
        self.count -= 1;
    }

    /// Removes the oldest values, except for the one at `kept`, until the rest fits.
    fn shrink(&mut self, kept: Place) {
        let slots = self.slots.len() * size_of::<Slot<V>>();
        while slots + self.owned > self.room && self.oldest != kept {
            self.remove(self.oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Value for Vec<u8> {
        const USUAL: usize = 0;

        fn owned(&self) -> usize {
            self.capacity()
        }
    }

    fn keys(table: &Table<Vec<u8>>, count: usize) -> Vec<Key> {
        let texts = (0..count).map(|n| table.key(n.to_string().as_bytes()));
        texts.collect()
    }

    #[test]
    fn the_oldest_leaves_first() {
        let table = Table::<Vec<u8>>::new(4096);
        let keys = keys(&table, 1000);
        for key in &keys {
            table.update(*key, |_| ());
            // The first one is used again and again.
            table.update(keys[0], |_| ());
        }
        let mut left: Vec<_> = Vec::new();
        for (n, key) in keys.iter().enumerate() {
            table.retain(*key, |_| {
                left.push(n);
                true
            });
        }
        assert_eq!((left.len(), left[0]), (table.len(), 0));
        let newest: Vec<_> = (1001 - left.len()..1000).collect();
        assert_eq!(left[1..], newest);
        assert!((40..100).contains(&left.len()), "{}", left.len());
    }

    #[test]
    fn what_values_own_counts() {
        let table = Table::<Vec<u8>>::new(4096);
        let keys = keys(&table, 100);
        for key in &keys {
            table.update(*key, |value| *value = Vec::with_capacity(1000));
        }
        assert!(table.len() <= 4, "{}", table.len());
        // One that is larger than the whole table is alone.
        table.update(keys[0], |value| *value = Vec::with_capacity(10_000));
        assert_eq!(table.len(), 1);
        table.retain(keys[0], |_| false);
        assert_eq!((table.len(), lock(&table.shards[0]).owned), (0, 0));
    }

    /// Random inserts and removals, compared with a list.
    #[test]
    fn it_behaves_as_a_list_with_a_limit() {
        let table = Table::<Vec<u8>>::new(2048);
        let most = lock(&table.shards[0]).slots.capacity();
        let keys = keys(&table, 2 * most);
        let mut model: Vec<usize> = Vec::new();
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let n = random.usize(..keys.len());
            let before = model.iter().position(|known| *known == n);
            if random.u8(..4) == 0 {
                let mut met = false;
                table.retain(keys[n], |_| {
                    met = true;
                    false
                });
                assert_eq!(met, before.is_some());
                before.map(|at| model.remove(at));
            } else {
                table.update(keys[n], Vec::clear);
                match before {
                    Some(at) => drop(model.remove(at)),
                    None if model.len() == most => drop(model.remove(0)),
                    None => {}
                }
                model.push(n);
            }
            assert_eq!(table.len(), model.len());
        }
    }
}
