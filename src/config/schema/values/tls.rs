//! `ssl_protocols`: versions of TLS.

use super::set::Members;

/// A set of protocol versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions(u8);

impl Versions {
    /// TLSv1.2
    pub const TLS12: Self = Self(16);
    /// TLSv1.3
    pub const TLS13: Self = Self(32);
    const NEVER: Self = Self(1 | 2 | 4 | 8);

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The words of what is in it and is never spoken.
    pub fn never_spoken(self) -> impl Iterator<Item = &'static str> {
        Protocols::WORDS
            .iter()
            .filter(move |(_, version)| Self::NEVER.has(*version) && self.has(*version))
            .map(|(word, _)| *word)
    }
}

/// The words of `ssl_protocols`.
#[derive(Debug)]
pub struct Protocols;

impl Members for Protocols {
    type Set = Versions;
    const SYNTAX: &'static str = "[SSLv2] [SSLv3] [TLSv1] [TLSv1.1] [TLSv1.2] [TLSv1.3]";
    const WORDS: &'static [(&'static str, Versions)] = &[
        ("SSLv2", Versions(1)),
        ("SSLv3", Versions(2)),
        ("TLSv1", Versions(4)),
        ("TLSv1.1", Versions(8)),
        ("TLSv1.2", Versions::TLS12),
        ("TLSv1.3", Versions::TLS13),
    ];

    fn has(set: Versions, member: Versions) -> bool {
        set.has(member)
    }
    fn join(set: Versions, member: Versions) -> Versions {
        Versions(set.0 | member.0)
    }
}

/// Every version there is a word for.
#[must_use]
pub fn every() -> Versions {
    Protocols::WORDS
        .iter()
        .fold(Versions::default(), |all, (_, version)| {
            Protocols::join(all, *version)
        })
}
