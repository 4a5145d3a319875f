//! CPU time and memory of a process and all its descendants, from /proc (proc(5)).

use std::collections::HashMap;
use std::fs;
use std::io;
use std::time::Duration;

use nix::errno::Errno;

use crate::failure::{Context as _, Failure};

/// A process and its descendants.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    root: u32,
}

/// CPU time by thread, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpu(HashMap<u32, u64>);

/// The CPU time between two measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Nanoseconds of all threads that still exist.
    pub nanoseconds: u64,
    /// Threads that ended in between; their CPU time is unknown.
    pub ended: usize,
}

impl Tree {
    /// The tree of process `root`.
    pub fn new(root: u32) -> Self {
        Self { root }
    }

    /// The process at the root.
    #[must_use]
    pub fn root(&self) -> u32 {
        self.root
    }

    /// The processes, the root first; empty if the root has ended.
    pub fn processes(&self) -> Result<Vec<u32>, Failure> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut tree = Vec::new();
        for entry in fs::read_dir("/proc")
            .context(|| "read /proc".to_owned())?
            .flatten()
        {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok())
            else {
                continue;
            };
            // The process may have ended meanwhile.
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
                continue;
            };
            if pid == self.root {
                tree.push(pid);
            }
            children
                .entry(parent(&stat).unwrap_or_default())
                .or_default()
                .push(pid);
        }
        let mut next = 0;
        while let Some(pid) = tree.get(next) {
            tree.extend(children.remove(pid).unwrap_or_default());
            next += 1;
        }
        Ok(tree)
    }

    /// The CPU time of each thread so far. For a running thread it is the time that the scheduler has accounted.
    pub fn cpu(&self) -> Result<Cpu, Failure> {
        let mut threads = HashMap::new();
        for pid in self.processes()? {
            let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
                continue;
            };
            for task in tasks.flatten() {
                let Some(tid) = task.file_name().to_str().and_then(|name| name.parse().ok()) else {
                    continue;
                };
                let Ok(line) = fs::read_to_string(task.path().join("schedstat")) else {
                    continue;
                };
                let ran = line.split(' ').next().and_then(|text| text.parse().ok());
                threads.insert(
                    tid,
                    ran.ok_or_else(|| Failure::new("cannot read schedstat: no number"))?,
                );
            }
        }
        Ok(Cpu(threads))
    }

    /// The CPU time once the tree is idle: the end of a session may be processed after its client has left.
    pub async fn settled_cpu(&self) -> Result<Cpu, Failure> {
        let mut last = self.cpu()?;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let now = self.cpu()?;
            if now.since(&last).nanoseconds < 100_000 {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }

    /// The proportional set size in bytes: a page shared by n processes counts 1/n in each.
    pub fn memory(&self) -> Result<u64, Failure> {
        let mut sum = 0;
        for pid in self.processes()? {
            let path = format!("/proc/{pid}/smaps_rollup");
            match fs::read_to_string(&path) {
                // A process that is ending has no memory any more.
                Ok(text) if text.is_empty() => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) if e.raw_os_error() == Some(Errno::ESRCH as i32) => {}
                text => {
                    sum += text
                        .and_then(|text| pss(&text))
                        .context(|| format!("read {path}"))?;
                }
            }
        }
        Ok(sum)
    }
}

impl Cpu {
    /// The CPU time since `before`.
    pub fn since(&self, before: &Self) -> Spent {
        let used =
            |(tid, now): (&u32, &u64)| now.saturating_sub(before.0.get(tid).copied().unwrap_or(0));
        Spent {
            nanoseconds: self.0.iter().map(used).sum(),
            ended: before
                .0
                .keys()
                .filter(|tid| !self.0.contains_key(tid))
                .count(),
        }
    }
}

/// The fourth field of /proc/PID/stat. The second field may contain spaces and brackets.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn pss(text: &str) -> io::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.ok_or_else(|| io::Error::other("no Pss line"))? * 1024)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn parent_follows_the_last_bracket() {
        assert_eq!(parent("7 (a) S 1 (b)) R 42 7 7"), Some(42));
        assert_eq!(parent("7"), None);
    }

    #[test]
    fn tree_includes_children_and_has_memory() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let tree = Tree::new(std::process::id());
        let processes = tree.processes().unwrap();
        assert_eq!(processes[0], std::process::id());
        assert!(processes.contains(&child.id()));
        assert!(tree.memory().unwrap() > 100_000);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn cpu_time_is_counted_per_thread() {
        let cpu = |threads: &[(u32, u64)]| Cpu(threads.iter().copied().collect());
        let spent = cpu(&[(1, 15), (3, 7)]).since(&cpu(&[(1, 10), (2, 99)]));
        assert_eq!(
            spent,
            Spent {
                nanoseconds: 12,
                ended: 1
            }
        );
    }

    #[test]
    fn pss_is_in_kilobytes() {
        assert_eq!(
            pss("5 [rollup]\nRss: 9 kB\nPss:     12 kB\nPss_Anon: 1 kB\n").unwrap(),
            12288
        );
        assert!(pss("").is_err());
    }
}
