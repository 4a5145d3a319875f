//! The files in `docs/` are what the tables say. A stale one is rewritten, and the test fails once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::cli::option::OPTIONS;
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

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .output()
        .expect("the gateway");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn reference_is_printed_by_the_program() {
    let (code, out, said) = run(&["--explain", "auth_http"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        out.starts_with("auth_http\n\n    Syntax:   auth_http URL;\n"),
        "{out}"
    );
    let (code, out, said) = run(&["--explain", "auth_htp"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        said,
        "portcullis: unknown directive \"auth_htp\", did you mean \"auth_http\"?\n"
    );
    let (code, out, said) = run(&["--help"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    for option in OPTIONS {
        assert!(out.contains(&format!("  {} ", option.usage())), "{out}");
    }
    let (code, out, said) = run(&["--helpless"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        said,
        "portcullis: invalid option: \"-\"\nportcullis: unknown option \"--helpless\"; did you mean \"--help\"? \
         \"portcullis --help\" lists all options\n"
    );
}
