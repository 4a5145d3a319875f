//! The names that nginx knows, from its documentation: in a wrong block they are "not allowed here", others are "unknown".

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table;

static NGINX: &str = include_str!("nginx.tsv");

/// A directive as nginx's documentation has it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The module it belongs to.
    pub module: &'static str,
    /// The blocks it may stand in, with commas between; empty for any block.
    pub contexts: &'static str,
}

static NAMES: LazyLock<HashMap<&'static str, Vec<Known>>> = LazyLock::new(|| {
    let mut names: HashMap<&'static str, Vec<Known>> = HashMap::new();
    let lines = NGINX.lines().filter(|line| !line.starts_with('#')).skip(1);
    for line in lines {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let (name, module, contexts) = (field(), field(), field());
        names
            .entry(name)
            .or_default()
            .push(Known { module, contexts });
    }
    names
});

/// What nginx has under this name, module by module.
#[must_use]
pub fn in_nginx(name: &str) -> &'static [Known] {
    NAMES.get(name).map_or(&[], Vec::as_slice)
}

/// Whether a directive of this name exists, in whatever block.
#[must_use]
pub fn is_known(name: &str) -> bool {
    NAMES.contains_key(name) || !table::find(name).is_empty()
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
    use crate::config::{is_known, near};

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
