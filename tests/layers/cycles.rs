//! Import cycles between the modules of one folder. A module stands for itself and all its descendants.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Edge, Tree};

/// A strongly connected set of sibling modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Path of the parent module; `crate` for the root.
    pub folder: String,
    /// Names of the siblings, sorted.
    pub members: BTreeSet<String>,
    /// All uses of one member by another.
    pub edges: Vec<Edge>,
}

/// All cycles between siblings, at every depth. Uses in test code are ignored.
pub fn between_siblings(tree: &Tree) -> Vec<Cycle> {
    let edges = tree.edges.iter().filter(|edge| !edge.test);
    let mut folders: BTreeMap<Vec<String>, Vec<(String, String, &Edge)>> = BTreeMap::new();
    for edge in edges {
        let (from, to) = (&tree.modules[edge.from].path, &tree.modules[edge.to].path);
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        // One of the two is an ancestor of the other: no siblings.
        if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
            folders.entry(from[..common].to_vec()).or_default().push((
                one.clone(),
                other.clone(),
                edge,
            ));
        }
    }
    let mut cycles = Vec::new();
    for (folder, needs) in folders {
        let pairs = needs
            .iter()
            .map(|(one, other, _)| (one.as_str(), other.as_str()));
        for members in strongly_connected(pairs) {
            let inside = |name: &String| members.contains(name.as_str());
            let edges = needs
                .iter()
                .filter(|(one, other, _)| inside(one) && inside(other));
            cycles.push(Cycle {
                folder: match folder.is_empty() {
                    true => "crate".to_owned(),
                    false => folder.join("::"),
                },
                edges: edges.map(|(_, _, edge)| (*edge).clone()).collect(),
                members: members.into_iter().map(str::to_owned).collect(),
            });
        }
    }
    cycles
}

/// All cycles between files; a `mod.rs` counts like any other file.
pub fn between_files(tree: &Tree) -> Vec<BTreeSet<String>> {
    let file = |module: usize| tree.modules[module].file.as_str();
    let pairs = tree
        .edges
        .iter()
        .filter(|edge| !edge.test)
        .map(|edge| (file(edge.from), file(edge.to)))
        .filter(|(one, other)| one != other);
    let found = strongly_connected(pairs).into_iter();
    found
        .map(|members| members.into_iter().map(str::to_owned).collect())
        .collect()
}

/// The strongly connected components with two or more names.
fn strongly_connected<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<BTreeSet<&'a str>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (one, other) in pairs {
        next.entry(one).or_default().insert(other);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = next
        .keys()
        .map(|&start| {
            let mut seen = BTreeSet::new();
            let mut open = vec![start];
            while let Some(name) = open.pop() {
                let more = next.get(name).into_iter().flatten();
                open.extend(more.filter(|name| seen.insert(**name)));
            }
            (start, seen)
        })
        .collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (&name, seen) in &reached {
        let is_known = found.iter().any(|component| component.contains(name));
        let returns = |other: &&&str| reached.get(**other).is_some_and(|back| back.contains(name));
        let component: BTreeSet<&str> = seen.iter().filter(returns).copied().collect();
        if component.len() > 1 && !is_known {
            found.push(component);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::made_up;
    use super::{between_files, between_siblings};

    fn shown(files: &[(&str, &str)]) -> Vec<String> {
        let cycles = between_siblings(&made_up(files)).into_iter();
        cycles
            .map(|cycle| {
                let members: Vec<_> = cycle.members.into_iter().collect();
                format!("{}: {}", cycle.folder, members.join(" "))
            })
            .collect()
    }

    #[test]
    fn cycles_are_found_through_folders_and_re_exports() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a/mod.rs", "pub mod deep; pub use deep::Thing;"),
            ("a/deep.rs", "pub struct Thing; fn f() { crate::c::g() }"),
            ("b.rs", "pub use crate::a::Thing;"),
            ("c.rs", "use crate::b::Thing; pub fn g() {}"),
        ];
        // b only re-exports Thing: c uses a::deep, and a::deep uses c.
        assert_eq!(shown(&files), ["crate: a c"]);
    }

    #[test]
    fn every_depth_is_checked() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod x; mod y; mod z;"),
            ("a/x.rs", "use super::y::Y; pub struct X;"),
            ("a/y.rs", "use super::z::Z; pub struct Y;"),
            ("a/z.rs", "pub struct Z; fn f(_: super::x::X) {}"),
        ];
        assert_eq!(shown(&files), ["a: x y z"]);
    }

    #[test]
    fn test_code_and_parents_do_not_count() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod c; pub struct A; fn f() { c::g() }"),
            ("a/c.rs", "use super::A; pub fn g() {} use crate::b::B;"),
            (
                "b.rs",
                "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
            ),
        ];
        assert!(shown(&files).is_empty());
        let found = between_files(&made_up(&files));
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("a/mod.rs") && found[0].contains("a/c.rs"));
    }
}
