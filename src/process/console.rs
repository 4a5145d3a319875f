//! Messages for the person or the program that started the process: standard error in nginx's form, followed by source lines where
//! they are wanted, or a list that becomes one JSON object.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::{Level, Paint};
use crate::config::{ColorMode, Diagnostic, Format, Options};

/// What follows the line of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// The source line with carets, and the hints.
    Source,
    /// The hints, one a line.
    Hints,
    /// Nothing.
    Nothing,
    /// There are no lines: messages are collected.
    Json,
}

/// Where messages of the start, of `-s` and of `-t` are printed.
#[derive(Clone, Debug)]
pub struct Console {
    program: &'static str,
    layout: Layout,
    paint: Paint,
    /// The messages for [`Layout::Json`].
    collected: Arc<Mutex<Vec<Diagnostic>>>,
}

impl Console {
    /// The console that the command line asks for. Looks at standard error and the environment.
    pub fn new(options: &Options) -> Self {
        let terminal = io::stderr().is_terminal();
        let layout = match options.messages.format {
            Some(Format::Full) => Layout::Source,
            Some(Format::Short) => Layout::Nothing,
            Some(Format::Json) => Layout::Json,
            None if terminal => Layout::Source,
            None => Layout::Hints,
        };
        let colored = match options.messages.color {
            ColorMode::Auto => terminal && is_color_welcome(),
            ColorMode::Always => true,
            ColorMode::Never => false,
        };
        Self {
            program: options.program,
            layout,
            paint: if colored { Paint::On } else { Paint::Off },
            collected: Arc::default(),
        }
    }

    /// Whether messages become JSON.
    pub fn is_json(&self) -> bool {
        self.layout == Layout::Json
    }

    /// A line without a level, such as `configuration file … test failed`.
    pub fn plain(&self, text: &[u8]) {
        if !self.is_json() {
            write(&[self.program.as_bytes(), b": ", text, b"\n"].concat());
        }
    }

    /// A line of the process.
    pub fn line(&self, level: Level, text: fmt::Arguments<'_>) {
        self.diagnose(&Diagnostic::bare(level, text.to_string()));
    }

    /// A message about the configuration.
    pub fn diagnose(&self, diagnostic: &Diagnostic) {
        self.print(diagnostic, self.program);
    }

    /// An error after the first one.
    pub fn also(&self, diagnostic: &Diagnostic) {
        self.print(diagnostic, &format!("{}: also", self.program));
    }

    /// The cause of the last message, or what can be done about it: nginx has no such line, so it is for people only.
    pub fn explain(&self, text: fmt::Arguments<'_>) {
        if self.layout == Layout::Source {
            write(format!("{}: {text}\n", self.program).as_bytes());
        }
    }

    /// What follows the line of a message that the log has written to standard error.
    pub fn details(&self, diagnostic: &Diagnostic) {
        self.follow(diagnostic, self.program);
    }

    /// The messages so far, for JSON.
    pub fn collected(&self) -> Vec<Diagnostic> {
        self.collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn print(&self, diagnostic: &Diagnostic, prefix: &str) {
        if !self.is_json() {
            write(&diagnostic.painted(prefix, self.paint));
        }
        self.follow(diagnostic, prefix);
    }

    fn follow(&self, diagnostic: &Diagnostic, prefix: &str) {
        match self.layout {
            Layout::Source => write(diagnostic.block(self.paint).as_bytes()),
            Layout::Hints => write(diagnostic.hints(prefix).as_bytes()),
            Layout::Nothing => {}
            Layout::Json => self.collect(diagnostic),
        }
    }

    fn collect(&self, diagnostic: &Diagnostic) {
        let mut collected = self
            .collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        collected.push(diagnostic.clone());
    }
}

/// Whether the environment is without `NO_COLOR` (<https://no-color.org>) and the terminal is not a simple one.
fn is_color_welcome() -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let simple = env::var_os("TERM").is_none_or(|term| term == "dumb");
    !no_color && !simple
}

fn write(bytes: &[u8]) {
    let _ = io::stderr().write_all(bytes);
}
