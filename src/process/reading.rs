//! Reading a file to its end without waiting for ever: the process that reads has one thread and must answer signals.
//!
//! nginx reads pass phrases from named pipes, so a pipe may take its time. Whatever else is not a regular file is refused:
//! a terminal or a socket has no end.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::O_NONBLOCK;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a pipe may take for all of its content.
const LIMIT: Duration = Duration::from_secs(10);
/// The device number of `/dev/null`.
const NULL: u64 = 1 << 8 | 3;

/// The content of a file.
///
/// # Errors
/// Opening or reading fails; `ESPIPE`, which is what pread(2) says of it, for a file without an end; `ETIMEDOUT` for a pipe that
/// is not closed by its writers in time.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    // A pipe opens at once, whether somebody writes to it or not.
    let mut file = options.read(true).custom_flags(O_NONBLOCK).open(path)?;
    let metadata = file.metadata()?;
    let kind = metadata.file_type();
    let mut content = Vec::new();
    if kind.is_fifo() {
        read_pipe(&mut file, &mut content, Instant::now() + LIMIT)?;
    } else if kind.is_file() {
        content.reserve_exact(usize::try_from(metadata.len()).unwrap_or_default());
        file.read_to_end(&mut content)?;
    } else if kind.is_dir() {
        return Err(Errno::EISDIR.into());
    } else if metadata.rdev() != NULL {
        return Err(Errno::ESPIPE.into());
    }
    Ok(content)
}

fn read_pipe(file: &mut File, content: &mut Vec<u8>, deadline: Instant) -> io::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| ErrorKind::InvalidInput)?;
        // Without a writer, and before the first one, there is nothing to poll for: not even the end.
        let mut sources = [PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN)];
        match poll(&mut sources, Some(&left)) {
            Ok(0) => return Err(Errno::ETIMEDOUT.into()),
            Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match file.read_to_end(content) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;
    use std::thread;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("portcullis-{name}-{}", std::process::id()))
    }

    #[test]
    fn files_without_an_end_are_refused() {
        let number = |path: &str| read(Path::new(path)).unwrap_err().raw_os_error();
        assert_eq!(number("/dev/zero"), Some(Errno::ESPIPE as i32));
        assert_eq!(number("/dev"), Some(Errno::EISDIR as i32));
        assert!(read(Path::new("/dev/null")).unwrap().is_empty());
        assert!(!read(Path::new("/proc/self/status")).unwrap().is_empty());
    }

    #[test]
    fn a_pipe_is_read_to_the_end_of_its_writer() {
        let path = path("pipe");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let writer = thread::spawn({
            let path = path.clone();
            move || {
                let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
                for _ in 0..3 {
                    pipe.write_all(&[7; 100_000]).unwrap();
                }
            }
        });
        assert_eq!(read(&path).unwrap().len(), 300_000);
        writer.join().unwrap();
        let mut file = OpenOptions::new();
        let mut file = file
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(&path)
            .unwrap();
        let deadline = Instant::now() + Duration::from_millis(20);
        let error = read_pipe(&mut file, &mut Vec::new(), deadline).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::ETIMEDOUT as i32));
        std::fs::remove_file(path).unwrap();
    }
}
