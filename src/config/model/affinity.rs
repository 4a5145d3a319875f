//! `worker_cpu_affinity`: which processors the threads of a worker may run on.

/// Processors by number, counted from 0, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask(pub Vec<u16>);

/// The processors of the threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// One mask for each thread; the last one holds for further threads.
    Masks(Vec<Mask>),
    /// One processor for each thread in turn, of this mask or of all.
    Auto(Option<Mask>),
}

impl Affinity {
    /// The processors of each of so many threads, on a machine with so many processors.
    #[must_use]
    pub fn of_threads(&self, threads: usize, processors: usize) -> Vec<Mask> {
        let mask = |thread: usize| match self {
            Self::Masks(masks) => masks.get(thread).or(masks.last()).cloned(),
            Self::Auto(Some(Mask(allowed))) if !allowed.is_empty() => {
                Some(Mask(vec![allowed[thread % allowed.len()]]))
            }
            Self::Auto(_) => {
                let number = u16::try_from(thread % processors.max(1));
                Some(Mask(number.into_iter().collect()))
            }
        };
        (0..threads).filter_map(mask).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_get_their_processors() {
        let of = |affinity: Affinity| affinity.of_threads(3, 2);
        let masks = |numbers: &[&[u16]]| -> Vec<Mask> {
            let masks = numbers.iter().map(|numbers| Mask(numbers.to_vec()));
            masks.collect()
        };
        assert_eq!(of(Affinity::Auto(None)), masks(&[&[0], &[1], &[0]]));
        let allowed = Mask(vec![4, 6]);
        assert_eq!(
            of(Affinity::Auto(Some(allowed))),
            masks(&[&[4], &[6], &[4]])
        );
        let written = masks(&[&[0, 1], &[2]]);
        assert_eq!(of(Affinity::Masks(written)), masks(&[&[0, 1], &[2], &[2]]));
    }
}
