//! `ssl_certificate_watch`: certificates, keys, revocation lists and CAs that change on disk are put in force without a reload.
//!
//! The configuration is loaded again from what the master has read of it before, with the changed files read anew: nothing else
//! changes.

mod changed;
mod folders;
mod validity;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use self::changed::Changed;
pub use self::validity::DailyCheck;
use self::watch::Attempt;
pub use self::watch::Watch;
use super::configuration::Configuration;
use super::reload::Request;
use super::{Master, Phase};
use crate::base::Level;
use crate::config::TlsFile;
use crate::config::tls_files::{self, Group};
use crate::log::ErrorLog;
use crate::process::handover::{Answer, Cause};
use crate::process::process_log::ProcessLog;

/// The number of changed files that the log names.
const NAMED: usize = 10;
/// The number of groups that are loaded one by one after a load of all has failed.
const TRIED: usize = 10;

/// Files with what reading them has yielded.
type Contents = BTreeMap<PathBuf, Answer>;

impl Master {
    /// Watches the files of the configuration in force.
    pub(super) fn follow_certificates(&mut self) {
        let (groups, now) = (tls_files::watched(&self.running.config), Instant::now());
        self.watch.follow(groups, now);
        self.daily.start(now);
    }

    /// Looks at the files where it is time to, and hands those that have changed to the worker.
    pub(super) fn check_certificates(&mut self) {
        let now = Instant::now();
        if self.phase != Phase::Serving || self.change.is_some() {
            return self.watch.postpone(now);
        }
        let Some(attempt) = self.watch.settled(now) else {
            return;
        };
        let different = self.different_files();
        let groups = self.changed_groups(&different);
        let is_used = |path: &PathBuf| groups.iter().any(|group| group.contains(path));
        let mut changed = different.clone();
        changed.retain(|path, _| is_used(path));
        let pairs = self.changed_pairs(&changed);
        if attempt == Attempt::Early && pairs.values().any(|pair| *pair == Pair::Broken) {
            return self.watch.give_time();
        }
        self.watch.end_change(different.into_keys().collect());
        if changed.is_empty() {
            return;
        }
        let names = Named(changed.keys().collect());
        self.notice(format_args!("TLS files have changed: {names}"));
        match self.load_changed(&changed, in_units(groups, &pairs)) {
            Some(configuration) => self.replace_certificates(configuration),
            None => {
                let reason = "the changed TLS files cannot be used";
                self.show_outcome(Cause::Certificates, &Err(reason.to_owned()));
                self.notice(format_args!("the old TLS files stay in use"));
            }
        }
    }

    /// The files whose content is not that of the configuration in force, of those that have changed at any time.
    fn different_files(&self) -> Contents {
        let known = &self.running.answers;
        let files = self.watch.changed();
        let read = files.map(|path| (path.clone(), Answer::of(self.world.read(path))));
        read.filter(|(path, answer)| known.file(path).is_some_and(|known| known != answer))
            .collect()
    }

    /// The groups with a file that has changed since it was last tried.
    fn changed_groups(&self, different: &Contents) -> Vec<Group> {
        let is_new = |path: &PathBuf| different.contains_key(path) && self.watch.is_unread(path);
        let groups = self.watch.groups().iter();
        groups
            .filter(|group| group.iter().any(is_new))
            .cloned()
            .collect()
    }

    /// The certificates and keys among these files, and whether they belong together, as far as that shows without the configuration.
    fn changed_pairs(&self, changed: &Contents) -> BTreeMap<PathBuf, Pair> {
        let mut pairs = BTreeMap::new();
        for (certificate, key, passwords) in tls_files::pairs(&self.running.config) {
            let paths = [&certificate.path, &key.path];
            if !paths.iter().any(|path| changed.contains_key(*path)) {
                continue;
            }
            let now = now(certificate, changed).zip(now(key, changed));
            let is_whole = now.is_some_and(|(certificate, key)| {
                let checked = self
                    .world
                    .check_pair(&certificate, &key, passwords.reveal());
                checked.is_ok()
            });
            for path in paths {
                let pair = pairs.entry(path.clone()).or_insert(Pair::Whole);
                if !is_whole {
                    *pair = Pair::Broken;
                }
            }
        }
        pairs
    }

    /// The configuration in force with the changed files; without the units of them that cannot be used. `None` if none can.
    fn load_changed(&mut self, changed: &Contents, units: Vec<Group>) -> Option<Configuration> {
        let log = ProcessLog::running(Arc::clone(&self.running.log));
        let silent = ProcessLog::running(Arc::new(ErrorLog::default()));
        let first_log = if units.len() == 1 { &log } else { &silent };
        let all = self.load_with(changed.clone(), first_log);
        if all.is_some() || units.len() == 1 {
            return all;
        }
        let mut usable = BTreeMap::new();
        let mut loaded = None;
        let (tried, others) = units.split_at(units.len().min(TRIED));
        for unit in tried {
            let files = changed.iter().filter(|(path, _)| unit.contains(*path));
            let mut more = usable.clone();
            more.extend(files.map(|(path, answer)| (path.clone(), answer.clone())));
            if let Some(configuration) = self.load_with(more.clone(), &log) {
                loaded = Some(configuration);
                usable = more;
            }
        }
        if !others.is_empty() {
            let names = Named(others.iter().flatten().collect());
            let text = format_args!("TLS files that are probably broken are not used: {names}");
            log.line(Level::Emerg, text);
        }
        loaded
    }

    fn load_with(&mut self, files: Contents, log: &ProcessLog) -> Option<Configuration> {
        self.loaded += 1;
        let world = Changed::new(&self.running.answers, files, &*self.world);
        // The load warns of the changed files alone.
        let (before, said) = (self.said.clone(), &mut self.said);
        let loaded =
            Configuration::load(self.loaded, &self.options, &world, &self.files, said, log);
        self.said.add(before);
        loaded
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

/// Whether a certificate and a key belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    Whole,
    Broken,
}

/// A file with its changed content, if it has changed; `None` if it cannot be read.
fn now(file: &TlsFile, changed: &Contents) -> Option<TlsFile> {
    match changed.get(&file.path) {
        None => Some(file.clone()),
        Some(answer) => Some(TlsFile {
            path: file.path.clone(),
            bytes: answer.content().ok()?.as_slice().into(),
        }),
    }
}

/// The groups that are loaded at a time: first those of whole pairs, all of them together, then each of the others.
fn in_units(groups: Vec<Group>, pairs: &BTreeMap<PathBuf, Pair>) -> Vec<Group> {
    let is_whole = |group: &Group| {
        let mut known = group.iter().filter_map(|path| pairs.get(path)).peekable();
        known.peek().is_some() && known.all(|pair| *pair == Pair::Whole)
    };
    let (whole, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_whole);
    let whole: Group = whole.into_iter().flatten().collect();
    let whole = Some(whole).filter(|unit| !unit.is_empty());
    whole.into_iter().chain(others).collect()
}

/// The first of these paths, and how many more there are.
struct Named<'a>(Vec<&'a PathBuf>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, path) in self.0.iter().take(NAMED).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(out, "{comma}{}", path.display())?;
        }
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}
