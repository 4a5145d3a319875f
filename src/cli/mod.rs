//! From the command line to an action: nginx's options, bundled and with attached values as nginx accepts them, and the gateway's
//! own long options. No I/O. The man page and the shell completions are generated from the same table of options.

pub mod completions;
pub mod man;
pub mod option;
pub mod text;
pub mod version;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::base::Secret;
use crate::config::{Lint, LogDestination, Options, PidOption, absolute};

use option::{Opt, Setter};

/// A parsed command line.
#[derive(Clone, Debug)]
pub struct Command {
    /// The text for standard error that precedes the action: `-v`, `-V`, `-h`.
    pub show: Option<String>,
    /// The action.
    pub action: Action,
    /// The location of the configuration, and the built-in defaults.
    pub options: Options,
}

/// The action that the command line requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Exits with 0.
    Nothing,
    /// `--help` and `--explain`: prints a text to standard output, and exits with 0.
    Say(String),
    /// `-t`, `-T` and `--dump-config`: tests the configuration.
    Test {
        /// `-q`: no messages but errors.
        quiet: bool,
        /// The output if the configuration is valid.
        print: Print,
    },
    /// `-s`: reads the configuration, then signals the process whose number is in the pid file.
    Signal {
        /// The signal.
        signal: Signal,
        /// `--wait`: waits for the outcome of a reload.
        wait: bool,
    },
    /// Serves.
    Run,
}

/// The output of a successful test on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Print {
    /// Nothing.
    #[default]
    Nothing,
    /// `-T`: every configuration file.
    Files,
    /// `--dump-config`: the configuration in force.
    Config,
}

/// The signals of `-s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM
    Stop,
    /// SIGQUIT
    Quit,
    /// SIGUSR1
    Reopen,
    /// SIGHUP
    Reload,
}

/// The options read so far.
#[derive(Debug, Default)]
pub struct Given {
    version: bool,
    configure: bool,
    help: bool,
    test: bool,
    print: Print,
    quiet: bool,
    prefix: Option<Vec<u8>>,
    error_log: Option<Vec<u8>>,
    file: Option<Vec<u8>>,
    pid: Option<Vec<u8>>,
    globals: Option<Secret<Vec<u8>>>,
    signal: Option<Signal>,
    wait: bool,
    long_help: bool,
    explain: Option<String>,
    allowed: Vec<Lint>,
}

/// The name that messages begin with: `nginx` when the program is started under that name.
#[must_use]
pub fn program(name: Option<&OsString>) -> &'static str {
    match name.and_then(|name| Path::new(name).file_name()) {
        Some(name) if name.as_bytes() == b"nginx" => "nginx",
        _ => "portcullis",
    }
}

/// Parses the arguments, the first of which is the program's name.
///
/// # Errors
/// The line for standard error, with its line end; the program exits with 1.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, Vec<u8>> {
    let mut args = args.into_iter();
    let program = program(args.next().as_ref());
    let mut given = given(args.map(OsString::into_vec))
        .map_err(|message| [program.as_bytes(), b": ", &message, b"\n"].concat())?;
    if given.wait && given.signal != Some(Signal::Reload) {
        let message = "option \"--wait\" requires \"-s reload\"";
        return Err(format!("{program}: {message}\n").into_bytes());
    }
    let show = given
        .version
        .then(|| text::show(program, given.configure, given.help));
    let action = if given.long_help {
        Action::Say(text::help(program))
    } else if let Some(page) = given.explain.take() {
        Action::Say(page)
    } else if given.test {
        Action::Test {
            quiet: given.quiet,
            print: given.print,
        }
    } else if given.version {
        Action::Nothing
    } else {
        let wait = given.wait;
        let signal = |signal| Action::Signal { signal, wait };
        given.signal.map_or(Action::Run, signal)
    };
    Ok(Command {
        show,
        action,
        options: options(program, given),
    })
}

fn given(mut args: impl Iterator<Item = Vec<u8>>) -> Result<Given, Vec<u8>> {
    let mut given = Given::default();
    while let Some(arg) = args.next() {
        let [b'-', letters @ ..] = arg.as_slice() else {
            return Err([b"invalid option: \"", &arg[..], b"\""].concat());
        };
        if let Some(option) = letters.strip_prefix(b"-").and_then(option::long) {
            apply(&mut given, option, &mut || args.next())?;
            continue;
        }
        let mut rest = letters;
        while let [letter, tail @ ..] = rest {
            rest = tail;
            let Some(option) = option::short(*letter) else {
                return Err([b"invalid option: \"", &[*letter][..], b"\""].concat());
            };
            // The value is the rest of this argument, or the next one.
            apply(
                &mut given,
                option,
                &mut || match std::mem::take(&mut rest) {
                    [] => args.next(),
                    attached => Some(attached.to_vec()),
                },
            )?;
        }
    }
    Ok(given)
}

fn apply(
    given: &mut Given,
    option: &Opt,
    value: &mut dyn FnMut() -> Option<Vec<u8>>,
) -> Result<(), Vec<u8>> {
    match option.setter {
        Setter::Switch(set) => {
            set(given);
            Ok(())
        }
        Setter::Value(argument, set) => {
            let missing = || {
                let option = option.spellings().concat();
                format!("option \"{option}\" requires {}", argument.missing).into_bytes()
            };
            set(given, value().ok_or_else(missing)?)
        }
    }
}

impl Signal {
    /// The word of each signal.
    pub const WORDS: [(&str, Self); 4] = [
        ("stop", Self::Stop),
        ("quit", Self::Quit),
        ("reopen", Self::Reopen),
        ("reload", Self::Reload),
    ];

    fn named(wanted: &[u8]) -> Result<Self, Vec<u8>> {
        Self::WORDS
            .into_iter()
            .find(|(word, _)| word.as_bytes() == wanted)
            .map(|(_, signal)| signal)
            .ok_or_else(|| [b"invalid option: \"-s ", wanted, b"\""].concat())
    }
}

/// Built-in file names: Debian's without `-p`, nginx's own below the prefix with it.
fn options(program: &'static str, given: Given) -> Options {
    let (prefix, file, log, pid): (Vec<u8>, &[u8], &[u8], &[u8]) = match given.prefix {
        None => (
            text::PREFIX.into(),
            text::FILE.as_bytes(),
            text::ERROR_LOG.as_bytes(),
            text::PID.as_bytes(),
        ),
        Some(mut prefix) => {
            if !prefix.is_empty() && !prefix.ends_with(b"/") {
                prefix.push(b'/');
            }
            (
                prefix,
                b"conf/nginx.conf",
                b"logs/error.log",
                b"logs/nginx.pid",
            )
        }
    };
    let prefix = PathBuf::from(OsString::from_vec(prefix));
    let error_log = match given.error_log.as_deref() {
        Some(b"" | b"stderr") => LogDestination::Stderr,
        name => LogDestination::File(absolute(&prefix, name.unwrap_or(log))),
    };
    Options {
        program,
        file: absolute(&prefix, given.file.as_deref().unwrap_or(file)),
        pid: match given.pid {
            Some(name) => PidOption::Given(absolute(&prefix, &name)),
            None => PidOption::BuiltIn(absolute(&prefix, pid)),
        },
        prefix,
        globals: given.globals,
        error_log,
        allowed: given.allowed,
    }
}

#[cfg(test)]
mod tests;
