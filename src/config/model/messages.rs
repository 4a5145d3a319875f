//! How messages about the configuration are printed.

/// What the command line says about the form of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// `--format`; by default `full` on a terminal; elsewhere nginx's lines and hints.
    pub format: Option<Format>,
    /// `--color`
    pub color: ColorMode,
}

/// The values of `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// nginx's lines, each followed by the source line and hints.
    Full,
    /// nginx's lines.
    Short,
    /// One JSON object on standard output.
    Json,
}

/// The values of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorMode {
    /// On a terminal, unless the environment has `NO_COLOR` or `TERM=dumb`.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Format {
    /// The word of each value.
    pub const WORDS: [(&str, Self); 3] = [
        ("full", Self::Full),
        ("short", Self::Short),
        ("json", Self::Json),
    ];
}

impl ColorMode {
    /// The word of each value.
    pub const WORDS: [(&str, Self); 3] = [
        ("auto", Self::Auto),
        ("always", Self::Always),
        ("never", Self::Never),
    ];
}
