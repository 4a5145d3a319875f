//! Names of files.

use std::path::PathBuf;

use super::super::call::full_name;
use super::{Call, Refusal, Value};

/// A file named from the folder of the main configuration file: certificates, keys.
#[derive(Debug)]
pub struct ConfigPath;

impl Value for ConfigPath {
    type Plain = PathBuf;
    const SYNTAX: &'static str = "file";

    fn read(call: &mut Call<'_>, _: Option<PathBuf>) -> Result<PathBuf, Refusal> {
        Ok(config_name(call))
    }
}

/// A file, and how the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// As written.
    pub written: Box<[u8]>,
    /// Absolute.
    pub path: PathBuf,
}

/// The same, and further lines add further files.
#[derive(Debug)]
pub struct ConfigPaths;

impl Value for ConfigPaths {
    type Plain = Vec<NamedFile>;
    const SYNTAX: &'static str = "file";
    const ONCE: bool = false;

    fn read(
        call: &mut Call<'_>,
        before: Option<Vec<NamedFile>>,
    ) -> Result<Vec<NamedFile>, Refusal> {
        let mut paths = before.unwrap_or_default();
        if !call.args.is_empty() {
            let path = full_name(&call.folders.config, call.first());
            paths.push(NamedFile {
                written: call.first().into(),
                path,
            });
        }
        Ok(paths)
    }
}

/// A file named from the prefix: pid, lock file.
#[derive(Debug)]
pub struct PrefixPath;

impl Value for PrefixPath {
    type Plain = PathBuf;
    const SYNTAX: &'static str = "file";

    fn read(call: &mut Call<'_>, _: Option<PathBuf>) -> Result<PathBuf, Refusal> {
        Ok(match call.first() {
            b"" => PathBuf::new(),
            name => full_name(&call.folders.prefix, name),
        })
    }
}

fn config_name(call: &Call<'_>) -> PathBuf {
    match call.first() {
        b"" => PathBuf::new(),
        name => full_name(&call.folders.config, name),
    }
}
