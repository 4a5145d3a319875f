//! `-t` and `-T`: all of a start except serving (spec D.8).

use std::io::{self, Write};
use std::process::ExitCode;

use super::live::Live;
use super::pid::PidFile;
use super::{bind, early};
use crate::config::{Errno, Level, Options, World};
use crate::log::Files;

/// How to test.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// `-q`: no line when all is well.
    pub quiet: bool,
    /// `-T`: print every file that was read.
    pub dump: bool,
}

/// Reads, opens logs and the pid file, tries to bind. Says the result on standard error.
pub fn test(options: &Options, world: &dyn World, manner: Manner) -> ExitCode {
    let (program, file) = (options.program, options.file.display());
    match attempt(options, world, manner) {
        Some(files) => {
            if !manner.quiet {
                eprintln!("{program}: configuration file {file} test is successful");
            }
            if manner.dump && dump(&files).is_err() {
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("{program}: configuration file {file} test failed");
            ExitCode::FAILURE
        }
    }
}

fn attempt(
    options: &Options,
    world: &dyn World,
    manner: Manner,
) -> Option<Vec<(std::path::PathBuf, Vec<u8>)>> {
    let files = Files::default();
    let voice = early::voice(options, &files);
    let loaded = early::load(options, world, &voice)?;
    if !manner.quiet {
        eprintln!(
            "{}: the configuration file {} syntax is ok",
            options.program,
            options.file.display()
        );
    }
    let pid = &loaded.config.core.pid;
    let probed = PidFile::probe(pid);
    probed
        .map_err(|error| {
            voice.say(
                Level::Emerg,
                format_args!("open() \"{}\" failed{}", pid.display(), Errno(&error)),
            );
        })
        .ok()?;
    let live = Live::build(loaded.config, options, &files);
    let live = live
        .map_err(|fault| voice.say(Level::Emerg, format_args!("{fault}")))
        .ok()?;
    bind::probe(&live.config.sockets, &voice.with_log(live.log.clone())).then_some(loaded.files)
}

fn dump(files: &[(std::path::PathBuf, Vec<u8>)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (path, bytes) in files {
        writeln!(out, "# configuration file {}:", path.display())?;
        out.write_all(bytes)?;
        writeln!(out)?;
    }
    out.flush()
}
