//! TLS with the clients of one address.

use super::counter::Counter;

/// The versions that are counted.
pub const VERSIONS: [&str; 2] = ["TLSv1.2", "TLSv1.3"];

/// Handshakes with clients.
#[derive(Debug, Default)]
pub struct TlsCounts {
    /// Handshakes that resumed a session.
    pub resumed: Counter,
    versions: [Counter; VERSIONS.len()],
    failures: [Counter; TlsFailure::ALL.len()],
}

/// Why a handshake with a client failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFailure {
    /// The client closed its connection.
    Closed,
    /// It took too long.
    Timeout,
    /// The client sent an alert: it does not like the certificate, for example.
    Alert,
    /// The client does not speak TLS.
    NotTls,
    /// No version in common.
    Version,
    /// No cipher suite, key exchange or signature algorithm in common.
    Cipher,
    /// No application protocol (ALPN) in common.
    Protocol,
    /// The client's certificate is refused, or missing.
    Certificate,
    /// Anything else.
    Other,
}

impl TlsFailure {
    /// All of them, in the order of the variants.
    pub const ALL: [Self; 9] = [
        Self::Closed,
        Self::Timeout,
        Self::Alert,
        Self::NotTls,
        Self::Version,
        Self::Cipher,
        Self::Protocol,
        Self::Certificate,
        Self::Other,
    ];

    /// The word in the status.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Alert => "alert",
            Self::NotTls => "not-tls",
            Self::Version => "version",
            Self::Cipher => "cipher",
            Self::Protocol => "alpn",
            Self::Certificate => "certificate",
            Self::Other => "other",
        }
    }
}

impl TlsCounts {
    /// Counts a handshake.
    pub(super) fn note(&self, version: &str, resumed: bool) {
        let at = VERSIONS.iter().position(|own| *own == version);
        if let Some(at) = at {
            self.versions[at].increment();
        }
        if resumed {
            self.resumed.increment();
        }
    }

    /// Counts a handshake that failed.
    pub(super) fn note_failure(&self, failure: TlsFailure) {
        self.failures[failure as usize].increment();
    }

    /// Handshakes by version.
    pub fn versions(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.versions.iter().map(Counter::value);
        VERSIONS.into_iter().zip(counts)
    }

    /// Failed handshakes by cause.
    pub fn failures(&self) -> impl Iterator<Item = (TlsFailure, u64)> {
        let counts = self.failures.iter().map(Counter::value);
        TlsFailure::ALL.into_iter().zip(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_place() {
        let counts = TlsCounts::default();
        for failure in TlsFailure::ALL {
            counts.note_failure(failure);
        }
        assert!(counts.failures().all(|(_, count)| count == 1));
        counts.note("TLSv1.3", true);
        counts.note("SSLv2", false);
        assert!(counts.versions().eq([("TLSv1.2", 0), ("TLSv1.3", 1)]));
    }
}
