//! The open log files of the process: one per path, however many `error_log` lists name it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use super::ErrorLog;
use super::file::LogFile;
use super::sink::Sink;
use super::syslog::Syslog;
use crate::base::{Errno, Level, Registry};
use crate::config::{LogDestination, LogTarget};

/// Opens logs. A file is closed with the last list that names it.
#[derive(Debug, Default)]
pub struct LogFiles(Registry<PathBuf, LogFile>);

/// A log file that could not be opened. Displays nginx's text: `open() "path" failed (2: No such file or directory)`.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for OpenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "open() \"{}\" failed{}",
            self.path.display(),
            Errno(&self.error)
        )
    }
}

impl LogFiles {
    /// Opens a list. A file that is already open is shared.
    ///
    /// # Errors
    /// The first file that cannot be opened.
    pub fn open(&self, targets: &[LogTarget]) -> Result<ErrorLog, OpenError> {
        let mut sinks = Vec::with_capacity(targets.len());
        for target in targets {
            let sink = match &target.destination {
                LogDestination::Stderr => Sink::Stderr,
                LogDestination::File(path) => Sink::File(self.share(path)?),
                LogDestination::Syslog(syslog) => Sink::Syslog(Syslog::new(syslog)),
            };
            sinks.push((target.level, Arc::new(sink)));
        }
        Ok(ErrorLog::new(sinks))
    }

    /// Opens a list of one file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open_file(&self, path: &Path, level: Level) -> Result<ErrorLog, OpenError> {
        let sink = Sink::File(self.share(path)?);
        Ok(ErrorLog::new(vec![(level, Arc::new(sink))]))
    }

    /// Opens every file again by its path (SIGUSR1). A file that cannot be opened stays in use and is returned.
    pub fn reopen(&self) -> Vec<OpenError> {
        let reopen = |file: Arc<LogFile>| {
            let error = file.reopen().err()?;
            let path = file.path().to_owned();
            Some(OpenError { path, error })
        };
        self.0.values().into_iter().filter_map(reopen).collect()
    }

    fn share(&self, path: &Path) -> Result<Arc<LogFile>, OpenError> {
        self.0.get_or_make(path.to_owned(), |path| {
            let path = path.clone();
            LogFile::open(&path).map_err(|error| OpenError { path, error })
        })
    }
}

impl ErrorLog {
    /// The first file of the list.
    pub fn file(&self) -> Option<Arc<File>> {
        self.targets.iter().find_map(|(_, sink)| match &**sink {
            Sink::File(file) => Some(file.descriptor()),
            Sink::Stderr | Sink::Syslog(_) => None,
        })
    }
}
