//! Suggestions for misspelled names.

/// The candidate that was probably meant: one that differs by a letter or two.
pub fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = if name.len() < 5 { 1 } else { 2 };
    let close = candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= most);
    close.min().map(|(_, candidate)| candidate)
}

/// The edit distance: letters inserted, removed, changed or swapped with the next one.
fn distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    if from.len().abs_diff(to.len()) > 2 || from.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let swap = if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                rows[i - 1][j - 1] + 1
            } else {
                usize::MAX
            };
            let change = rows[i][j] + usize::from(a != b);
            row.push(change.min(rows[i][j + 1] + 1).min(row[j] + 1).min(swap));
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn names() {
        let names = ["timeout", "protocol", "listen"];
        assert_eq!(similar("timeuot", names.into_iter()), Some("timeout"));
        assert_eq!(similar("lisen", names.into_iter()), Some("listen"));
        assert_eq!(similar("xyz", names.into_iter()), None);
    }
}
