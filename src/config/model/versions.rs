//! `ssl_protocols` and `proxy_ssl_protocols`: versions of TLS.

/// The versions that a configuration names, those that are never negotiated included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamedVersions(u8);

impl NamedVersions {
    /// Every version, by its word.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("SSLv2", Self(1)),
        ("SSLv3", Self(2)),
        ("TLSv1", Self(4)),
        ("TLSv1.1", Self(8)),
        ("TLSv1.2", Self::TLS12),
        ("TLSv1.3", Self::TLS13),
    ];
    const TLS12: Self = Self(16);
    const TLS13: Self = Self(32);

    /// Whether all of `other` are named.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The union of two sets.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether none of the named versions is ever negotiated.
    pub const fn is_outdated(self) -> bool {
        !self.has(Self::TLS12) && !self.has(Self::TLS13)
    }

    /// The words of the versions that are named and never negotiated.
    pub fn unsupported(self) -> impl Iterator<Item = &'static str> {
        let supported = Self::TLS12.with(Self::TLS13);
        Self::WORDS
            .iter()
            .filter(move |(_, version)| self.has(*version) && !supported.has(*version))
            .map(|(word, _)| *word)
    }
}

/// The versions that may be negotiated. Where a configuration names only versions that are never negotiated, both of the others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TlsVersions {
    /// TLSv1.2
    pub tls12: bool,
    /// TLSv1.3
    pub tls13: bool,
}

impl TlsVersions {
    /// Whether no version is left.
    pub fn is_empty(self) -> bool {
        !self.tls12 && !self.tls13
    }
}

impl From<NamedVersions> for TlsVersions {
    fn from(named: NamedVersions) -> Self {
        let both = named.is_outdated();
        Self {
            tls12: both || named.has(NamedVersions::TLS12),
            tls13: both || named.has(NamedVersions::TLS13),
        }
    }
}
