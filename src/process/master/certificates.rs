//! `ssl_certificate_watch`: certificates, keys, revocation lists and CAs that change on disk are put in force without a reload.
//!
//! The configuration is loaded again from what the master has read of it before, with the changed files read anew: nothing else
//! changes. Files are looked at in intervals, since links, renames and network file systems hide changes from inotify.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::configuration::Configuration;
use super::reload::Request;
use super::{Master, Phase};
use crate::base::Level;
use crate::config::{
    ClientTls, Files, Names, TlsFault, TlsFile, TlsMaterial, TlsProbes, World, watched_files,
};
use crate::log::ErrorLog;
use crate::process::handover::{Answer, Cause, Recording};
use crate::process::process_log::ProcessLog;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// The number of files above which they are looked at less often.
const FILES: u32 = 100;

/// Watches the files of the configuration in force.
#[derive(Debug, Default)]
pub struct Watch {
    groups: BTreeSet<BTreeSet<PathBuf>>,
    /// What the files looked like the last time; empty before.
    seen: BTreeMap<PathBuf, Option<Stamp>>,
    /// What was found then was not read yet: a file that is being written changes once more.
    is_fresh: bool,
    due: Option<Instant>,
}

/// What changes with the content of a file: device, inode, size, and the times of its last changes.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(path).ok()?;
    // Reading a pipe may take its time.
    if !metadata.is_file() {
        return None;
    }
    Some((
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        (metadata.mtime(), metadata.mtime_nsec()),
        (metadata.ctime(), metadata.ctime_nsec()),
    ))
}

impl Watch {
    /// Watches the files of another configuration.
    pub fn follow(&mut self, configuration: &Configuration) {
        let groups = watched_files(&configuration.config);
        if groups != self.groups {
            *self = Self {
                groups,
                ..Self::default()
            };
        }
        self.wait();
    }

    /// When the files are to be looked at.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    fn wait(&mut self) {
        let files = u32::try_from(self.files().count()).unwrap_or(u32::MAX);
        let interval = INTERVAL * (files / FILES + 1);
        self.due = (files > 0).then(|| Instant::now() + interval);
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.groups.iter().flatten()
    }

    /// Looks at the files. Whether they are to be read: they have changed, and did not change any more since the last time.
    fn has_settled(&mut self) -> bool {
        let seen: BTreeMap<_, _> = self
            .files()
            .map(|path| (path.clone(), stamp(path)))
            .collect();
        let is_quiet = seen == self.seen;
        let was_fresh = std::mem::replace(&mut self.is_fresh, !is_quiet);
        self.seen = seen;
        is_quiet && was_fresh
    }
}

/// A load's view of the machine: the answers of an earlier load, and real checks of TLS files.
struct Changed<'a> {
    answers: Recording,
    world: &'a dyn World,
}

impl Files for Changed<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.answers.read(path)
    }

    fn read_shared(&self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        self.answers.read_shared(path)
    }

    fn list(&self, folder: &Path) -> Vec<OsString> {
        self.answers.list(folder)
    }

    fn exists(&self, path: &Path) -> bool {
        self.answers.exists(path)
    }
}

impl Names for Changed<'_> {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        self.answers.lookup(host)
    }

    fn has_address(&self, address: IpAddr) -> bool {
        self.answers.has_address(address)
    }

    fn host_name(&self) -> String {
        self.answers.host_name()
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        self.answers.user(name)
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.answers.group(name)
    }

    fn privileged(&self) -> bool {
        self.answers.privileged()
    }

    fn processors(&self) -> usize {
        self.answers.processors()
    }
}

impl TlsProbes for Changed<'_> {
    fn check_pair(
        &self,
        certificate: &TlsFile,
        key: &TlsFile,
        passwords: &[Box<[u8]>],
    ) -> Result<(), TlsFault> {
        self.world.check_pair(certificate, key, passwords)
    }

    fn check_tls(&self, material: &TlsMaterial) -> Result<(), TlsFault> {
        self.world.check_tls(material)
    }

    fn check_client_tls(&self, material: &ClientTls) -> Result<(), TlsFault> {
        self.world.check_client_tls(material)
    }
}

impl Master {
    /// Looks at the files, and hands those that have changed to the worker.
    pub(super) fn check_certificates(&mut self) {
        self.watch.wait();
        if self.phase != Phase::Serving || self.change.is_some() || !self.watch.has_settled() {
            return;
        }
        let changed = self.changed_files();
        if changed.is_empty() {
            return;
        }
        let names: Vec<_> = changed
            .keys()
            .map(|path| path.display().to_string())
            .collect();
        self.notice(format_args!("TLS files have changed: {}", names.join(", ")));
        match self.load_changed(&changed) {
            Some(configuration) => self.replace_certificates(configuration),
            None => {
                let reason = "the changed TLS files cannot be used";
                self.show_outcome(Cause::Certificates, &Err(reason.to_owned()));
                self.notice(format_args!("the old TLS files stay in use"));
            }
        }
    }

    /// The watched files whose content is not that of the configuration in force.
    fn changed_files(&self) -> BTreeMap<PathBuf, Answer> {
        let known = &self.running.answers;
        let is_there = |path: &&PathBuf| self.watch.seen.get(*path).is_some_and(Option::is_some);
        let is_gone = |path: &&PathBuf| !path.exists();
        let files = self.watch.files();
        let files = files.filter(|path| is_there(path) || is_gone(path));
        let read = files.map(|path| (path.clone(), Answer::of(self.world.read(path))));
        read.filter(|(path, answer)| known.file(path).is_some_and(|known| known != answer))
            .collect()
    }

    /// The configuration in force with the changed files; without the groups of them that cannot be used. `None` if none can.
    fn load_changed(&mut self, changed: &BTreeMap<PathBuf, Answer>) -> Option<Configuration> {
        let log = ProcessLog::running(Arc::clone(&self.running.log));
        let is_changed =
            |group: &&BTreeSet<PathBuf>| group.iter().any(|path| changed.contains_key(path));
        let groups: Vec<_> = self
            .watch
            .groups
            .iter()
            .filter(is_changed)
            .cloned()
            .collect();
        let silent = ProcessLog::running(Arc::new(ErrorLog::default()));
        let first_log = if groups.len() == 1 { &log } else { &silent };
        let all = self.load_with(changed.clone(), first_log);
        if all.is_some() || groups.len() == 1 {
            return all;
        }
        let mut usable = BTreeMap::new();
        let mut loaded = None;
        for group in groups {
            let files = changed.iter().filter(|(path, _)| group.contains(*path));
            let mut more = usable.clone();
            more.extend(files.map(|(path, answer)| (path.clone(), answer.clone())));
            if let Some(configuration) = self.load_with(more.clone(), &log) {
                loaded = Some(configuration);
                usable = more;
            }
        }
        loaded
    }

    fn load_with(
        &mut self,
        files: BTreeMap<PathBuf, Answer>,
        log: &ProcessLog,
    ) -> Option<Configuration> {
        self.loaded += 1;
        let world = Changed {
            answers: self.running.answers.with(files),
            world: &*self.world,
        };
        let said = &mut self.said;
        Configuration::load(self.loaded, &self.options, &world, &self.files, said, log)
    }

    fn replace_certificates(&mut self, configuration: Configuration) {
        let log = ProcessLog::running(Arc::clone(&self.running.log));
        // All sockets are there: the configuration has the same.
        if let Some(added) = self.sockets.prepare(&configuration.config, &log) {
            let request = Request {
                cause: Cause::Certificates,
                senders: Vec::new(),
            };
            self.hand_over(configuration, added, None, request);
        } else {
            log.line(Level::Alert, format_args!("the old TLS files stay in use"));
        }
    }
}
