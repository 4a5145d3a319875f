//! The files in `docs/` are what the tables say. A stale one is rewritten, and the test fails once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::cli::{completions, man};
use portcullis::config::reference::{man as configuration_man, pages};

/// Every generated file, by its name below `docs/`.
fn generated() -> BTreeMap<PathBuf, String> {
    let mut files: BTreeMap<PathBuf, String> = pages::pages()
        .into_iter()
        .map(|(name, text)| (name.into(), text))
        .collect();
    files.insert("portcullis.8".into(), man::page());
    files.insert("portcullis.conf.5".into(), configuration_man::page());
    for (name, text) in completions::files() {
        files.insert(Path::new("completions").join(name), text);
    }
    files
}

#[test]
fn reference_is_what_the_tables_say() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let generated = generated();
    let mut stale = Vec::new();
    for (name, text) in &generated {
        let path = docs.join(name);
        if fs::read_to_string(&path).ok().as_ref() != Some(text) {
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            fs::write(&path, text).expect("a page");
            stale.push(name.clone());
        }
    }
    for folder in ["directives", "completions"] {
        for entry in fs::read_dir(docs.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(&docs).expect("below docs").to_path_buf();
            if !generated.contains_key(&name) {
                fs::remove_file(&path).expect("a page of the past");
                stale.push(name);
            }
        }
    }
    assert!(
        stale.is_empty(),
        "rewritten, to be committed: {}",
        stale
            .iter()
            .map(|name| name.display().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
}
