//! The entry points of the fuzzer. An ordinary `cargo test` calls them with the inputs of the corpus.
//! No file is opened, no name is looked up, no connection is made: the files of a configuration are parts of the bytes.

mod chain;

pub use chain::chain;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis::base::{Paint, Secret};
use portcullis::config::{
    ClientTls, Diagnostic, Files, Item, LogDestination, Names, Options, Parser, Source, TlsFault,
    TlsFile, TlsMaterial, TlsProbes, load, test,
};
use portcullis::tls;

/// Ends one file and begins the next.
const FILE: u8 = 0x1e;
/// At the very beginning: what comes up to the line end is the text of `-g`.
const GLOBALS: u8 = 0x1d;
/// The names of the files; the first is the main one.
const NAMES: [&str; 6] = ["n.conf", "a", "b", "d/1.conf", "d/2.conf", "d/3"];
/// How many files are opened before the machine has no more to give: files may include each other again and again.
const MOST_READ: u32 = 100;

/// Reads the bytes as one text, to its end or to what is wrong with it.
pub fn grammar(bytes: &[u8]) {
    let mut source = Source::of_text("text", bytes.to_vec());
    if bytes.len().is_multiple_of(2) {
        source.path = Some("/c/n.conf".into());
    }
    let mut parser = Parser::new(Arc::new(source));
    loop {
        match parser.next_item() {
            Ok(Item::Statement(statement)) => {
                assert_eq!(statement.words.len(), statement.spans.len());
                assert!(!statement.words.is_empty());
                assert!(
                    statement
                        .spans
                        .iter()
                        .all(|(start, end)| start < end && *end <= bytes.len())
                );
            }
            Ok(Item::Close) => {}
            Ok(Item::End) => return,
            Err(fault) => {
                assert!(
                    fault.line >= 1 && fault.span.0 <= fault.span.1 && fault.span.1 <= bytes.len()
                );
                return;
            }
        }
    }
}

/// Loads the bytes as the files of a configuration, and writes down all that is said about it.
pub fn load_bytes(bytes: &[u8]) {
    let (globals, rest) = match bytes {
        [GLOBALS, rest @ ..] => {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
            (
                Some(rest[..end].to_vec()),
                &rest[(end + 1).min(rest.len())..],
            )
        }
        _ => (None, bytes),
    };
    let files = NAMES.iter().zip(rest.split(|byte| *byte == FILE));
    let world = Parts {
        files: files
            .map(|(name, text)| (Path::new("/c").join(name), text.to_vec()))
            .collect(),
        read: Cell::new(0),
    };
    let options = Options {
        program: "portcullis",
        prefix: "/p/".into(),
        file: "/c/n.conf".into(),
        globals: globals.map(Secret::new),
        error_log: LogDestination::Stderr,
        allowed: Vec::new(),
        pid: portcullis::config::PidOption::BuiltIn("/p/logs/nginx.pid".into()),
        typed: None,
        messages: Default::default(),
    };
    let mut said = 0;
    let mut hear = |note: &Diagnostic| said += note.text().len() + note.block(Paint::Off).len();
    let first = load(&world, &options, &mut |note| hear(&note)).map_err(|why| why.text());
    world.read.set(0);
    // Going on behind the first fault does not change what it is.
    match test(&world, &options, &mut |note| hear(&note)) {
        Ok(loaded) => assert!(first.is_ok() && !loaded.files.is_empty()),
        Err(faults) => {
            assert_eq!(first.err(), Some(faults.first.text()));
            std::iter::once(&faults.first)
                .chain(&faults.further)
                .for_each(&mut hear);
        }
    }
    std::hint::black_box(said);
}

/// A machine that has the parts of the bytes as files, some certificates, two host names and one user.
struct Parts {
    files: Vec<(PathBuf, Vec<u8>)>,
    read: Cell<u32>,
}

impl Files for Parts {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read.set(self.read.get() + 1);
        if self.read.get() > MOST_READ {
            return Err(io::Error::from_raw_os_error(24));
        }
        let pki = path
            .strip_prefix("/c/pki")
            .ok()
            .and_then(Path::to_str)
            .and_then(of_pki);
        let found = self.files.iter().find(|(name, _)| name == path);
        pki.map(<[u8]>::to_vec)
            .or_else(|| found.map(|(_, text)| text.clone()))
            .ok_or_else(|| io::Error::from_raw_os_error(2))
    }
    fn list(&self, folder: &Path) -> Vec<OsString> {
        let files = self.files.iter();
        let below = files.filter_map(|(path, _)| path.strip_prefix(folder).ok());
        let names = below.filter_map(|path| path.components().next());
        let names: BTreeSet<_> = names.map(|name| name.as_os_str().to_owned()).collect();
        names.into_iter().collect()
    }
    fn exists(&self, path: &Path) -> bool {
        self.files.iter().any(|(file, _)| file.starts_with(path))
    }
}

impl Names for Parts {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        match host {
            "localhost" => vec![IpAddr::from([127, 0, 0, 1])],
            "both" => vec![
                IpAddr::from([10, 0, 0, 1]),
                IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            ],
            _ => Vec::new(),
        }
    }
    fn host_name(&self) -> String {
        "gate.example".to_owned()
    }
    fn user(&self, name: &str) -> Option<(u32, u32)> {
        (name == "mail").then_some((8, 8))
    }
    fn group(&self, name: &str) -> Option<u32> {
        (name == "mail").then_some(8)
    }
    fn privileged(&self) -> bool {
        true
    }
    fn processors(&self) -> usize {
        3
    }
}

impl TlsProbes for Parts {
    fn check_pair(
        &self,
        certificate: &TlsFile,
        key: &TlsFile,
        passwords: &[Box<[u8]>],
    ) -> Result<(), TlsFault> {
        tls::check_pair(certificate, key, passwords)
    }
    fn check_tls(&self, material: &TlsMaterial) -> Result<(), TlsFault> {
        tls::check(material)
    }
    fn check_client_tls(&self, material: &ClientTls) -> Result<(), TlsFault> {
        tls::check_client(material)
    }
}

macro_rules! pki {
    ($($name:literal),+) => {
        fn of_pki(name: &str) -> Option<&'static [u8]> {
            match name {
                $( $name => Some(include_bytes!(concat!("../../conformance/pki/", $name))), )+
                _ => None,
            }
        }
    };
}
pki!(
    "cert.pem",
    "key.pem",
    "other-key.pem",
    "ec-cert.pem",
    "ec-key.pem",
    "both.pem",
    "locked-key.pem",
    "passwords",
    "dhparam.pem",
    "garbage.pem",
    "empty.pem",
    "ticket48.key",
    "ticket80.key",
    "ticket47.key"
);
