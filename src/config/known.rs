//! The names that nginx knows, from its documentation: in a wrong block they are "not allowed here", others are "unknown".

use std::collections::HashSet;
use std::sync::LazyLock;

use super::modules::table;

static NGINX: &str = include_str!("nginx-directives.tsv");

static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = NGINX.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.filter_map(|line| line.split('\t').next()).collect()
});

/// Whether a directive of this name exists, in whatever block.
#[must_use]
pub fn is_known(name: &str) -> bool {
    NAMES.contains(name) || !table::find(name).is_empty()
}

/// The name that was probably meant: of those that may stand here, one that differs by a letter or two.
#[must_use]
pub fn near<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = if name.len() < 5 { 1 } else { 2 };
    let close = candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(far, _)| *far <= most);
    close.min().map(|(_, candidate)| candidate)
}

/// How many letters must be put in, left out, changed or swapped with the next one.
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
    use super::{is_known, near};

    #[test]
    fn names() {
        assert!(
            is_known("gzip")
                && is_known("proxy_pass")
                && is_known("max_commands")
                && !is_known("name")
                && !is_known("")
        );
    }

    #[test]
    fn near_names() {
        let names = ["timeout", "protocol", "listen"];
        assert_eq!(near("timeuot", names.into_iter()), Some("timeout"));
        assert_eq!(near("lisen", names.into_iter()), Some("listen"));
        assert_eq!(near("xyz", names.into_iter()), None);
    }
}
