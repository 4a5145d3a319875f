//! What `-t`, `--check` and `--dump-config` do and print.

use crate::config::Selection;

/// A test of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// How far it goes.
    pub extent: Extent,
    /// `-q`: no messages but errors.
    pub quiet: bool,
    /// The output if the configuration is valid.
    pub print: Print,
}

/// How far a test goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// `-t` and `-T`: as far as a start, which opens logs, the pid file and sockets.
    Start,
    /// `--check` and `--dump-config`: files are read, and nothing else is opened.
    Files,
}

/// The output of a successful test on standard output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Print {
    /// Nothing.
    #[default]
    Nothing,
    /// `-T`: every configuration file.
    Files,
    /// `--dump-config`: the configuration in force.
    Config(Selection),
}
