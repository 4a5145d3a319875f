//! The module tree of a crate, and the resolution of paths to the module that defines their item.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::module::{Module, modules};

/// The modules of a crate; the first one is the root.
pub struct Tree {
    pub modules: Vec<Module>,
    index: HashMap<Vec<String>, usize>,
    /// All uses of one module by another.
    pub edges: Vec<Edge>,
    /// Whether a module, by its index, is `#[cfg(test)]` or below one that is.
    test: Vec<bool>,
}

/// A use of one module by another. Modules are indices into [`Tree::modules`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from: usize,
    /// The module that defines the item.
    pub to: usize,
    /// The path as written.
    pub path: String,
    pub line: usize,
    /// In test code.
    pub test: bool,
}

/// What a name refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Module(usize),
    /// An item that this module defines.
    Item(usize),
}

/// The longest chain of re-exports that is followed.
const LONGEST_CHAIN: usize = 32;

impl Tree {
    /// Reads the crate whose `lib.rs` is in this folder.
    pub fn load(folder: &Path) -> Self {
        Self::read(|file| fs::read_to_string(folder.join(file)).ok())
    }

    /// Reads a crate; `source` returns the text of a file, named relative to the folder of `lib.rs`.
    ///
    /// # Panics
    /// When the file of a declared module is missing.
    pub fn read(source: impl Fn(&str) -> Option<String>) -> Self {
        let mut tree = Self {
            modules: Vec::new(),
            index: HashMap::new(),
            edges: Vec::new(),
            test: Vec::new(),
        };
        let mut open: Vec<(Vec<String>, bool)> = vec![(Vec::new(), false)];
        while let Some((path, test)) = open.pop() {
            if tree.index.contains_key(&path) {
                continue;
            }
            let name = path.join("/");
            let candidates = match path.is_empty() {
                true => vec!["lib.rs".to_owned()],
                false => vec![format!("{name}.rs"), format!("{name}/mod.rs")],
            };
            let found = candidates
                .iter()
                .find_map(|file| Some((file, source(file)?)));
            let (file, text) =
                found.unwrap_or_else(|| panic!("no file of the module {}", path.join("::")));
            let mut inherited = HashMap::from([(path.clone(), test)]);
            for module in modules(&path, file, &text) {
                let test = inherited.get(&module.path).copied().unwrap_or_default();
                for (child, own) in &module.children {
                    let mut path = module.path.clone();
                    path.push(child.clone());
                    inherited.insert(path.clone(), test || *own);
                    open.push((path, test || *own));
                }
                tree.index.insert(module.path.clone(), tree.modules.len());
                tree.test.push(test);
                tree.modules.push(module);
            }
        }
        tree.edges = tree.find_edges();
        tree
    }

    /// The path of a module, such as `a::b`; `crate` for the root.
    pub fn name(&self, module: usize) -> String {
        match self.modules[module].path.as_slice() {
            [] => "crate".to_owned(),
            path => path.join("::"),
        }
    }

    /// The module with this path.
    pub fn find(&self, name: &str) -> Option<usize> {
        let path = name.split("::").map(str::to_owned);
        self.index.get(&path.collect::<Vec<_>>()).copied()
    }

    /// Whether a module is only compiled for tests.
    pub fn is_test(&self, module: usize) -> bool {
        self.test[module]
    }

    fn find_edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (from, module) in self.modules.iter().enumerate() {
            let uses = module
                .uses
                .iter()
                .map(|one| (&one.path, one.line, one.test));
            let names = module
                .names
                .iter()
                .map(|named| (&named.path, named.line, false));
            for (path, line, test) in uses.chain(names) {
                let Some(to) = self.defining(from, path).filter(|to| *to != from) else {
                    continue;
                };
                edges.push(Edge {
                    from,
                    to,
                    path: path.join("::"),
                    line,
                    test: test || self.test[from],
                });
            }
        }
        edges
    }

    /// The module that defines the item a path refers to; `None` for other crates and local names.
    pub fn defining(&self, module: usize, path: &[String]) -> Option<usize> {
        match self.resolve(module, path, LONGEST_CHAIN)? {
            Found::Module(module) | Found::Item(module) => Some(module),
        }
    }

    fn parent(&self, module: usize) -> Option<usize> {
        let (_, path) = self.modules[module].path.split_last()?;
        self.index.get(path).copied()
    }

    fn resolve(&self, module: usize, path: &[String], left: usize) -> Option<Found> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => 0,
            "self" => module,
            "super" => {
                let mut above = self.parent(module)?;
                while let Some(("super", more)) =
                    rest.split_first().map(|(word, more)| (word.as_str(), more))
                {
                    above = self.parent(above)?;
                    rest = more;
                }
                above
            }
            name => match self.look_up(module, name, left)? {
                Found::Module(found) => found,
                item => return Some(item),
            },
        };
        for name in rest {
            match self.look_up(at, name, left) {
                Some(Found::Module(found)) => at = found,
                Some(item) => return Some(item),
                // A macro of that module defines it.
                None => return Some(Found::Item(at)),
            }
        }
        Some(Found::Module(at))
    }

    /// Looks a name up in a module: a child, an own item, or an import.
    fn look_up(&self, module: usize, name: &str, left: usize) -> Option<Found> {
        let left = left.checked_sub(1)?;
        let here = &self.modules[module];
        let mut child = here.path.clone();
        child.push(name.to_owned());
        if let Some(&child) = self.index.get(&child) {
            return Some(Found::Module(child));
        }
        if here.items.contains(name) {
            return Some(Found::Item(module));
        }
        let named = here
            .uses
            .iter()
            .filter(|one| one.name.as_deref() == Some(name));
        // A module and a function may have the same name and be imported together.
        for one in named {
            if one.path != [name]
                && let Some(found) = self.resolve(module, &one.path, left)
            {
                return Some(found);
            }
        }
        let globs = here.uses.iter().filter(|one| one.name.is_none());
        for glob in globs {
            if let Some(Found::Module(found)) = self.resolve(module, &glob.path, left)
                && found != module
                && let Some(item) = self.look_up(found, name, left)
            {
                return Some(item);
            }
        }
        None
    }
}

#[cfg(test)]
pub mod tests {
    use super::Tree;

    /// A crate from made-up files.
    pub fn made_up(files: &[(&str, &str)]) -> Tree {
        Tree::read(|file| {
            let found = files.iter().find(|(name, _)| *name == file)?;
            Some(found.1.to_owned())
        })
    }

    /// The uses of other modules by one module.
    fn uses(tree: &Tree, from: &str) -> Vec<String> {
        let from = tree.find(from);
        let edges = tree.edges.iter();
        edges
            .filter(|edge| Some(edge.from) == from)
            .map(|edge| format!("{} = {}", edge.path, tree.name(edge.to)))
            .collect()
    }

    #[test]
    fn re_exports_resolve_to_the_defining_module() {
        let tree = made_up(&[
            ("lib.rs", "pub mod a; mod b;"),
            (
                "a/mod.rs",
                "mod inner; pub use inner::{Thing, deep::Other as Renamed}; pub use self::run::run; mod run;",
            ),
            ("a/inner/mod.rs", "pub struct Thing; pub mod deep;"),
            ("a/inner/deep.rs", "pub enum Other { One }"),
            ("a/run.rs", "pub fn run() {}"),
            (
                "b.rs",
                "use crate::a::{Thing, Renamed, run}; fn f() { Renamed::One; crate::a::run(); Vec::new() }",
            ),
        ]);
        assert_eq!(
            uses(&tree, "b"),
            [
                "crate::a::Thing = a::inner",
                "crate::a::Renamed = a::inner::deep",
                "crate::a::run = a::run",
                "Renamed::One = a::inner::deep",
                "crate::a::run = a::run",
            ]
        );
    }

    #[test]
    fn super_self_globs_and_imported_modules_resolve() {
        let tree = made_up(&[
            ("lib.rs", "mod a; mod z { pub fn last() {} }"),
            (
                "a/mod.rs",
                "mod b; mod c; use crate::z; pub const LIMIT: u8 = 1;",
            ),
            (
                "a/b.rs",
                "use super::*; use self::own::X; mod own { pub struct X; use super::super::c::Y; } fn f() { c::g(); z::last(); super::LIMIT }",
            ),
            ("a/c.rs", "pub struct Y; pub fn g() {}"),
        ]);
        assert_eq!(
            uses(&tree, "a::b"),
            [
                "super = a",
                "self::own::X = a::b::own",
                "c::g = a::c",
                "z::last = z",
                "super::LIMIT = a",
            ]
        );
        assert_eq!(uses(&tree, "a::b::own"), ["super::super::c::Y = a::c"]);
    }

    #[test]
    fn other_crates_are_ignored_and_circular_re_exports_terminate() {
        let tree = made_up(&[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "pub use crate::b::Round; use std::fs; use serde; fn f() { fs::read(); serde::x() }",
            ),
            ("b.rs", "pub use crate::a::Round;"),
        ]);
        // Circular re-exports do not compile; the search only has to terminate.
        assert_eq!(uses(&tree, "a").len(), 1);
    }

    #[test]
    fn code_below_cfg_test_is_marked() {
        let tree = made_up(&[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "#[cfg(test)] mod tests { mod deep { use crate::b::T; } } #[cfg(test)] use crate::b::T; use crate::b::U;",
            ),
            ("b.rs", "pub struct T; pub struct U;"),
        ]);
        let tests: Vec<_> = tree.edges.iter().map(|edge| edge.test).collect();
        assert_eq!(tests, [true, false, true]);
        assert!(tree.is_test(tree.find("a::tests::deep").expect("a module")));
    }
}
