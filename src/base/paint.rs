//! Colours of a terminal (ECMA-48, SGR), where they are wanted.

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// Plain text.
    #[default]
    Off,
    /// With escape sequences.
    On,
}

/// A colour, by its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Errors, and carets under them: bold red.
    Error,
    /// Warnings, and carets under them: bold yellow.
    Warning,
    /// Frames and line numbers: cyan.
    Frame,
    /// Hints: bold.
    Hint,
}

impl Paint {
    /// The text in a colour.
    #[must_use]
    pub fn text(self, color: Color, text: &str) -> String {
        let code = match color {
            Color::Error => "1;31",
            Color::Warning => "1;33",
            Color::Frame => "36",
            Color::Hint => "1",
        };
        match self {
            Self::Off => text.to_owned(),
            Self::On => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}
