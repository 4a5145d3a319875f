//! The kernel's figures about a worker: files in /proc that the worker may not open itself.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::unistd::{Pid, getpid};

/// Open files in /proc about one process.
#[derive(Debug)]
pub struct ProcessFiles {
    /// `status`: its memory, among other things.
    pub memory: OwnedFd,
    /// `fd`: the folder of its descriptors.
    pub descriptors: OwnedFd,
}

impl ProcessFiles {
    /// The number of the descriptors.
    pub const COUNT: usize = 2;

    /// Opens them. `None` stands for this process.
    ///
    /// # Errors
    /// The process is gone, or /proc hides it.
    pub fn open(process: Option<Pid>) -> io::Result<Self> {
        let number = process.unwrap_or_else(getpid);
        let open = |name| File::open(format!("/proc/{number}/{name}")).map(OwnedFd::from);
        Ok(Self {
            memory: open("status")?,
            descriptors: open("fd")?,
        })
    }

    /// The descriptors, in the order of [`Self::received`].
    pub fn descriptors(&self) -> [BorrowedFd<'_>; Self::COUNT] {
        [self.memory.as_fd(), self.descriptors.as_fd()]
    }

    /// The files that another process has sent. `None`: it has sent fewer.
    pub fn received(mut descriptors: impl Iterator<Item = OwnedFd>) -> Option<Self> {
        Some(Self {
            memory: descriptors.next()?,
            descriptors: descriptors.next()?,
        })
    }
}
