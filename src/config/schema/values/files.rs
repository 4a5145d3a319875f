//! Names of files, and `ssl_password_file`, which is read when its line is.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::marker::PhantomData;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::base::{Errno, Secret};
use crate::config::model::{NamedFile, PassPhrases};
use crate::config::schema::{
    Arguments, Folders, Parsed, Repeated, ValueKind, absolute, absolute_word, refuse,
};

/// Where names of certificates and keys start.
pub const FROM_CONFIG: &str =
    "A relative path is resolved against the directory of the main configuration file.";

/// A file named from the folder of the main configuration file. An empty name is none.
#[derive(Debug)]
pub struct ConfigPath;

impl ValueKind for ConfigPath {
    type Value = Option<PathBuf>;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Option<PathBuf>> {
        Ok(named(&args.folders.config, args.first()))
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |name| absolute_word(&folders.config, name))
    }
}

/// A file named from the prefix: pid, lock file. An empty name is none.
#[derive(Debug)]
pub struct PrefixPath;

impl ValueKind for PrefixPath {
    type Value = Option<PathBuf>;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = "A relative path is resolved against the prefix (`-p`).";

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Option<PathBuf>> {
        Ok(named(&args.folders.prefix, args.first()))
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |name| absolute_word(&folders.prefix, name))
    }
}

/// A kind of file that may be elsewhere: a word with one of the prefixes names no file.
trait Location {
    const PREFIXES: &'static [&'static str];
}

/// A certificate.
#[derive(Debug)]
pub struct Certificate;

impl Location for Certificate {
    const PREFIXES: &'static [&'static str] = &["data:"];
}

/// A private key, which may also be in a device or a store.
#[derive(Debug)]
pub struct Key;

impl Location for Key {
    const PREFIXES: &'static [&'static str] = &["data:", "engine:", "store:"];
}

/// A certificate or a key: a file as of [`ConfigPath`], or `data:` and the content. An empty name is none.
#[derive(Debug)]
pub struct NamedPath<L = Certificate>(PhantomData<L>);

impl<L: Location> ValueKind for NamedPath<L> {
    type Value = Option<NamedFile>;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Option<NamedFile>> {
        let written = args.first();
        Ok((!written.is_empty()).then(|| located::<L>(written, args.folders)))
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |name| absolute_or_elsewhere::<L>(name, folders))
    }
}

/// The same; further lines add further files.
#[derive(Debug)]
pub struct NamedPaths<L = Certificate>(PhantomData<L>);

impl<L: Location> ValueKind for NamedPaths<L> {
    type Value = Vec<NamedFile>;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<NamedFile>>) -> Parsed<Vec<NamedFile>> {
        let mut files = before.unwrap_or_default();
        files.push(located::<L>(args.first(), args.folders));
        Ok(files)
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |name| absolute_or_elsewhere::<L>(name, folders))
    }
}

/// Applies `change` to each word.
pub fn each(words: &[Box<[u8]>], change: impl Fn(&[u8]) -> Box<[u8]>) -> Vec<Box<[u8]>> {
    words.iter().map(|word| change(word)).collect()
}

fn named(folder: &Path, name: &[u8]) -> Option<PathBuf> {
    (!name.is_empty()).then(|| absolute(folder, name))
}

fn located<L: Location>(written: &[u8], folders: &Folders) -> NamedFile {
    let mut file = NamedFile {
        written: written.into(),
        path: PathBuf::new(),
    };
    if file.inline().is_none() {
        file.path = match is_elsewhere::<L>(written) {
            true => PathBuf::from(OsStr::from_bytes(written)),
            false => absolute(&folders.config, written),
        };
    }
    file
}

fn absolute_or_elsewhere<L: Location>(name: &[u8], folders: &Folders) -> Box<[u8]> {
    match is_elsewhere::<L>(name) {
        true => name.into(),
        false => absolute_word(&folders.config, name),
    }
}

fn is_elsewhere<L: Location>(word: &[u8]) -> bool {
    let mut prefixes = L::PREFIXES.iter();
    prefixes.any(|prefix| word.starts_with(prefix.as_bytes()))
}

/// Reads a file of secrets. `None`: this user may not read it, and `--check` goes on with a warning.
///
/// # Errors
/// nginx's message about a file that cannot be opened or read.
pub fn read_private(args: &mut Arguments<'_>, path: &Path) -> Parsed<Option<Vec<u8>>> {
    let error = match args.files.read(path) {
        Ok(bytes) => return Ok(Some(bytes)),
        Err(error) => error,
    };
    if error.kind() == ErrorKind::PermissionDenied && args.files.passes_over_denied() {
        let path = path.display();
        args.warn(format!(
            "\"{path}\" is not checked: this user may not read it"
        ));
        return Ok(None);
    }
    // A folder can be opened, not read.
    let call = match error.kind() {
        ErrorKind::IsADirectory => "read() \"",
        _ => "open() \"",
    };
    let (shown, errno) = (path.as_os_str().as_bytes(), Errno(&error).to_string());
    Err(refuse!(call, shown, "\" failed", errno))
}

/// Longest line, in bytes (nginx's buffer).
const LONGEST: usize = 4096;

/// A file of pass phrases, one a line.
#[derive(Debug)]
pub struct Passwords;

impl ValueKind for Passwords {
    type Value = PassPhrases;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;

    fn read(args: &mut Arguments<'_>, _: Option<PassPhrases>) -> Parsed<PassPhrases> {
        let path = absolute(&args.folders.config, args.first());
        let Some(bytes) = read_private(args, &path)? else {
            return Ok(Secret::default());
        };
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty());
        let phrases: Vec<Box<[u8]>> = lines.map(Into::into).collect();
        if phrases.iter().any(|line| line.len() >= LONGEST) {
            let shown = path.as_os_str().as_bytes();
            return Err(refuse!("too long line in \"", shown, "\""));
        }
        Ok(Secret::new(phrases))
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |name| absolute_word(&folders.config, name))
    }
}
