//! The files of a log: the current one, and those that log rotation has left beside it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;

/// One file of a log.
#[derive(Debug)]
pub(super) struct LogPart {
    pub(super) path: PathBuf,
    modified: SystemTime,
}

/// The files of a log, the oldest first: `mail.log`, `mail.log.1`, `mail.log-20261129.gz`, …
pub(super) fn parts(log: &Path) -> io::Result<Vec<LogPart>> {
    let name = log.file_name().unwrap_or_default().as_bytes();
    let folder = match log.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !is_part(&entry.file_name(), name) {
            continue;
        }
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            parts.push(LogPart {
                modified: metadata.modified()?,
                path: entry.path(),
            });
        }
    }
    if parts.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    parts.sort_by_key(|part| part.modified);
    Ok(parts)
}

/// Whether a file name is that of the log or of a rotated file: the name, then `.` or `-` and digits, then `.gz` if compressed.
fn is_part(file: &OsStr, log: &[u8]) -> bool {
    let Some(rest) = file.as_bytes().strip_prefix(log) else {
        return false;
    };
    let rest = rest.strip_suffix(b".gz").unwrap_or(rest);
    match rest {
        [] => true,
        [b'.' | b'-', suffix @ ..] => {
            !suffix.is_empty()
                && suffix
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || *byte == b'-')
        }
        _ => false,
    }
}

impl LogPart {
    /// Opens the file, and decompresses it if its name ends in `.gz`.
    pub(super) fn open(&self) -> io::Result<Box<dyn BufRead>> {
        let file = File::open(&self.path)?;
        Ok(match self.path.extension() {
            Some(extension) if extension == "gz" => {
                Box::new(BufReader::new(MultiGzDecoder::new(file)))
            }
            _ => Box::new(BufReader::new(file)),
        })
    }
}
