//! Work on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The number of threads that have a working directory each. They use different loopback addresses; see [`crate::workdir`].
pub const THREADS: u32 = 4;

/// Applies `work` to all items and returns the results in their order. Each thread passes its number to `setup`, and what that
/// returns to `work`.
///
/// # Errors
/// The first error of `setup` or `work`; the remaining items are skipped.
pub fn map<T: Sync, S, R: Send>(
    items: &[T],
    threads: u32,
    setup: impl Fn(u32) -> Result<S, String> + Sync,
    work: impl Fn(&mut S, &T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let run = |number| -> Result<(), String> {
        let mut state = setup(number)?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return Ok(());
            };
            let result = work(&mut state, item)?;
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((index, result));
        }
    };
    let run = |number| {
        let result = run(number);
        if result.is_err() {
            next.store(items.len(), Ordering::Relaxed);
        }
        result
    };
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads)
            .map(|number| scope.spawn(move || run(number)))
            .collect();
        let joined: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        joined
            .into_iter()
            .try_for_each(|joined| joined.unwrap_or_else(|_| Err("a thread panicked".to_owned())))
    })?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        let results = map(&items, 4, |_| Ok(()), |(), item| Ok(item * 2));
        assert_eq!(
            results,
            Ok(items.iter().map(|item| item * 2).collect::<Vec<_>>())
        );
    }

    #[test]
    fn an_error_ends_the_run() {
        let items: Vec<u32> = (0..100).collect();
        let work = |(): &mut (), item: &u32| match item {
            50 => Err("fifty".to_owned()),
            item => Ok(*item),
        };
        assert_eq!(map(&items, 4, |_| Ok(()), work), Err("fifty".to_owned()));
    }
}
