//! The configurations of `conf.d/`, adapted so that this machine can run them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Certificate;

/// The configurations of `conf.d/`, sorted.
pub fn files() -> Vec<PathBuf> {
    with_ending("conf")
}

/// The configuration of this name.
pub fn file(name: &str) -> PathBuf {
    folder().join(name)
}

/// Copies the files that the configurations include.
pub fn copy_included(to: &Path) {
    for path in with_ending("map") {
        let name = path.file_name().expect("a name");
        fs::copy(&path, to.join(name)).expect("a copy");
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conf.d")
}

fn with_ending(wanted: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("conf.d").flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == wanted))
        .collect();
    files.sort();
    files
}

/// The text of a file, with an existing certificate and unprivileged ports.
pub fn text(path: &Path, certificate: &Certificate) -> String {
    let (chain, key) = (certificate.chain(), certificate.key());
    let (chain, key) = (chain.display().to_string(), key.display().to_string());
    let mut text = fs::read_to_string(path).expect("a configuration");
    for port in [587, 465, 143, 993, 110, 995, 4190] {
        text = text.replace(
            &format!("listen   {port}"),
            &format!("listen   127.0.0.1:{}", 18000 + port),
        );
    }
    text.replace("quickstart/cert.pem", &chain)
        .replace("quickstart/key.pem", &key)
}
