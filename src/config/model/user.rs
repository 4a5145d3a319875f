//! `user`: the account of the process that meets the network.

/// A user and a group, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name as written.
    pub name: Box<str>,
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
}
