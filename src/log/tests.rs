use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::base::SessionId;
use crate::config::{LogDestination, LogTarget};

/// A temporary folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "portcullis-log-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn to_file(path: PathBuf, level: Level) -> LogTarget {
    LogTarget::new(LogDestination::File(path), level)
}

#[test]
fn each_target_takes_its_levels() {
    let folder = Folder::new();
    let files = LogFiles::default();
    let targets = [
        to_file(folder.file("all"), Level::Info),
        to_file(folder.file("bad"), Level::Error),
    ];
    let log = files.open(&targets).unwrap();
    assert!(log.enabled(Level::Info));
    assert!(!log.enabled(Level::Debug));
    log.line(Level::Info, Some(1), format_args!("small"));
    log.line(Level::Crit, None, format_args!("great"));
    log.line(Level::Debug, None, format_args!("{}", Untouched));
    assert!(folder.text("all").contains("*1 small, session: "));
    assert!(folder.text("all").contains("[crit]"));
    assert!(!folder.text("bad").contains("small"));
    assert!(folder.text("bad").contains("great\n"));
}

/// Panics when it is formatted.
struct Untouched;
impl fmt::Display for Untouched {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("formatted for a level that is off")
    }
}

#[test]
fn a_session_line_carries_its_context() {
    let folder = Folder::new();
    let log = LogFiles::default()
        .open_file(&folder.file("log"), Level::Info)
        .unwrap();
    let context = Context {
        connection: 3,
        action: Some("in auth state"),
        client: "10.0.0.9",
        starttls: true,
        server: "0.0.0.0:587",
        login: Some(b"me"),
        upstream: None,
        auth: None,
    };
    log.session(Level::Info, &context, format_args!("client timed out"));
    let text = folder.text("log");
    let tail = format!(
        ": *3 client timed out while in auth state, client: 10.0.0.9 using starttls, server: 0.0.0.0:587, login: \"me\", session: {}\n",
        SessionId::of_connection(3)
    );
    assert!(text.ends_with(&tail), "{text}");
}

#[test]
fn a_reopen_reaches_all_lists_that_share_the_file() {
    let folder = Folder::new();
    let files = LogFiles::default();
    let one = files.open_file(&folder.file("log"), Level::Info).unwrap();
    let two = files.open_file(&folder.file("log"), Level::Error).unwrap();
    one.line(Level::Error, None, format_args!("before"));
    fs::rename(folder.file("log"), folder.file("log.1")).unwrap();
    one.line(Level::Error, None, format_args!("still the old file"));
    assert!(files.reopen().is_empty());
    one.line(Level::Error, None, format_args!("after one"));
    two.line(Level::Error, None, format_args!("after two"));
    assert_eq!(folder.text("log.1").lines().count(), 2);
    assert_eq!(folder.text("log").lines().count(), 2);
}

#[test]
fn a_reopen_that_fails_keeps_the_old_file() {
    let folder = Folder::new();
    let files = LogFiles::default();
    fs::create_dir(folder.file("d")).unwrap();
    let log = files.open_file(&folder.file("d/log"), Level::Info).unwrap();
    fs::rename(folder.file("d"), folder.file("e")).unwrap();
    let errors = files.reopen();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0]
            .to_string()
            .ends_with("d/log\" failed (2: No such file or directory)")
    );
    log.line(Level::Info, None, format_args!("kept"));
    assert!(folder.text("e/log").contains("kept"));
}

#[test]
fn standard_error_is_known() {
    let log = ErrorLog::stderr(Level::Notice);
    assert!(log.reaches_stderr(Level::Warn));
    assert!(!log.reaches_stderr(Level::Info));
    assert!(log.has_stderr() && !ErrorLog::default().has_stderr());
    assert!(!ErrorLog::default().enabled(Level::Emerg));
}
