//! The open log files of the process: one per path, however many `error_log` lists name it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use nix::errno::Errno;

use super::ErrorLog;
use super::destination::{
    FileDestination, LOSS_LEVEL, LossLine, StderrDestination, error_log_loss,
};
use super::file::LogFile;
use super::journal;
use super::mail_log::{self, MailLogs, loss_line};
use super::sink::{Sink, Stderr, StderrKind};
use super::syslog::Syslog;
use super::target::{Reports, Target};
use super::writers::Writers;
use crate::base::{self, Level, Registry};
use crate::config::{LineFormat, LogDestination, LogTarget, MailLog};

/// Opens logs. A file is closed with the last list that names it.
#[derive(Debug, Default)]
pub struct LogFiles {
    open: Registry<PathBuf, LogFile>,
    /// The targets with a `rate`, which lists share: the limit holds for all of them, also across a reload.
    limited: Registry<LogTarget, Target>,
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
            limited: Registry::default(),
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
        let opened = targets.iter().map(|target| match target.rate {
            Some(_) => {
                let target = target.clone();
                self.limited
                    .get_or_make(target, |target| self.open_target(target))
            }
            None => self.open_target(target).map(Arc::new),
        });
        Ok(ErrorLog::new(opened.collect::<Result<_, _>>()?))
    }

    fn open_target(&self, target: &LogTarget) -> Result<Target, OpenError> {
        let sink = match &target.destination {
            LogDestination::Stderr => Sink::Stderr(self.stderr(target.format)),
            LogDestination::File(path) => {
                let file = self.share(path)?;
                file.takes(target.format);
                Sink::File(file)
            }
            LogDestination::Syslog(syslog) => Sink::Syslog(Syslog::new(syslog)),
        };
        let reports = match self.source {
            Source::Paths => Reports::NextLine,
            Source::Master(_) => Reports::InTime,
        };
        Ok(Target::new(target, sink, reports))
    }

    /// Opens the logs of `mail_log`.
    ///
    /// # Errors
    /// The first file that cannot be opened.
    pub fn open_mail_logs(&self, logs: &[MailLog]) -> Result<MailLogs, OpenError> {
        let mut targets = Vec::with_capacity(logs.len());
        for log in logs {
            let loss: LossLine = Box::new(loss_line(&log.format));
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
                    targets.push(mail_log::Target::new(sink, log));
                    continue;
                }
            };
            let sink = output.map(mail_log::Sink::Queue);
            targets.extend(sink.map(|sink| mail_log::Target::new(sink, log)));
        }
        Ok(MailLogs::new(targets))
    }

    /// Waits until all lines are written, for `limit` at most.
    pub fn flush(&self, limit: Duration) {
        for target in self.limited.values() {
            target.report_suppressed();
        }
        self.writers.flush(limit);
    }

    /// Standard error. The lines of a worker are queued.
    fn stderr(&self, format: LineFormat) -> Stderr {
        let kind = StderrKind::now();
        let loss: LossLine = Box::new(move |count, cause| {
            let line = error_log_loss(format, count, cause);
            match kind {
                StderrKind::Journal => journal::line(LOSS_LEVEL, format, &line),
                StderrKind::Other => line,
            }
        });
        let output = match self.source {
            Source::Paths => None,
            Source::Master(_) => self.writers.to_stderr(Box::new(StderrDestination { loss })),
        };
        Stderr { kind, output }
    }

    /// Opens a list of one file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open_file(&self, path: &Path, level: Level) -> Result<ErrorLog, OpenError> {
        let target = Target::plain(level, Sink::File(self.share(path)?));
        Ok(ErrorLog::new(vec![Arc::new(target)]))
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
        self.targets.iter().find_map(|target| match target.sink() {
            Sink::File(file) => Some(file.descriptor()),
            Sink::Stderr(_) | Sink::Syslog(_) => None,
        })
    }
}
