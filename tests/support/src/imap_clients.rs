//! Real IMAP clients: imaplib, curl and mbsync. `kind` is `clear`, `starttls` or `tls`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::TempDir;
use crate::dovecot::{PASSWORD, USER};

/// The exit status and all output of a client, for messages.
pub fn describe(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{out}\n{err}", output.status)
}

/// Runs one of the scripts in `python/`.
pub(crate) fn python(
    script: &str,
    kind: &str,
    port: u16,
    password: &str,
    mechanism: &str,
    file: Option<&Path>,
) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    Command::new("python3")
        .arg(folder.join(script))
        .args([kind, &port.to_string(), USER, password, mechanism])
        .args(file)
        .output()
        .expect("python3")
}

pub fn imaplib(
    kind: &str,
    port: u16,
    password: &str,
    mechanism: &str,
    file: Option<&Path>,
) -> Output {
    python("imap.py", kind, port, password, mechanism, file)
}

/// Reads `path` below the URL of the server.
pub fn curl(kind: &str, port: u16, mechanism: &str, path: &str) -> Output {
    let scheme = if kind == "tls" { "imaps" } else { "imap" };
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--insecure", "--user"])
        .arg(format!("{USER}:{PASSWORD}"))
        .arg("--login-options")
        .arg(format!("AUTH={mechanism}"))
        .arg(format!("{scheme}://127.0.0.1:{port}/{path}"));
    if kind == "starttls" {
        command.arg("--ssl-reqd");
    }
    command.output().expect("curl")
}

/// A local copy of INBOX that mbsync made.
#[derive(Debug)]
pub struct Synchronized {
    folder: TempDir,
    pub output: Output,
}

/// Copies INBOX with mbsync. `kind` is mbsync's SSLType: `None`, `STARTTLS` or `IMAPS`.
pub fn mbsync(kind: &str, port: u16, mechanism: &str, certificate: &Path) -> Synchronized {
    let folder = TempDir::new("mbsync");
    let root = folder.path().display();
    let file = folder.path().join("mbsyncrc");
    fs::create_dir(folder.path().join("mail")).expect("a folder for mail");
    let configuration = format!(
        "IMAPAccount gate\nHost localhost\nPort {port}\nUser {USER}\nPass \"{PASSWORD}\"\nSSLType {kind}\n\
         CertificateFile {certificate}\nAuthMechs {mechanism}\n\n\
         IMAPStore far\nAccount gate\n\nMaildirStore near\nPath {root}/mail/\nInbox {root}/inbox\n\n\
         Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n",
        certificate = certificate.display(),
    );
    fs::write(&file, configuration).expect("a configuration");
    let output = Command::new("mbsync")
        .arg("--config")
        .arg(&file)
        .arg("--all")
        .env("HOME", folder.path())
        .output()
        .expect("mbsync");
    Synchronized { folder, output }
}

impl Synchronized {
    /// The messages as they were sent, the shortest first: with CR LF, and without the header field that mbsync adds.
    pub fn messages(&self) -> Vec<String> {
        let mut messages: Vec<String> = ["new", "cur"]
            .iter()
            .flat_map(|sub| self.files(sub))
            .map(|path| as_sent(&fs::read_to_string(path).expect("a message")))
            .collect();
        messages.sort_unstable_by_key(String::len);
        messages
    }

    fn files(&self, sub: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.path().join("inbox").join(sub)).expect("the inbox");
        let paths = entries.map(|entry| entry.expect("a file").path());
        paths.collect()
    }
}

fn as_sent(copy: &str) -> String {
    let lines = copy
        .lines()
        .filter(|line| !line.starts_with("X-TUID: "))
        .map(|line| format!("{line}\r\n"));
    lines.collect()
}
