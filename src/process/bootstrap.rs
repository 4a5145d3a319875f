//! The time before the configuration is known: messages go to the log of `-e`, or the built-in one, and to standard error.

use std::sync::Arc;

use super::voice::Voice;
use crate::base::Level;
use crate::config;
use crate::config::{Loaded, LogTarget, Options, World};
use crate::log::{ErrorLog, Files};

/// Opens the early log. When it cannot be opened, standard error has to do.
pub fn voice(options: &Options, files: &Files) -> Voice {
    let program = options.program;
    let target = LogTarget {
        destination: options.error_log.clone(),
        level: Level::Notice,
    };
    let log = files.open(&[target]).unwrap_or_else(|fault| {
        eprintln!("{program}: [alert] could not open error log file: {fault}");
        ErrorLog::default()
    });
    Voice::starting(Arc::new(log), program)
}

/// Reads the configuration; what it is told about has been said.
pub fn load(options: &Options, world: &dyn World, voice: &Voice) -> Option<Loaded> {
    let loaded = config::load(world, options, &mut |note| voice.diagnose(&note));
    loaded.map_err(|fault| voice.diagnose(&fault)).ok()
}
