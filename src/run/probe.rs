//! What `-t` tries beyond reading: the pid file, the logs, the sockets (spec D.8).

use super::bind;
use super::live::Live;
use super::pid::PidFile;
use crate::config::{Diagnostic, Errno, Level, Loaded, Options};
use crate::log::Files;
use crate::net::resolver::Resolvers;
use crate::tls::Resumption;

/// Opens what a start would open, in nginx's order, and closes it again. Files that are missing are made.
///
/// # Errors
/// The first thing that cannot be opened, in nginx's words.
pub fn probe(loaded: &Loaded, options: &Options) -> Result<(), Diagnostic> {
    let fault = |text: String| Diagnostic::bare(Level::Emerg, text);
    let pid = &loaded.config.core.pid;
    PidFile::probe(pid)
        .map_err(|e| fault(format!("open() \"{}\" failed{}", pid.display(), Errno(&e))))?;
    let (files, resolvers) = (Files::default(), Resolvers::default());
    let resumption = Resumption::default();
    let live = Live::build(
        loaded.config.clone(),
        options,
        &files,
        &resolvers,
        &resumption,
    );
    let live = live.map_err(|e| fault(e.to_string()))?;
    bind::probe(&live.config.sockets).map_err(|e| fault(format!("{e}{}", Errno(&e.error))))
}
