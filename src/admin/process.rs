//! The kernel's figures about this process.

use std::os::fd::OwnedFd;
use std::time::Duration;

use nix::dir::Dir;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::uio::pread;

/// Files in /proc about this process, which it may not open itself.
#[derive(Debug)]
pub struct ProcessSource {
    memory: OwnedFd,
    descriptors: Option<Dir>,
}

/// The figures at one moment. Those that are not known are absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessFigures {
    /// Bytes in memory.
    pub resident: Option<u64>,
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// The limit of open descriptors.
    pub most_descriptors: Option<u64>,
    /// Time on the processors.
    pub cpu: Option<Duration>,
}

impl ProcessSource {
    /// The source that consists of `status` and the folder `fd`.
    pub fn new(memory: OwnedFd, descriptors: OwnedFd) -> Self {
        Self {
            memory,
            descriptors: Dir::from_fd(descriptors).ok(),
        }
    }

    /// The line `VmRSS:` of `status`, which is in kB.
    fn resident(&self) -> Option<u64> {
        let mut text = [0; 4096];
        let length = pread(&self.memory, &mut text, 0).ok()?;
        let text = String::from_utf8_lossy(&text[..length]);
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: u64 = line?.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes * 1024)
    }

    fn descriptors(&mut self) -> Option<u64> {
        let folder = self.descriptors.as_mut()?;
        let is_number = |name: &[u8]| name.iter().all(u8::is_ascii_digit);
        let entries = folder.iter().flatten();
        let numbers = entries.filter(|entry| is_number(entry.file_name().to_bytes()));
        Some(numbers.count() as u64)
    }
}

impl ProcessFigures {
    /// The figures now.
    pub fn now(source: Option<&mut ProcessSource>) -> Self {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
        let cpu = usage.map(|usage| duration(usage.user_time()) + duration(usage.system_time()));
        let limit = getrlimit(Resource::RLIMIT_NOFILE).ok();
        let (resident, descriptors) = match source {
            Some(source) => (source.resident(), source.descriptors()),
            None => (None, None),
        };
        Self {
            resident,
            descriptors,
            most_descriptors: limit.map(|(soft, _)| soft),
            cpu,
        }
    }
}

fn duration(time: nix::sys::time::TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    let micros = u64::try_from(time.tv_usec()).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_kernel_is_read() {
        let open = |name| OwnedFd::from(File::open(format!("/proc/self/{name}")).unwrap());
        let mut source = ProcessSource::new(open("status"), open("fd"));
        let files: Vec<_> = (0..50).map(|_| open("status")).collect();
        for _ in 0..2 {
            let figures = ProcessFigures::now(Some(&mut source));
            assert!(figures.resident.unwrap() > 1 << 20);
            assert!(figures.descriptors.unwrap() > 50);
            assert!(figures.descriptors <= figures.most_descriptors);
        }
        drop(files);
        let without = ProcessFigures::now(None);
        assert!(without.resident.is_none() && without.cpu.is_some());
    }
}
