//! The open log files of the process: one per path, however many lists name it.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::{fmt, io};

use super::ErrorLog;
use super::file::LogFile;
use super::sink::Sink;
use super::syslog::Syslog;
use crate::base::{Errno, Level};
use crate::config::{LogDestination, LogTarget};

/// Opens logs and remembers which files are open. Dropped lists close their files when nobody else shares them.
#[derive(Debug, Default)]
pub struct Files {
    open: Mutex<HashMap<PathBuf, Weak<LogFile>>>,
}

/// A log file that could not be opened. Displays nginx's text: `open() "path" failed (2: No such file or directory)`.
#[derive(Debug)]
pub struct OpenFault {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for OpenFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "open() \"{}\" failed{}",
            self.path.display(),
            Errno(&self.error)
        )
    }
}

impl Files {
    /// Opens one list. A file that is open already is shared.
    pub fn open(&self, targets: &[LogTarget]) -> Result<ErrorLog, OpenFault> {
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
    pub fn open_file(&self, path: &Path, level: Level) -> Result<ErrorLog, OpenFault> {
        Ok(ErrorLog::new(vec![(
            level,
            Arc::new(Sink::File(self.share(path)?)),
        )]))
    }

    /// Opens every file anew by its path (SIGUSR1). What could not be opened goes on as it was and is returned.
    pub fn reopen(&self) -> Vec<OpenFault> {
        let files: Vec<_> = self.locked().values().filter_map(Weak::upgrade).collect();
        let fault = |file: Arc<LogFile>| {
            let error = file.reopen().err()?;
            Some(OpenFault {
                path: file.path().to_owned(),
                error,
            })
        };
        files.into_iter().filter_map(fault).collect()
    }

    fn share(&self, path: &Path) -> Result<Arc<LogFile>, OpenFault> {
        let mut open = self.locked();
        if let Some(file) = open.get(path).and_then(Weak::upgrade) {
            return Ok(file);
        }
        open.retain(|_, file| file.strong_count() > 0);
        let file = LogFile::open(path).map_err(|error| OpenFault {
            path: path.to_owned(),
            error,
        })?;
        let file = Arc::new(file);
        open.insert(path.to_owned(), Arc::downgrade(&file));
        Ok(file)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<PathBuf, Weak<LogFile>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ErrorLog {
    /// The first file of the list, for standard error to follow once the process is a daemon; `None` when lines go to
    /// standard error itself.
    pub fn descriptor(&self) -> Option<Arc<File>> {
        let mut file = None;
        for (_, sink) in &self.targets {
            match &**sink {
                Sink::Stderr => return None,
                Sink::File(found) if file.is_none() => file = Some(found.descriptor()),
                Sink::File(_) | Sink::Syslog(_) => {}
            }
        }
        file
    }
}
