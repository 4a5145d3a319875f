//! When the TLS files are looked at, and which of them have changed.
//!
//! The kernel's events say where to look. Because links, full tables and network file systems hide changes from them, all files are looked at
//! in intervals besides. A change is read once the files have been quiet for a moment: a certificate and its key are written one after
//! the other.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folders::{Changes, Coverage, Folders};

/// How often all files are looked at where events report every change.
const SELDOM: Duration = Duration::from_secs(60);
/// How often all files are looked at where they do not.
const OFTEN: Duration = Duration::from_secs(1);
/// The number of files above which all files are looked at less often.
const FILES: u32 = 100;
/// How long files must not have changed before they are read.
const QUIET: Duration = Duration::from_millis(100);
/// The same before an incomplete change is reported.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a file that changes again and again can delay its reading.
const LONGEST: Duration = Duration::from_secs(5);
/// How long events collect before they are read: others may use the same folders much.
const PAUSE: Duration = Duration::from_millis(20);

/// Watches the files of the configuration in force.
#[derive(Debug, Default)]
pub struct Watch {
    groups: BTreeSet<BTreeSet<PathBuf>>,
    folders: Option<Folders>,
    /// Whether the paths may lead elsewhere since the folders were determined.
    is_stale: bool,
    /// What the files looked like the last time.
    seen: BTreeMap<PathBuf, Option<Stamp>>,
    /// The files that have changed since they were read.
    unread: BTreeSet<PathBuf>,
    /// The files that were read and could not be used. They are part of the next change of their group.
    unused: BTreeSet<PathBuf>,
    unsettled: Option<Unsettled>,
    /// When all files are looked at.
    look: Option<Instant>,
    /// Nothing is done before.
    wait: Option<Instant>,
    /// Events are not read before.
    pause: Option<Instant>,
}

/// How much time a change is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The change may be incomplete: it gets more time if it cannot be used.
    Early,
    /// The change had all the time that it gets.
    Last,
}

/// A change that is not read yet.
#[derive(Clone, Copy, Debug)]
struct Unsettled {
    since: Instant,
    last: Instant,
    next: Attempt,
}

impl Unsettled {
    fn due(&self) -> Instant {
        let quiet = match self.next {
            Attempt::Early => QUIET,
            Attempt::Last => PATIENCE,
        };
        (self.last + quiet).min(self.since + LONGEST)
    }
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
    /// Watches these files from now on, in groups that are used together.
    pub fn follow(&mut self, groups: BTreeSet<BTreeSet<PathBuf>>, now: Instant) {
        if groups != self.groups {
            *self = Self {
                groups,
                ..Self::default()
            };
            if !self.groups.is_empty() {
                // They may have changed since they were loaded.
                self.is_stale = true;
                self.touch(now, Attempt::Early);
            }
        }
        self.wait = None;
    }

    /// The files in groups that are used together.
    pub fn groups(&self) -> &BTreeSet<BTreeSet<PathBuf>> {
        &self.groups
    }

    /// When something is to be done.
    pub fn due(&self) -> Option<Instant> {
        let unsettled = self.unsettled.map(|change| change.due());
        let due = [self.look, unsettled].into_iter().flatten().min()?;
        let due = self.wait.map_or(due, |wait| due.max(wait));
        Some(self.pause.map_or(due, |pause| due.min(pause)))
    }

    /// What to wait for.
    pub fn readable(&self) -> Option<BorrowedFd<'_>> {
        let folders = self.folders.as_ref().filter(|_| self.pause.is_none());
        folders.map(AsFd::as_fd)
    }

    /// Does nothing for a while.
    pub fn postpone(&mut self, now: Instant) {
        self.wait = Some(now + QUIET);
    }

    /// Reads the kernel's events.
    pub fn read_events(&mut self, now: Instant) {
        if self.pause.is_some_and(|pause| pause > now) {
            return;
        }
        self.pause = None;
        let Some(folders) = &self.folders else {
            return;
        };
        let changes = folders.changes();
        if changes == Changes::default() {
            return;
        }
        self.pause = Some(now + PAUSE);
        self.is_stale |= changes.lead_elsewhere;
        if self.look_at(changes.files) || changes.lead_elsewhere {
            self.touch(now, Attempt::Early);
        }
    }

    /// Looks at files where it is time to. Whether those that have changed are to be read.
    pub fn settled(&mut self, now: Instant) -> Option<Attempt> {
        if self.wait.is_some_and(|wait| wait > now) {
            return None;
        }
        if self.look.is_some_and(|look| look <= now) {
            self.look_at_all(now);
        }
        let change = self.unsettled.filter(|change| change.due() <= now)?;
        let has_changed = match std::mem::take(&mut self.is_stale) {
            true => {
                self.folders = Folders::watch(self.groups.iter().flatten()).ok();
                self.look_at_all(now)
            }
            false => self.look_at(self.unread.clone()),
        };
        let is_over = now >= change.since + LONGEST;
        if self.unread.is_empty() {
            self.unsettled = None;
            return None;
        }
        if has_changed && !is_over {
            self.touch(now, change.next);
            return None;
        }
        let is_missing = |path| self.seen.get(path).is_none_or(Option::is_none);
        match change.next {
            Attempt::Last => Some(Attempt::Last),
            Attempt::Early if is_over => Some(Attempt::Last),
            Attempt::Early if self.unread.iter().any(is_missing) => {
                self.give_time();
                None
            }
            Attempt::Early => Some(Attempt::Early),
        }
    }

    /// Gives an incomplete change more time.
    pub fn give_time(&mut self) {
        if let Some(change) = &mut self.unsettled {
            change.next = Attempt::Last;
        }
    }

    /// The files that have changed, and those that could not be used before. Files that are no files any more are left out.
    pub fn changed(&self) -> impl Iterator<Item = &PathBuf> {
        let is_regular = |path: &&PathBuf| {
            let seen = self.seen.get(*path);
            seen.is_some_and(Option::is_some) || !path.exists()
        };
        self.unread.union(&self.unused).filter(is_regular)
    }

    /// Whether a file has changed since it was last read.
    pub fn is_unread(&self, path: &Path) -> bool {
        self.unread.contains(path)
    }

    /// Ends a change. These files of it are not in force so far.
    pub fn end_change(&mut self, different: BTreeSet<PathBuf>) {
        self.unread.clear();
        self.unused = different;
        self.unsettled = None;
    }

    fn touch(&mut self, now: Instant, next: Attempt) {
        let change = self.unsettled.get_or_insert(Unsettled {
            since: now,
            last: now,
            next,
        });
        change.last = now;
    }

    fn look_at_all(&mut self, now: Instant) -> bool {
        let files = self.groups.iter().flatten().cloned().collect();
        let has_changed = self.look_at(files);
        let (interval, next) = match &self.folders {
            Some(folders) if folders.coverage() == Coverage::Whole => (SELDOM, Attempt::Early),
            _ => (OFTEN, Attempt::Last),
        };
        if has_changed {
            self.touch(now, next);
        }
        let files = u32::try_from(self.seen.len()).unwrap_or(u32::MAX);
        self.look = Some(now + interval.max(OFTEN * (files / FILES + 1)));
        has_changed
    }

    /// Whether any of these files has changed since the last time.
    fn look_at(&mut self, files: BTreeSet<PathBuf>) -> bool {
        let mut has_changed = false;
        for path in files {
            let now = stamp(&path);
            if self.seen.get(&path) != Some(&now) {
                self.seen.insert(path.clone(), now);
                self.unread.insert(path);
                has_changed = true;
            }
        }
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder of files that are watched, with the time of the watch.
    struct Place {
        folder: PathBuf,
        watch: Watch,
        now: Instant,
    }

    impl Place {
        fn new(name: &str, files: &[&str]) -> Self {
            let folder = format!("portcullis-watch-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            fs::create_dir_all(&folder).unwrap();
            let place = Self {
                folder,
                watch: Watch::default(),
                now: Instant::now(),
            };
            for file in files {
                place.write(file, "old");
            }
            place
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.join(name)
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        /// Watches these files, and takes what they are at first as read.
        fn follow(&mut self, files: &[&str]) {
            let group = files.iter().map(|file| self.path(file)).collect();
            self.watch.follow([group].into(), self.now);
            while self.attempt() != Some(Attempt::Early) {}
            self.watch.end_change(BTreeSet::new());
        }

        /// Goes on to the next time that something is due. What is to be done then.
        fn attempt(&mut self) -> Option<Attempt> {
            self.watch.read_events(self.now);
            self.now = self.now.max(self.watch.due().unwrap());
            self.watch.settled(self.now)
        }

        /// The next attempt and the files that it is about, within some seconds: without the slow look at all files.
        fn next(&mut self) -> Option<(Attempt, Vec<String>)> {
            let begun = self.now;
            while self.watch.due().is_some_and(|due| due < begun + SELDOM / 2)
                || self.watch.unsettled.is_none() && self.has_events()
            {
                if let Some(attempt) = self.attempt() {
                    let name = |path: &PathBuf| {
                        let name = path.strip_prefix(&self.folder).unwrap();
                        name.display().to_string()
                    };
                    return Some((attempt, self.watch.changed().map(name).collect()));
                }
            }
            None
        }

        fn has_events(&mut self) -> bool {
            self.watch.read_events(self.now + PAUSE);
            self.watch.unsettled.is_some()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    fn early(names: &[&str]) -> Option<(Attempt, Vec<String>)> {
        let names = names.iter().map(ToString::to_string).collect();
        Some((Attempt::Early, names))
    }

    #[test]
    fn a_file_may_be_written_renamed_and_linked() {
        let mut place = Place::new("file", &["a.pem", "b.pem"]);
        place.follow(&["a.pem", "b.pem"]);
        assert_eq!(place.next(), None);
        place.write("a.pem", "in place");
        assert_eq!(place.next(), early(&["a.pem"]));
        place.watch.end_change(BTreeSet::new());
        place.write("fresh", "renamed");
        fs::rename(place.path("fresh"), place.path("b.pem")).unwrap();
        assert_eq!(place.next(), early(&["b.pem"]));
        place.watch.end_change(BTreeSet::new());
        place.write("other", "others in the folder do not matter");
        assert_eq!(place.next(), None);
        place.write("elsewhere/a.pem", "linked");
        fs::remove_file(place.path("a.pem")).unwrap();
        symlink("elsewhere/a.pem", place.path("a.pem")).unwrap();
        assert_eq!(place.next(), early(&["a.pem"]));
        place.watch.end_change(BTreeSet::new());
        place.write("elsewhere/a.pem", "in place again");
        assert_eq!(place.next(), early(&["a.pem"]));
    }

    #[test]
    fn folders_and_links_to_folders_may_be_exchanged() {
        let mut place = Place::new("folder", &["one/c.pem", "two/c.pem", "d/e/c.pem"]);
        symlink("one", place.path("data")).unwrap();
        symlink("data/c.pem", place.path("c.pem")).unwrap();
        place.follow(&["c.pem", "d/e/c.pem"]);
        symlink("two", place.path("new")).unwrap();
        fs::rename(place.path("new"), place.path("data")).unwrap();
        assert_eq!(place.next(), early(&["c.pem"]));
        place.watch.end_change(BTreeSet::new());
        fs::remove_dir_all(place.path("one")).unwrap();
        place.write("two/c.pem", "in the folder that is in use now");
        assert_eq!(place.next(), early(&["c.pem"]));
        place.watch.end_change(BTreeSet::new());
        // A folder in the middle of the path.
        place.write("f/e/c.pem", "new");
        fs::rename(place.path("d"), place.path("g")).unwrap();
        fs::rename(place.path("f"), place.path("d")).unwrap();
        assert_eq!(place.next(), early(&["d/e/c.pem"]));
        place.watch.end_change(BTreeSet::new());
        // It vanishes, and comes back piece by piece.
        fs::remove_dir_all(place.path("d")).unwrap();
        let missing = Some((Attempt::Last, vec!["d/e/c.pem".to_owned()]));
        assert_eq!(place.next(), missing);
        place.watch.end_change([place.path("d/e/c.pem")].into());
        place.write("d/e/c.pem", "back");
        assert_eq!(place.next(), early(&["d/e/c.pem"]));
    }

    #[test]
    fn a_change_is_read_when_the_files_are_quiet_or_after_some_time() {
        let mut place = Place::new("quiet", &["a.pem", "b.pem"]);
        place.follow(&["a.pem", "b.pem"]);
        place.write("a.pem", "first");
        place.watch.read_events(place.now);
        let begun = place.now;
        // Each time that it would be read, the file has changed again.
        for count in 0.. {
            place.write("a.pem", &"x".repeat(count));
            if let Some(attempt) = place.attempt() {
                assert_eq!(attempt, Attempt::Last);
                break;
            }
        }
        assert!(place.now >= begun + LONGEST && place.now < begun + LONGEST + PATIENCE);
        // What could not be used is tried again with what comes next.
        place.watch.end_change([place.path("a.pem")].into());
        assert_eq!(place.next(), None);
        place.write("b.pem", "the key");
        assert_eq!(place.next(), early(&["a.pem", "b.pem"]));
        assert!(!place.watch.is_unread(&place.path("a.pem")));
        place.watch.give_time();
        let last = place.next().map(|(attempt, _)| attempt);
        assert_eq!(last, Some(Attempt::Last));
    }

    #[test]
    fn without_events_all_files_are_looked_at_often() {
        let mut place = Place::new("often", &["a.pem"]);
        place.follow(&["a.pem"]);
        place.watch.folders = None;
        place.watch.look = Some(place.now + OFTEN);
        place.write("a.pem", "new");
        let begun = place.now;
        while place.attempt().is_none() {}
        assert_eq!(place.now, begun + OFTEN + PATIENCE);
    }
}
