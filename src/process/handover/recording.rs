//! The machine's answers to one load, recorded in the master and replayed in a worker: the same load yields the same `Config`
//! there, although the worker may read no file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::{ClientTls, Files, Names, TlsFault, TlsFile, TlsMaterial, TlsProbes, World};

/// `EIO`, for errors without a number.
const UNKNOWN: i32 = 5;

/// What reading a file has yielded: its content, or the number of an error.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer(Result<Content, i32>);

/// The content of a file.
#[derive(Clone, PartialEq, Eq)]
struct Content(Arc<Vec<u8>>);

/// As a whole: byte by byte, a large file takes seconds.
impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Content;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Content, E> {
                Ok(Content(Arc::new(bytes.to_vec())))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

impl Answer {
    /// The answer of a read.
    pub fn of(read: io::Result<Vec<u8>>) -> Self {
        let content = read.map(|bytes| Content(Arc::new(bytes)));
        Self(content.map_err(|error| error.raw_os_error().unwrap_or(UNKNOWN)))
    }

    /// The content.
    ///
    /// # Errors
    /// The file could not be read.
    pub fn content(&self) -> io::Result<Arc<Vec<u8>>> {
        match &self.0 {
            Ok(content) => Ok(Arc::clone(&content.0)),
            Err(number) => Err(io::Error::from_raw_os_error(*number)),
        }
    }
}

/// Prints no content.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answer").finish_non_exhaustive()
    }
}

/// Answers by question. A file that is read several times has one content, so that a load sees one state of the machine.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Recording {
    files: BTreeMap<OsString, Answer>,
    folders: BTreeMap<OsString, Vec<OsString>>,
    exists: BTreeMap<OsString, bool>,
    hosts: BTreeMap<String, Vec<IpAddr>>,
    addresses: BTreeMap<IpAddr, bool>,
    users: BTreeMap<String, Option<(u32, u32)>>,
    groups: BTreeMap<String, Option<u32>>,
    host_name: Option<String>,
    privileged: Option<bool>,
    processors: Option<usize>,
}

/// Prints no contents: private keys are among them.
impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("files", &self.files.keys())
            .finish_non_exhaustive()
    }
}

/// Asks a world and remembers what it says.
pub struct Recorder<'a> {
    world: &'a dyn World,
    heard: RefCell<Recording>,
}

impl<'a> Recorder<'a> {
    /// Records the answers of this world.
    pub fn new(world: &'a dyn World) -> Self {
        Self {
            world,
            heard: RefCell::default(),
        }
    }

    /// What was heard.
    pub fn finish(self) -> Recording {
        self.heard.into_inner()
    }
}

impl Recording {
    /// What reading a file has yielded, if it was read.
    pub fn file(&self, path: &Path) -> Option<&Answer> {
        self.files.get(path.as_os_str())
    }

    /// The same answers, except for these files.
    pub fn with(&self, files: impl IntoIterator<Item = (PathBuf, Answer)>) -> Self {
        let mut changed = self.clone();
        let files = files.into_iter();
        changed
            .files
            .extend(files.map(|(path, answer)| (path.into(), answer)));
        changed
    }
}

impl Files for Recorder<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read_shared(path).map(Arc::unwrap_or_clone)
    }

    fn read_shared(&self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        let mut heard = self.heard.borrow_mut();
        let answer = heard.files.entry(path.into());
        answer
            .or_insert_with(|| Answer::of(self.world.read(path)))
            .content()
    }

    fn list(&self, folder: &Path) -> Vec<OsString> {
        let mut heard = self.heard.borrow_mut();
        let answer = heard.folders.entry(folder.into());
        answer.or_insert_with(|| self.world.list(folder)).clone()
    }

    fn exists(&self, path: &Path) -> bool {
        let mut heard = self.heard.borrow_mut();
        let answer = heard.exists.entry(path.into());
        *answer.or_insert_with(|| self.world.exists(path))
    }

    fn warns_of(&self, path: &Path) -> bool {
        self.world.warns_of(path)
    }

    /// Not recorded: the answer only causes a warning, which the master gives.
    fn is_readable_by_all(&self, path: &Path) -> bool {
        self.world.is_readable_by_all(path)
    }
}

impl Names for Recorder<'_> {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        let mut heard = self.heard.borrow_mut();
        let answer = heard.hosts.entry(host.to_owned());
        answer.or_insert_with(|| self.world.lookup(host)).clone()
    }

    fn has_address(&self, address: IpAddr) -> bool {
        let mut heard = self.heard.borrow_mut();
        let answer = heard.addresses.entry(address);
        *answer.or_insert_with(|| self.world.has_address(address))
    }

    fn host_name(&self) -> String {
        let mut heard = self.heard.borrow_mut();
        let answer = &mut heard.host_name;
        answer.get_or_insert_with(|| self.world.host_name()).clone()
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        let mut heard = self.heard.borrow_mut();
        let answer = heard.users.entry(name.to_owned());
        *answer.or_insert_with(|| self.world.user(name))
    }

    fn group(&self, name: &str) -> Option<u32> {
        let mut heard = self.heard.borrow_mut();
        let answer = heard.groups.entry(name.to_owned());
        *answer.or_insert_with(|| self.world.group(name))
    }

    fn privileged(&self) -> bool {
        let mut heard = self.heard.borrow_mut();
        let answer = &mut heard.privileged;
        *answer.get_or_insert_with(|| self.world.privileged())
    }

    fn processors(&self) -> usize {
        let mut heard = self.heard.borrow_mut();
        let answer = &mut heard.processors;
        *answer.get_or_insert_with(|| self.world.processors())
    }
}

/// The verdicts are not recorded: a load that any of them fails is not handed over.
impl TlsProbes for Recorder<'_> {
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

impl Files for Recording {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.read_shared(path).map(Arc::unwrap_or_clone)
    }

    fn read_shared(&self, path: &Path) -> io::Result<Arc<Vec<u8>>> {
        let answer = self.files.get(path.as_os_str());
        answer.map_or_else(|| Err(io::ErrorKind::NotFound.into()), Answer::content)
    }

    fn list(&self, folder: &Path) -> Vec<OsString> {
        let answer = self.folders.get(folder.as_os_str());
        answer.cloned().unwrap_or_default()
    }

    fn exists(&self, path: &Path) -> bool {
        let answer = self.exists.get(path.as_os_str());
        answer.copied().unwrap_or_default()
    }

    /// The master has warned.
    fn warns_of(&self, _: &Path) -> bool {
        false
    }
}

impl Names for Recording {
    fn lookup(&self, host: &str) -> Vec<IpAddr> {
        self.hosts.get(host).cloned().unwrap_or_default()
    }

    fn has_address(&self, address: IpAddr) -> bool {
        self.addresses.get(&address).copied().unwrap_or_default()
    }

    fn host_name(&self) -> String {
        self.host_name.clone().unwrap_or_default()
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        self.users.get(name).copied().flatten()
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.groups.get(name).copied().flatten()
    }

    fn privileged(&self) -> bool {
        self.privileged.unwrap_or_default()
    }

    fn processors(&self) -> usize {
        self.processors.unwrap_or(1)
    }
}

/// The master has checked all of it.
impl TlsProbes for Recording {
    fn check_pair(&self, _: &TlsFile, _: &TlsFile, _: &[Box<[u8]>]) -> Result<(), TlsFault> {
        Ok(())
    }

    fn check_tls(&self, _: &TlsMaterial) -> Result<(), TlsFault> {
        Ok(())
    }

    fn check_client_tls(&self, _: &ClientTls) -> Result<(), TlsFault> {
        Ok(())
    }
}
