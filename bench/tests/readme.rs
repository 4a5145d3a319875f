//! The table in README.md is the one of the recorded figures.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use portcullis_bench::results::Results;
use portcullis_bench::table;

const BEGIN: &str = "<!-- The test readme.rs writes the rest from figures/*.json. -->\n";

#[test]
fn table_shows_the_recorded_figures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("figures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let results = files.iter().map(|file| Results::read(file).unwrap());
    let table = table::markdown(&results.reduce(Results::merge).unwrap());
    let path = folder.join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, now) = text.split_once(BEGIN).unwrap();
    let wanted = format!("\n{table}");
    if now != wanted {
        fs::write(&path, format!("{before}{BEGIN}{wanted}")).unwrap();
        panic!("bench/README.md was out of date and is rewritten: look at it and commit it");
    }
}
