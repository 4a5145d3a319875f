//! The threads that write the logs of a process.

use std::fs::File;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::writer::{Destination, Output, Writer};

/// One thread for all regular files, and one for each other destination: a pipe that nobody reads must not delay a file.
#[derive(Debug, Default)]
pub(super) struct Writers {
    files: OnceLock<Option<Writer>>,
    stderr: OnceLock<Option<Writer>>,
    others: Mutex<Vec<Writer>>,
}

impl Writers {
    /// An output to a file. `None`: the system has no thread left.
    pub(super) fn to_file(&self, file: &File, destination: Box<dyn Destination>) -> Option<Output> {
        let is_regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_regular {
            return self.to_other(destination);
        }
        add(&self.files, destination)
    }

    /// An output to standard error, likewise.
    pub(super) fn to_stderr(&self, destination: Box<dyn Destination>) -> Option<Output> {
        add(&self.stderr, destination)
    }

    fn to_other(&self, destination: Box<dyn Destination>) -> Option<Output> {
        let writer = Writer::start("log").ok()?;
        let output = writer.add(destination);
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.retain(Writer::has_outputs);
        others.push(writer);
        Some(output)
    }

    /// Waits until all lines are written; a destination that blocks is given up after `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = [self.files.get(), self.stderr.get()].into_iter();
        for writer in shared.flatten().flatten().chain(others.iter()) {
            writer.flush(limit);
        }
    }
}

/// Adds a destination to a thread, which starts with its first destination.
fn add(writer: &OnceLock<Option<Writer>>, destination: Box<dyn Destination>) -> Option<Output> {
    let writer = writer.get_or_init(|| Writer::start("log").ok());
    writer.as_ref().map(|writer| writer.add(destination))
}
