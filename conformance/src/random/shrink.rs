//! Reduces a configuration that shows a difference: removes files, lines, statements and words as long as the difference remains.

use super::sample::Sample;

/// The maximum number of comparisons.
const MOST_TRIES: usize = 400;

/// Removes everything that `differs` does not need.
///
/// # Errors
/// As `differs`.
pub fn shrink(
    mut sample: Sample,
    differs: impl Fn(&Sample) -> Result<bool, String>,
) -> Result<Sample, String> {
    let mut tries = 0;
    let mut holds = |sample: &Sample| {
        tries += 1;
        if tries > MOST_TRIES {
            Ok(false)
        } else {
            differs(sample)
        }
    };
    let without_globals = Sample {
        globals: String::new(),
        ..sample.clone()
    };
    if !sample.globals.is_empty() && holds(&without_globals)? {
        sample = without_globals;
    }
    for at in (1..sample.files.len()).rev() {
        let mut less = sample.clone();
        less.files.remove(at);
        if holds(&less)? {
            sample = less;
        }
    }
    for separator in [b'\n', b';', b' '] {
        for at in 0..sample.files.len() {
            let mut pieces: Vec<Vec<u8>> = sample.files[at]
                .1
                .split_inclusive(|byte| *byte == separator)
                .map(<[u8]>::to_vec)
                .collect();
            let mut size = pieces.len().next_power_of_two();
            while size > 0 {
                let mut from = 0;
                while from < pieces.len() {
                    let to = (from + size).min(pieces.len());
                    let mut less = sample.clone();
                    less.files[at].1 = [&pieces[..from], &pieces[to..]].concat().concat();
                    if holds(&less)? {
                        pieces.drain(from..to);
                        sample = less;
                    } else {
                        from = to;
                    }
                }
                size /= 2;
            }
        }
    }
    Ok(sample)
}
