//! The options of the command line that concern the configuration.

use std::path::PathBuf;

use super::log_target::LogDestination;
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
    /// The pid file when the configuration names none; absolute.
    pub pid: PathBuf,
    /// The warnings that `--allow` silences.
    pub allowed: Vec<Lint>,
}
