//! Reporting before the configuration is known: to the log of `-e` or the built-in one, and to standard error.

use std::sync::Arc;

use super::console::Console;
use super::missing_file;
use super::process_log::ProcessLog;
use super::said::Said;
use crate::base::Level;
use crate::config;
use crate::config::{Config, Loaded, LogTarget, Options, World};
use crate::log::{ErrorLog, LogFiles};

/// Opens the log for this time; standard error alone if that fails.
pub fn log(options: &Options, files: &LogFiles) -> ProcessLog {
    log_to(Console::new(options), options, files)
}

/// The same with a given console.
pub fn log_to(console: Console, options: &Options, files: &LogFiles) -> ProcessLog {
    let target = LogTarget::new(options.error_log.clone(), Level::Notice);
    let log = files.open(&[target]).unwrap_or_else(|error| {
        console.line(
            Level::Alert,
            format_args!("could not open error log file: {error}"),
        );
        ErrorLog::default()
    });
    ProcessLog::starting(Arc::new(log), console)
}

/// Reads the configuration, and logs its error, and its warnings as far as they are news.
pub fn load(
    options: &Options,
    world: &dyn World,
    said: &mut Said,
    log: &ProcessLog,
) -> Option<Loaded> {
    let mut warnings = Vec::new();
    let loaded = config::load(world, options, &mut |warning| warnings.push(warning));
    for warning in said.news(&warnings) {
        log.diagnose(warning);
    }
    if loaded.is_ok() {
        said.replace(&warnings);
    }
    loaded
        .map_err(|error| log.diagnose(&missing_file::explain(error, options, world)))
        .ok()
}

/// Checks that there is a mail server.
///
/// # Errors
/// The line that says so: fatal for a process that is to serve, a warning of `-t`.
pub fn check_servers(config: &Config) -> Result<(), String> {
    if !config.sockets.is_empty() {
        return Ok(());
    }
    let file = config.file.display();
    Err(format!(
        "nothing to serve: no \"server\" in a \"mail\" block in {file}"
    ))
}
