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

/// The same, and further lines add further files.
#[derive(Debug)]
pub struct ConfigPaths;

impl Value for ConfigPaths {
    type Plain = Vec<PathBuf>;
    const SYNTAX: &'static str = "file";
    const ONCE: bool = false;

    fn read(call: &mut Call<'_>, before: Option<Vec<PathBuf>>) -> Result<Vec<PathBuf>, Refusal> {
        let mut paths = before.unwrap_or_default();
        if !call.args.is_empty() {
            paths.push(config_name(call));
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
