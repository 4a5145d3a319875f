//! The open log files of the process: one per path, however many `error_log` lists name it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use nix::errno::Errno;

use super::ErrorLog;
use super::destination::{FileDestination, StderrDestination, error_log_loss};
use super::file::LogFile;
use super::mail_log::{self, MailLogs, Target, loss_line};
use super::sink::Sink;
use super::syslog::Syslog;
use super::writers::Writers;
use crate::base::{self, Level, Registry};
use crate::config::{LogDestination, LogTarget, MailLog};

/// Opens logs. A file is closed with the last list that names it.
#[derive(Debug, Default)]
pub struct LogFiles {
    open: Registry<PathBuf, LogFile>,
    source: Source,
    writers: Writers,
}

/// Where descriptors come from.
#[derive(Debug, Default)]
enum Source {
    /// Files are opened by their paths.
    #[default]
    Paths,
    /// The master hands over those of the current configuration: a worker opens none.
    Master(Mutex<Vec<Arc<LogFile>>>),
}

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
            base::Errno(&self.error)
        )
    }
}

impl LogFiles {
    /// The files of a worker: those that are handed over.
    pub fn handed_over() -> Self {
        Self {
            open: Registry::default(),
            source: Source::Master(Mutex::default()),
            writers: Writers::default(),
        }
    }

    /// Takes the files of the current configuration. All that write to a file which is already open write to the new descriptor from now
    /// on.
    pub fn hand_over(&self, files: impl IntoIterator<Item = (PathBuf, File)>) {
        let take = |(path, file): (PathBuf, File)| {
            let mut file = Some(file);
            let made = self.open.get_or_make(path, |path| {
                let file = file.take().ok_or(())?;
                Ok::<_, ()>(LogFile::with_writer(path.clone(), file, &self.writers))
            });
            if let (Ok(known), Some(file)) = (&made, file) {
                known.replace(file);
            }
            made.ok()
        };
        let files = files.into_iter().filter_map(take).collect();
        if let Source::Master(kept) = &self.source {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = files;
        }
    }

    /// The descriptors of all open files, with their paths.
    pub fn descriptors(&self) -> Vec<(PathBuf, Arc<File>)> {
        let files = self.open.values().into_iter();
        files
            .map(|file| (file.path().to_owned(), file.descriptor()))
            .collect()
    }

    /// Opens a list. A file that is already open is shared.
    ///
    /// # Errors
    /// The first file that cannot be opened.
    pub fn open(&self, targets: &[LogTarget]) -> Result<ErrorLog, OpenError> {
        let mut sinks = Vec::with_capacity(targets.len());
        for target in targets {
            let sink = match &target.destination {
                LogDestination::Stderr => self.stderr(),
                LogDestination::File(path) => Sink::File(self.share(path)?),
                LogDestination::Syslog(syslog) => Sink::Syslog(Syslog::new(syslog)),
            };
            sinks.push((target.level, Arc::new(sink)));
        }
        Ok(ErrorLog::new(sinks))
    }

    /// Opens the logs of `mail_log`.
    ///
    /// # Errors
    /// The first file that cannot be opened.
    pub fn open_mail_logs(&self, logs: &[MailLog]) -> Result<MailLogs, OpenError> {
        let mut targets = Vec::with_capacity(logs.len());
        for log in logs {
            let loss = loss_line(&log.format);
            let output = match &log.destination {
                LogDestination::Stderr => {
                    self.writers.to_stderr(Box::new(StderrDestination { loss }))
                }
                LogDestination::File(path) => {
                    let file = self.share(path)?.current();
                    let destination = FileDestination {
                        file: Arc::clone(&file),
                        buffer: log.buffer,
                        loss,
                    };
                    self.writers.to_file(&file.load(), Box::new(destination))
                }
                LogDestination::Syslog(target) => {
                    let sink = mail_log::Sink::Syslog(Syslog::new(target));
                    targets.push(Target::new(sink, log));
                    continue;
                }
            };
            targets.extend(output.map(|output| Target::new(mail_log::Sink::Queue(output), log)));
        }
        Ok(MailLogs::new(targets))
    }

    /// Waits until all lines are written, for `limit` at most.
    pub fn flush(&self, limit: Duration) {
        self.writers.flush(limit);
    }

    /// Standard error. The lines of a worker are queued.
    fn stderr(&self) -> Sink {
        let loss = error_log_loss;
        Sink::Stderr(match self.source {
            Source::Paths => None,
            Source::Master(_) => self.writers.to_stderr(Box::new(StderrDestination { loss })),
        })
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
        self.open.values().into_iter().filter_map(reopen).collect()
    }

    fn share(&self, path: &Path) -> Result<Arc<LogFile>, OpenError> {
        self.open.get_or_make(path.to_owned(), |path| {
            let path = path.clone();
            let opened = match self.source {
                Source::Paths => LogFile::open(&path),
                Source::Master(_) => Err(Errno::ENOENT.into()),
            };
            opened.map_err(|error| OpenError { path, error })
        })
    }
}

impl ErrorLog {
    /// The first file of the list.
    pub fn file(&self) -> Option<Arc<File>> {
        self.targets.iter().find_map(|(_, sink)| match &**sink {
            Sink::File(file) => Some(file.descriptor()),
            Sink::Stderr(_) | Sink::Syslog(_) => None,
        })
    }
}
