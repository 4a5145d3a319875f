//! One open log file. A reopen replaces the descriptor for all lists that share the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::destination::{CurrentFile, FileDestination, error_log_loss};
use super::writer::Output;
use super::writers::Writers;
use crate::config::LineFormat;

#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: CurrentFile,
    /// Without it, lines are written at once.
    output: Option<Output>,
    /// Whether its last list has lines in JSON: so has the line which says that lines were lost.
    is_json: Arc<AtomicBool>,
}

impl LogFile {
    /// Opens a file for appending, and creates it if it is missing (mode 0644).
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = Arc::new(ArcSwap::from_pointee(append_to(path)?));
        Ok(Self {
            path: path.to_owned(),
            file,
            output: None,
            is_json: Arc::default(),
        })
    }

    /// A file that is already open, whose lines one of `writers` writes.
    pub(super) fn with_writer(path: PathBuf, file: File, writers: &Writers) -> Self {
        let file = Arc::new(ArcSwap::from_pointee(file));
        let is_json = Arc::new(AtomicBool::new(false));
        let of_losses = Arc::clone(&is_json);
        let destination = FileDestination {
            file: Arc::clone(&file),
            buffer: None,
            loss: Box::new(move |count, cause| {
                let format = match of_losses.load(Ordering::Relaxed) {
                    true => LineFormat::Json,
                    false => LineFormat::Text,
                };
                error_log_loss(format, count, cause)
            }),
        };
        let output = writers.to_file(&file.load(), Box::new(destination));
        Self {
            path,
            file,
            output,
            is_json,
        }
    }

    /// Takes lines in this form from now on.
    pub(super) fn takes(&self, format: LineFormat) {
        let is_json = format == LineFormat::Json;
        self.is_json.store(is_json, Ordering::Relaxed);
    }

    /// Writes to another descriptor from now on.
    pub(super) fn replace(&self, file: File) {
        self.file.store(Arc::new(file));
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the path again: after a rotation the lines go to the new file. On failure the old file stays in use.
    pub(super) fn reopen(&self) -> io::Result<()> {
        self.replace(append_to(&self.path)?);
        Ok(())
    }

    /// Writes a line with one write(2), so that with O_APPEND the lines of several threads and processes do not mix, or queues it.
    pub(super) fn write(&self, line: &[u8]) {
        match &self.output {
            Some(output) => output.push(line),
            // There is no place to report an error.
            None => {
                let _ = (&**self.file.load()).write(line);
            }
        }
    }

    /// The current descriptor.
    pub(super) fn descriptor(&self) -> Arc<File> {
        self.file.load_full()
    }

    /// The current descriptor, also after the file is opened again.
    pub(super) fn current(&self) -> CurrentFile {
        Arc::clone(&self.file)
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)
}
