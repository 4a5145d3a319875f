//! The levels of `error_log`, in nginx's order.

use std::fmt;

/// The severity of a message. A log takes messages of its own level and all more severe ones, whose values are smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The program cannot go on.
    Emerg = 1,
    /// Immediate action is required.
    Alert,
    /// A critical condition.
    Crit,
    /// An error; the default level of a log.
    #[default]
    Error,
    /// A warning.
    Warn,
    /// Normal, but worth a line.
    Notice,
    /// Informational: the events of sessions.
    Info,
    /// For developers.
    Debug,
}

impl Level {
    /// All levels, the worst first.
    pub const ALL: [Self; 8] = [
        Self::Emerg,
        Self::Alert,
        Self::Crit,
        Self::Error,
        Self::Warn,
        Self::Notice,
        Self::Info,
        Self::Debug,
    ];

    /// Its severity in syslog (RFC 3164, section 4.1.1), which has the same levels: 0 for emerg, 7 for debug.
    #[must_use]
    pub const fn severity(self) -> u8 {
        self as u8 - 1
    }

    /// nginx's word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
