//! The options of the command line that concern the configuration.

use std::path::{Path, PathBuf};

use super::log_target::LogDestination;
use super::messages::Messages;
use crate::base::Secret;
use crate::config::syntax::Lint;

/// The location of the configuration, and the built-in defaults.
#[derive(Clone, Debug)]
pub struct Options {
    /// `portcullis`, or `nginx` when started under that name.
    pub program: &'static str,
    /// Where relative names of pid, logs and the main file start; ends in `/`.
    pub prefix: PathBuf,
    /// The main file, absolute.
    pub file: PathBuf,
    /// The text of `-g`. It may contain a private key, as any file may.
    pub globals: Option<Secret<Vec<u8>>>,
    /// The log of `-e`; the built-in one otherwise. Absolute, or `Stderr`.
    pub error_log: LogDestination,
    /// The warnings that `--allow` silences.
    pub allowed: Vec<Lint>,
    /// The value of `-c` as typed, if it is relative.
    pub typed: Option<PathBuf>,
    /// How messages are printed.
    pub messages: Messages,
    /// The pid file.
    pub pid: PidOption,
}

/// The pid file as far as the command line decides; absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PidOption {
    /// The built-in one, unless the configuration has a `pid` directive.
    BuiltIn(PathBuf),
    /// That of `--pid`, whatever the configuration says.
    Given(PathBuf),
}

impl PidOption {
    /// The file, given that of the `pid` directive.
    pub fn file(&self, directive: Option<&Path>) -> PathBuf {
        match (self, directive) {
            (Self::BuiltIn(_), Some(path)) => path.to_owned(),
            (Self::BuiltIn(path) | Self::Given(path), _) => path.clone(),
        }
    }
}
