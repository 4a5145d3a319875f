//! The layers of the crate: reads the imports and paths of every source file and checks them against [`rules`].

mod cycles;
mod module;
mod rules;
mod tokens;
mod tree;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use cycles::{Cycle, between_files, between_siblings};
use rules::{ALLOWED_CYCLES, ALLOWED_USES, AllowedCycle, LAYERS, PROTOCOL_MATCHES};
use tree::{Edge, Tree};

/// The crate whose `lib.rs` is in this folder of the workspace.
fn load(folder: &str) -> Tree {
    Tree::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
}

/// The crate of the gateway.
fn sources() -> &'static Tree {
    static SOURCES: LazyLock<Tree> = LazyLock::new(|| load("src"));
    &SOURCES
}

/// Whether `module` is `folder` or a descendant of it.
fn is_in(module: &str, folder: &str) -> bool {
    module
        .strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn position(tree: &Tree, edge: &Edge) -> String {
    format!(
        "{}:{}: {}",
        tree.modules[edge.from].file, edge.line, edge.path
    )
}

#[test]
fn layers_use_only_what_they_may() {
    let tree = sources();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for edge in &tree.edges {
        let (from, to) = (tree.name(edge.from), tree.name(edge.to));
        for layer in LAYERS {
            let leaves = is_in(&from, layer.module) && !is_in(&to, layer.module);
            if !leaves || layer.may_use.iter().any(|folder| is_in(&to, folder)) {
                continue;
            }
            let exception = ALLOWED_USES
                .iter()
                .position(|one| is_in(&from, one.from) && is_in(&to, one.to));
            match exception {
                Some(number) => drop(seen.insert(number)),
                None => wrong.push(format!(
                    "{}: {} uses {to}",
                    position(tree, edge),
                    layer.module
                )),
            }
        }
    }
    for (number, one) in ALLOWED_USES.iter().enumerate() {
        if !seen.contains(&number) {
            let (from, to, reason) = (one.from, one.to, one.reason);
            wrong.push(format!(
                "stale entry: {from} no longer uses {to} ({reason})"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_root_module_is_a_layer() {
    let tree = sources();
    let declared = tree.modules[0].children.iter().map(|(name, _)| name);
    let missing: Vec<_> = declared
        .filter(|name| LAYERS.iter().all(|layer| layer.module != *name))
        .collect();
    assert!(missing.is_empty(), "no layer for {missing:?}");
    for layer in LAYERS {
        let named = [layer.module].into_iter();
        for name in named.chain(layer.may_use.iter().copied()) {
            assert!(tree.find(name).is_some(), "no module {name}");
        }
    }
}

#[test]
fn layers_do_not_use_forbidden_crates() {
    let tree = sources();
    let mut wrong = Vec::new();
    for (number, module) in tree.modules.iter().enumerate() {
        let name = tree.name(number);
        let uses = module.uses.iter().map(|one| (&one.path, one.line));
        let paths = module.names.iter().map(|named| (&named.path, named.line));
        for (path, line) in uses.chain(paths) {
            for layer in LAYERS.iter().filter(|layer| is_in(&name, layer.module)) {
                if layer.forbidden_crates.contains(&path[0].as_str())
                    && tree.defining(number, path).is_none()
                {
                    let (file, layer) = (&module.file, layer.module);
                    wrong.push(format!("{file}:{line}: {layer} uses {}", path.join("::")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The entry of the allow-list that covers a cycle.
fn allowed(cycle: &Cycle) -> Option<usize> {
    let covers = |entry: &AllowedCycle| {
        entry.folder == cycle.folder
            && cycle
                .members
                .iter()
                .all(|name| entry.members.contains(&name.as_str()))
    };
    ALLOWED_CYCLES.iter().position(covers)
}

/// A cycle, for people.
fn shown(tree: &Tree, cycle: &Cycle) -> Vec<String> {
    let members: Vec<&str> = cycle.members.iter().map(String::as_str).collect();
    let heading = format!("in {}: {}", cycle.folder, members.join(", "));
    let edges = cycle
        .edges
        .iter()
        .map(|edge| format!("    {} -> {}", position(tree, edge), tree.name(edge.to)));
    std::iter::once(heading).chain(edges).collect()
}

#[test]
fn test_crates_have_no_import_cycles() {
    for folder in ["bench/src", "conformance/src", "tests/support/src"] {
        let tree = load(folder);
        let cycles = between_siblings(&tree);
        let wrong: Vec<String> = cycles.iter().flat_map(|one| shown(&tree, one)).collect();
        assert!(wrong.is_empty(), "{folder}\n{}", wrong.join("\n"));
    }
}

#[test]
fn siblings_do_not_import_each_other_in_cycles() {
    let tree = sources();
    let cycles = between_siblings(tree);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for cycle in &cycles {
        match allowed(cycle) {
            Some(number) => drop(seen.insert(number)),
            None => wrong.extend(shown(tree, cycle)),
        }
    }
    for (number, one) in ALLOWED_CYCLES.iter().enumerate() {
        if !seen.contains(&number) {
            let (folder, reason) = (one.folder, one.reason);
            wrong.push(format!("stale entry: no such cycle in {folder} ({reason})"));
        }
    }
    let between_files: usize = between_files(tree).iter().map(BTreeSet::len).sum();
    println!(
        "{} cycles between siblings; {between_files} files in cycles if mod.rs counts as a file",
        cycles.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn protocol_variants_are_named_only_where_listed() {
    const VARIANTS: [&str; 3] = ["Smtp", "Imap", "Pop3"];
    let tree = sources();
    let protocol = tree.find("base::protocol");
    let mut found = BTreeSet::new();
    let mut wrong = Vec::new();
    for (number, module) in tree.modules.iter().enumerate() {
        if tree.is_test(number) {
            continue;
        }
        for named in &module.names {
            let [.., kind, variant] = named.path.as_slice() else {
                continue;
            };
            if kind != "Protocol"
                || !VARIANTS.contains(&variant.as_str())
                || tree.defining(number, &named.path) != protocol
            {
                continue;
            }
            let name = tree.name(number);
            let is_listed = PROTOCOL_MATCHES.iter().any(|(module, _)| *module == name);
            if !is_listed {
                let path = named.path.join("::");
                wrong.push(format!("{}:{}: {path}", module.file, named.line));
            }
            found.insert(name);
        }
    }
    for (module, why) in PROTOCOL_MATCHES {
        if !found.contains(*module) {
            wrong.push(format!("stale entry: {module} names no variant ({why})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
