//! Who may know whom: reads the imports of every source file.

use std::fs;
use std::path::{Path, PathBuf};

/// A part of the crate, the parts it may name, and the crates it must not.
const LAYERS: &[(&str, &[&str], &[&str])] = &[
    ("base", &[], &["tokio", "rustls", "tokio_rustls", "socket2"]),
    (
        "config",
        &["base"],
        &["tokio", "rustls", "tokio_rustls", "socket2"],
    ),
    ("log", &["base", "config"], &["tokio", "rustls"]),
    (
        "proto",
        &["base", "config", "log"],
        &["tokio", "rustls", "nix", "socket2", "getrandom", "jiff"],
    ),
    ("tls", &["base", "config"], &["tokio", "socket2"]),
    ("net", &["base", "config"], &[]),
    (
        "session",
        &["base", "config", "log", "net", "proto", "tls"],
        &[],
    ),
    (
        "process",
        &[
            "base", "cli", "config", "log", "net", "proto", "session", "tls",
        ],
        &[],
    ),
    ("cli", &["base", "config"], &["tokio", "rustls"]),
];

#[test]
fn no_layer_reaches_up() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (layer, known, foreign) in LAYERS {
        for file in sources(&root, layer) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for part in code.split("crate::").skip(1) {
                    let name: String = part
                        .chars()
                        .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                        .collect();
                    let part_of_us = LAYERS.iter().any(|(layer, ..)| *layer == name);
                    if part_of_us && name != *layer && !known.contains(&name.as_str()) {
                        wrong.push(format!(
                            "{}:{}: {layer} names {name}",
                            file.display(),
                            number + 1
                        ));
                    }
                }
                for name in *foreign {
                    let used = code.contains(&format!("use {name}::"))
                        || code.contains(&format!("use {name};"))
                        || code.contains(&format!(" {name}::"));
                    if used {
                        wrong.push(format!(
                            "{}:{}: {layer} uses {name}",
                            file.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `layer.rs` and all below `layer/`.
fn sources(root: &Path, layer: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.join(layer)];
    let file = root.join(format!("{layer}.rs"));
    if file.exists() {
        found.push(file);
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no source of {layer}");
    found
}
