//! Names of files.

use std::path::PathBuf;

use super::{Call, Lines, Refusal, Value, full_word};
use crate::config::schema::arguments::{Folders, full_name};

/// Where names of certificates and keys start.
pub const FROM_CONFIG: &str =
    "A relative path is resolved against the directory of the main configuration file.";

/// A file named from the folder of the main configuration file: certificates, keys.
#[derive(Debug)]
pub struct ConfigPath;

impl Value for ConfigPath {
    type Plain = PathBuf;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;

    fn read(call: &mut Call<'_>, _: Option<PathBuf>) -> Result<PathBuf, Refusal> {
        Ok(config_name(call))
    }

    fn full(args: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        args.iter()
            .map(|name| full_word(&folders.config, name))
            .collect()
    }
}

/// A file, and how the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// As written.
    pub written: Box<[u8]>,
    /// Absolute; empty for what is in the configuration itself (`data:`).
    pub path: PathBuf,
}

/// One such file, or `data:` and what would be in it.
#[derive(Debug)]
pub struct NamedPath;

impl Value for NamedPath {
    type Plain = Option<NamedFile>;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;

    fn read(
        call: &mut Call<'_>,
        _: Option<Option<NamedFile>>,
    ) -> Result<Option<NamedFile>, Refusal> {
        let written = call.args.first().filter(|name| !name.is_empty());
        Ok(written.map(|name| named(name, call.folders)))
    }

    fn full(args: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        args.iter()
            .map(|name| full_name_of(name, folders))
            .collect()
    }
}

/// The same, and further lines add further files.
#[derive(Debug)]
pub struct ConfigPaths;

impl Value for ConfigPaths {
    type Plain = Vec<NamedFile>;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;
    const LINES: Lines = Lines::AddUp;

    fn read(
        call: &mut Call<'_>,
        before: Option<Vec<NamedFile>>,
    ) -> Result<Vec<NamedFile>, Refusal> {
        let mut paths = before.unwrap_or_default();
        paths.extend(call.args.first().map(|name| named(name, call.folders)));
        Ok(paths)
    }

    fn full(args: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        args.iter()
            .map(|name| full_name_of(name, folders))
            .collect()
    }
}

/// A file named from the prefix: pid, lock file.
#[derive(Debug)]
pub struct PrefixPath;

impl Value for PrefixPath {
    type Plain = PathBuf;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = "A relative path is resolved against the prefix (`-p`).";

    fn read(call: &mut Call<'_>, _: Option<PathBuf>) -> Result<PathBuf, Refusal> {
        Ok(match call.first() {
            b"" => PathBuf::new(),
            name => full_name(&call.folders.prefix, name),
        })
    }

    fn full(args: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        args.iter()
            .map(|name| full_word(&folders.prefix, name))
            .collect()
    }
}

fn named(name: &[u8], folders: &Folders) -> NamedFile {
    let path = match name.strip_prefix(b"data:") {
        Some(_) => PathBuf::new(),
        None => full_name(&folders.config, name),
    };
    NamedFile {
        written: name.into(),
        path,
    }
}

fn full_name_of(name: &[u8], folders: &Folders) -> Box<[u8]> {
    match name.strip_prefix(b"data:") {
        Some(_) => name.into(),
        None => full_word(&folders.config, name),
    }
}

fn config_name(call: &Call<'_>) -> PathBuf {
    match call.first() {
        b"" => PathBuf::new(),
        name => full_name(&call.folders.config, name),
    }
}
