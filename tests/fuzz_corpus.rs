//! Runs the fuzz corpus through the entry points of the fuzz targets, without the fuzzer and a nightly compiler.

#[path = "../fuzz/src/lib.rs"]
mod entry;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis::config::rows;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = fuzz().join("corpus").join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = entries.map(|entry| fs::read(entry.expect("an entry").path()).expect("a file"));
    files.collect()
}

#[test]
fn grammar() {
    let corpus = corpus("grammar");
    assert!(corpus.len() > 50, "{}", corpus.len());
    corpus.iter().for_each(|bytes| entry::grammar(bytes));
}

#[test]
fn load() {
    let corpus = corpus("load");
    assert!(corpus.len() > 50, "{}", corpus.len());
    corpus.iter().for_each(|bytes| entry::load_bytes(bytes));
}

#[test]
fn chain() {
    let corpus = corpus("chain");
    assert!(corpus.len() > 50, "{}", corpus.len());
    corpus.iter().for_each(|bytes| entry::chain(bytes));
}

/// Rewrites `fuzz/nginx.dict` from the table of directives; fails if it was stale.
#[test]
fn dictionary_is_up_to_date() {
    let blocks = [
        "events", "mail", "server", "match", "map", "geo", "http", "stream", "include",
    ];
    let tokens = [
        "{",
        "}",
        ";",
        "\\x1e",
        "\\x1d",
        "#",
        "\\\"",
        "'",
        "\\\\",
        "${",
        "127.0.0.1:25",
        "[::1]:25",
        "unix:/c/s",
        "localhost",
        "pki/cert.pem",
        "pki/key.pem",
    ];
    let mut words: BTreeSet<String> = blocks
        .iter()
        .chain(&tokens)
        .map(|word| (*word).to_owned())
        .collect();
    for entry in rows() {
        let row = entry.directive();
        words.insert(row.name.to_owned());
        let parts = row
            .syntax
            .split(|sign: char| !sign.is_ascii_alphanumeric() && !"_-.=".contains(sign));
        words.extend(
            parts
                .filter(|part| part.len() > 1 && !part.starts_with('.'))
                .map(str::to_owned),
        );
    }
    let expected: String = words.iter().map(|word| format!("\"{word}\"\n")).collect();
    let path = fuzz().join("nginx.dict");
    if fs::read_to_string(&path).unwrap_or_default() != expected {
        fs::write(&path, expected).expect("the dictionary");
        panic!("{} was stale and has been rewritten", path.display());
    }
}
