//! How reloads ended.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;

use super::counter::Counter;

/// What was reloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadKind {
    /// The configuration.
    Configuration,
    /// TLS files that have changed (`ssl_certificate_watch`).
    Certificates,
}

impl ReloadKind {
    /// All of them, in the order of the variants.
    pub const ALL: [Self; 2] = [Self::Configuration, Self::Certificates];

    /// The word in the status.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Certificates => "certificates",
        }
    }
}

/// The reloads of a process, with those that it never saw because the master refused them.
#[derive(Debug, Default)]
pub struct Reloads {
    /// Successful and refused ones, by kind.
    counts: [(Counter, Counter); ReloadKind::ALL.len()],
    last: ArcSwapOption<LastReload>,
}

/// The last reload.
#[derive(Clone, Debug)]
pub struct LastReload {
    /// What was reloaded.
    pub kind: ReloadKind,
    /// When it ended.
    pub time: SystemTime,
    /// Why the old configuration went on, if it did.
    pub refusal: Option<Box<str>>,
}

impl Reloads {
    /// Counts a reload.
    pub fn note(&self, kind: ReloadKind, refusal: Option<Box<str>>) {
        let (succeeded, refused) = &self.counts[kind as usize];
        match refusal {
            None => succeeded.increment(),
            Some(_) => refused.increment(),
        }
        self.last.store(Some(Arc::new(LastReload {
            kind,
            time: SystemTime::now(),
            refusal,
        })));
    }

    /// Successful and refused ones, by kind.
    pub fn counts(&self) -> impl Iterator<Item = (ReloadKind, u64, u64)> {
        let counts = self.counts.iter();
        let counts = counts.map(|(succeeded, refused)| (succeeded.value(), refused.value()));
        let all = ReloadKind::ALL.into_iter().zip(counts);
        all.map(|(kind, (succeeded, refused))| (kind, succeeded, refused))
    }

    /// The last one.
    pub fn last(&self) -> Option<Arc<LastReload>> {
        self.last.load_full()
    }
}
