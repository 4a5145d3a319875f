//! The account of the workers: `user`, or the one that nginx is built with.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Uid, getegid, geteuid, initgroups, seteuid, setresgid, setresuid};
use serde::{Deserialize, Serialize};

use super::PrivilegeError;
use crate::config::{Config, World};

/// The account without a `user` directive, as Debian builds nginx.
const DEFAULT_USER: &str = "nobody";
/// Its group: the first one that exists.
const DEFAULT_GROUPS: [&str; 2] = ["nogroup", "nobody"];
/// The number of both where the machine has no list of users, as in a container without files (the kernel's overflow number).
const OVERFLOW: u32 = 65534;

/// A user and a group, by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose supplementary groups the process joins.
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account that a configuration gives its workers; `None` if the process may not change users.
    pub fn of(config: &Config, world: &dyn World) -> Option<Self> {
        match &config.core.user {
            Some(user) if world.privileged() => Some(Self {
                name: user.name.to_string(),
                uid: user.uid,
                gid: user.gid,
            }),
            _ => Self::default_of(world),
        }
    }

    /// The account without a `user` directive; `None` if the process may not change users.
    pub fn default_of(world: &dyn World) -> Option<Self> {
        if !world.privileged() {
            return None;
        }
        let uid = world.user(DEFAULT_USER).map_or(OVERFLOW, |(uid, _)| uid);
        let gid = DEFAULT_GROUPS.iter().find_map(|group| world.group(group));
        Some(Self {
            name: DEFAULT_USER.to_owned(),
            uid,
            gid: gid.unwrap_or(OVERFLOW),
        })
    }

    /// Becomes this user, with the supplementary groups that the system's files give it and no others, as nginx does: a
    /// backend's Unix socket may be open to a group.
    pub(super) fn assume(&self) -> Result<(), PrivilegeError> {
        let Self { name, uid, gid } = self;
        let (user, group) = (Uid::from_raw(*uid), Gid::from_raw(*gid));
        let c_name = CString::new(name.as_str()).map_err(io::Error::from);
        let groups = c_name.and_then(|c_name| Ok(initgroups(&c_name, group)?));
        groups.map_err(PrivilegeError::of(format!("initgroups({name}, {gid})")))?;
        let changed = setresgid(group, group, group).map_err(io::Error::from);
        changed.map_err(PrivilegeError::of(format!("setgid({gid})")))?;
        let changed = setresuid(user, user, user).map_err(io::Error::from);
        changed.map_err(PrivilegeError::of(format!("setuid({uid})")))
    }

    /// Does something with the rights of this user: without CAP_KILL, root may signal its own processes only.
    pub fn with_rights_of<T>(&self, action: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
        let own = geteuid();
        seteuid(Uid::from_raw(self.uid))?;
        let result = action();
        seteuid(own)?;
        result
    }
}

/// `uid 65534, gid 65534`
pub(super) fn identity() -> String {
    format!("uid {}, gid {}", geteuid(), getegid())
}
