//! `smtp_capabilities`, `imap_capabilities`, `pop3_capabilities`: what a server announces besides its login methods.

/// The words of an announcement, for SMTP its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capabilities {
    /// Written in the configuration.
    Configured(Vec<Box<[u8]>>),
    /// The default. The backend's own announcement takes its place where the gateway can ask for it.
    Default(Vec<Box<[u8]>>),
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::Default(Vec::new())
    }
}

impl Capabilities {
    /// The words.
    #[must_use]
    pub fn words(&self) -> &[Box<[u8]>] {
        match self {
            Self::Configured(words) | Self::Default(words) => words,
        }
    }

    /// Whether the configuration has them, so that the backend is not asked.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        matches!(self, Self::Configured(_))
    }
}
