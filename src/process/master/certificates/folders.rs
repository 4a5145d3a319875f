//! The kernel's events about the folders that decide which files a set of paths leads to (inotify(7)).
//!
//! A path leads through links and folders, each of which may be replaced: certbot points a link at another file, Kubernetes points a link at
//! another folder. So the folder of every file and of every link on the way is watched for changes of that entry, and every other
//! folder on the way for its own removal.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Component, Path, PathBuf};

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use nix::sys::statfs::{self, FsType, statfs};

/// The number of links that a path may lead through, as in Linux.
const LINKS: usize = 40;
/// The events about the entries of a folder. A file that is being written is not reported before it is closed.
const ENTRIES: AddWatchFlags = AddWatchFlags::IN_CLOSE_WRITE
    .union(AddWatchFlags::IN_ATTRIB)
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_DELETE)
    .union(AddWatchFlags::IN_MOVE);
/// The events about a folder itself.
const ITSELF: AddWatchFlags = AddWatchFlags::IN_MOVE_SELF.union(AddWatchFlags::IN_DELETE_SELF);
/// The events after which paths may lead elsewhere.
const ELSEWHERE: AddWatchFlags = ITSELF
    .union(AddWatchFlags::IN_UNMOUNT)
    .union(AddWatchFlags::IN_Q_OVERFLOW);
/// File systems that other machines and programs change without an event: the rest are CIFS, SMB 2, 9P, Ceph, Lustre and GPFS.
const REMOTE: [FsType; 11] = [
    statfs::NFS_SUPER_MAGIC,
    statfs::SMB_SUPER_MAGIC,
    statfs::FUSE_SUPER_MAGIC,
    statfs::AFS_SUPER_MAGIC,
    statfs::CODA_SUPER_MAGIC,
    FsType(0xff53_4d42),
    FsType(0xfe53_4d42),
    FsType(0x0102_1997),
    FsType(0x00c3_6400),
    FsType(0x0bd0_0bd0),
    FsType(0x4750_4653),
];

/// The watched folders of a set of paths.
#[derive(Debug)]
pub struct Folders {
    inotify: Inotify,
    watched: HashMap<WatchDescriptor, Folder>,
    coverage: Coverage,
}

/// Whether every change of the paths is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Every change.
    Whole,
    /// Some changes are not: the kernel's limit of watches is reached, a folder cannot be read, or it belongs to another machine.
    Partial,
}

/// What has happened since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The paths whose files may have changed.
    pub files: BTreeSet<PathBuf>,
    /// Whether any path may lead to another place now: the folders are out of date.
    pub lead_elsewhere: bool,
}

/// A watched folder.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    entries: HashMap<OsString, Entry>,
}

/// An entry of a folder that decides about paths.
#[derive(Debug)]
enum Entry {
    /// The file that these paths lead to, or its place if there is none.
    File(Vec<PathBuf>),
    /// A link, or the place of a folder that is missing.
    Way,
}

impl Folders {
    /// Watches the folders on the way to these files.
    ///
    /// # Errors
    /// The limit of inotify instances or of open files is reached.
    pub fn watch<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> nix::Result<Self> {
        let mut survey = Survey {
            folders: Self {
                inotify: Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?,
                watched: HashMap::new(),
                coverage: Coverage::Whole,
            },
            descriptors: HashMap::new(),
            ways: HashMap::new(),
        };
        for path in paths {
            survey.file(path, path, LINKS);
        }
        Ok(survey.folders)
    }

    /// Whether every change is reported.
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// What has happened since the last call.
    pub fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        // The end of what there is to read is an error too.
        while let Ok(events) = self.inotify.read_events() {
            for event in events {
                self.add(&event, &mut changes);
            }
        }
        changes
    }

    fn add(&self, event: &InotifyEvent, changes: &mut Changes) {
        if event.mask.intersects(ELSEWHERE) {
            changes.lead_elsewhere = true;
            return;
        }
        let Some((folder, name)) = self.watched.get(&event.wd).zip(event.name.as_ref()) else {
            return;
        };
        match folder.entries.get(name) {
            None => {}
            Some(Entry::File(paths)) if !folder.path.join(name).is_symlink() => {
                changes.files.extend(paths.iter().cloned());
            }
            Some(Entry::File(_) | Entry::Way) => changes.lead_elsewhere = true,
        }
    }
}

/// Readable when there are changes.
impl AsFd for Folders {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

/// Folders while the ways to the paths are being followed. Each watch begins before its folder is looked at.
struct Survey {
    folders: Folders,
    /// The watches of folders without links in their paths; `None` for those that cannot be watched.
    descriptors: HashMap<PathBuf, (AddWatchFlags, Option<WatchDescriptor>)>,
    /// The same folder without links, for every folder; `None` for those that are missing.
    ways: HashMap<PathBuf, Option<PathBuf>>,
}

impl Survey {
    /// Follows the rest of the way to the file of a path.
    fn file(&mut self, path: &Path, rest: &Path, links: usize) {
        let (Some(parent), Some(name)) = (rest.parent(), rest.file_name()) else {
            return;
        };
        let Some(folder) = self.folder(parent, links) else {
            return;
        };
        let entries = self.entries(&folder);
        let target = folder.join(name).read_link().ok();
        match (target, links.checked_sub(1)) {
            (Some(target), Some(links)) => {
                entries.map(|entries| entries.insert(name.to_owned(), Entry::Way));
                self.file(path, &folder.join(target), links);
            }
            _ => {
                let entry = entries.map(|entries| entries.entry(name.to_owned()));
                match entry.map(|entry| entry.or_insert_with(|| Entry::File(Vec::new()))) {
                    Some(Entry::File(paths)) => paths.push(path.to_owned()),
                    Some(Entry::Way) | None => {}
                }
            }
        }
    }

    /// A folder without the links in its path; `None` if it is missing.
    fn folder(&mut self, path: &Path, links: usize) -> Option<PathBuf> {
        if let Some(known) = self.ways.get(path) {
            return known.clone();
        }
        let found = self.find(path, links);
        self.ways.insert(path.to_owned(), found.clone());
        found
    }

    fn find(&mut self, path: &Path, links: usize) -> Option<PathBuf> {
        let Some(parent) = path.parent() else {
            return Some(path.to_owned());
        };
        let parent = self.folder(parent, links)?;
        let Some(Component::Normal(name)) = path.components().next_back() else {
            // The path ends in `..`.
            return Some(parent.parent().unwrap_or(&parent).to_owned());
        };
        let at = parent.join(name);
        if at.is_dir() && !at.is_symlink() {
            self.watch(&at, ITSELF);
            return Some(at);
        }
        self.way(&parent, name);
        match (at.read_link(), links.checked_sub(1)) {
            (Ok(target), Some(links)) => self.folder(&parent.join(target), links),
            // It has appeared meanwhile.
            (Err(_), Some(links)) if at.is_dir() => self.find(path, links),
            _ => None,
        }
    }

    fn way(&mut self, folder: &Path, name: &OsStr) {
        if let Some(entries) = self.entries(folder) {
            entries.insert(name.to_owned(), Entry::Way);
        }
    }

    /// The entries of a folder, which is watched for changes of them from now on.
    fn entries(&mut self, folder: &Path) -> Option<&mut HashMap<OsString, Entry>> {
        let descriptor = self.watch(folder, ENTRIES)?;
        let watched = self.folders.watched.entry(descriptor);
        let watched = watched.or_insert_with(|| Folder {
            path: folder.to_owned(),
            entries: HashMap::new(),
        });
        Some(&mut watched.entries)
    }

    fn watch(&mut self, folder: &Path, events: AddWatchFlags) -> Option<WatchDescriptor> {
        let known = self.descriptors.get(folder).copied();
        let (before, descriptor) = known.unwrap_or((AddWatchFlags::empty(), None));
        if before.contains(events) {
            return descriptor;
        }
        // The kernel replaces the events of an earlier watch.
        let events = before | events;
        let flags = events | AddWatchFlags::IN_ONLYDIR;
        let descriptor = self.folders.inotify.add_watch(folder, flags).ok();
        if descriptor.is_none() || is_remote(folder) {
            self.folders.coverage = Coverage::Partial;
        }
        self.descriptors
            .insert(folder.to_owned(), (events, descriptor));
        descriptor
    }
}

/// Whether changes in a folder may come from elsewhere.
fn is_remote(folder: &Path) -> bool {
    let found = statfs(folder);
    found.is_ok_and(|found| REMOTE.contains(&found.filesystem_type()))
}
