//! Values that are shared by key while a reference to them exists: open files, resolvers, TLS settings.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Shared values by key. The registry itself keeps none of them alive.
pub struct Registry<K, V>(Mutex<Entries<K, V>>);

struct Entries<K, V> {
    values: HashMap<K, Weak<V>>,
    /// The number of entries at which those without a value are removed.
    sweep_at: usize,
}

impl<K, V> Default for Registry<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Entries {
            values: HashMap::new(),
            sweep_at: 16,
        }))
    }
}

impl<K: Eq + Hash, V> Registry<K, V> {
    /// The shared value of a key. Calls `make` if no value of this key is in use.
    ///
    /// # Errors
    /// The error of `make`.
    pub fn get_or_make<E>(
        &self,
        key: K,
        make: impl FnOnce(&K) -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        let mut entries = self.entries();
        if let Some(value) = entries.values.get(&key).and_then(Weak::upgrade) {
            return Ok(value);
        }
        let value = Arc::new(make(&key)?);
        if entries.values.len() >= entries.sweep_at {
            entries.values.retain(|_, value| value.strong_count() > 0);
            entries.sweep_at = 2 * entries.values.len() + 16;
        }
        entries.values.insert(key, Arc::downgrade(&value));
        Ok(value)
    }

    /// All values that are in use.
    pub fn values(&self) -> Vec<Arc<V>> {
        let entries = self.entries();
        entries.values.values().filter_map(Weak::upgrade).collect()
    }
}

impl<K, V> Registry<K, V> {
    fn entries(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for Registry<K, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.entries().values.len();
        write!(out, "Registry({length})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn get(registry: &Registry<usize, usize>, key: usize) -> Arc<usize> {
        let Ok(value) = registry.get_or_make(key, |key| Ok::<_, Infallible>(key * 10));
        value
    }

    #[test]
    fn a_value_is_shared_while_it_is_held() {
        let registry = Registry::default();
        let first = get(&registry, 1);
        assert!(Arc::ptr_eq(&first, &get(&registry, 1)));
        assert_eq!((*first, registry.values().len()), (10, 1));
        drop(first);
        assert!(registry.values().is_empty());
        assert_eq!(registry.get_or_make(1, |_| Err("no")), Err("no"));
    }

    #[test]
    fn values_that_nobody_holds_take_no_room() {
        let registry = Registry::default();
        let kept = get(&registry, 0);
        for key in 1..1000 {
            get(&registry, key);
        }
        assert!(registry.entries().values.len() < 100);
        assert!(Arc::ptr_eq(&kept, &get(&registry, 0)));
    }
}
