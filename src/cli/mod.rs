//! From the command line to an action: nginx's options, bundled and with attached values as nginx accepts them, and the gateway's
//! own long options. No I/O. The man page and the shell completions are generated from the same table of options.

pub mod completions;
mod control;
pub mod defaults;
pub mod man;
pub mod option;
mod testing;
pub mod text;
mod usage;
mod values;
pub mod version;

use std::ffi::OsString;
use std::iter::Peekable;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::base::Secret;
use crate::config::{
    Format, Lint, LogDestination, Messages, Options, PidOption, Selection, absolute,
};

pub use control::{Control, ControlRequest, Switched};
use option::{Opt, Setter};
pub use testing::{Extent, Print, Test};
pub use usage::{Advice, UsageError};

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
    /// `--help`, `--version` and `--explain`: prints a text to standard output, and exits with 0.
    Say(String),
    /// `-t`, `-T`, `--check` and `--dump-config`: tests the configuration.
    Test(Test),
    /// `-s`: reads the configuration, then signals the process whose number is in the pid file.
    Signal {
        /// The signal.
        signal: Signal,
        /// `--wait`: waits for the outcome of a reload.
        wait: bool,
    },
    /// `--why`: tells what happened to sessions.
    Why(Question),
    /// `--route`: says which backend a login has.
    Route(RouteQuestion),
    /// `--status`, `--sessions`, `--kick`, `--drain` and `--hold`: asks the running gateway.
    Control(Control),
    /// `--migrate`: prints a plan to move a configuration of nginx; the file as typed.
    Migrate(PathBuf),
    /// Serves.
    Run,
}

/// A question about the backend of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteQuestion {
    /// The login.
    pub login: Vec<u8>,
    /// `--server`
    pub selection: Selection,
}

/// A question about past sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// A login, a client's address, or the identifier of a session.
    pub subject: String,
    /// `--since`
    pub since: Option<String>,
    /// `--log`; the logs of the configuration otherwise.
    pub log: Option<PathBuf>,
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
    check: bool,
    print: Printed,
    selection: Selection,
    messages: Messages,
    quiet: bool,
    prefix: Option<Vec<u8>>,
    error_log: Option<Vec<u8>>,
    file: Option<Vec<u8>>,
    pid: Option<Vec<u8>>,
    globals: Option<Secret<Vec<u8>>>,
    signal: Option<Signal>,
    wait: bool,
    long_help: bool,
    long_version: bool,
    explain: Option<String>,
    allowed: Vec<Lint>,
    why: Option<String>,
    route: Option<Vec<u8>>,
    migrate: Option<PathBuf>,
    control: Vec<ControlRequest>,
    off: bool,
    since: Option<String>,
    log: Option<PathBuf>,
}

/// What a test prints, before its selection is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Printed {
    /// Nothing.
    #[default]
    Nothing,
    /// `-T`
    Files,
    /// `--dump-config`
    Config,
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
/// An argument is refused; the program exits with 1.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut args = args.into_iter();
    let program = program(args.next().as_ref());
    let mut given = given(program, args.map(OsString::into_vec))?;
    check_combination(&given)?;
    let show = given
        .version
        .then(|| text::show(program, given.configure, given.help));
    let action = if given.long_help {
        Action::Say(text::help(program))
    } else if given.long_version {
        Action::Say(version::page(program))
    } else if let Some(page) = given.explain.take() {
        Action::Say(page)
    } else if let Some(subject) = given.why.take() {
        Action::Why(Question {
            subject,
            since: given.since.take(),
            log: given.log.take(),
        })
    } else if let Some(login) = given.route.take() {
        Action::Route(RouteQuestion {
            login,
            selection: std::mem::take(&mut given.selection),
        })
    } else if let Some(mut request) = given.control.pop() {
        if given.off {
            request.switch_off();
        }
        let json = given.messages.format == Some(Format::Json);
        Action::Control(Control { request, json })
    } else if let Some(file) = given.migrate.take() {
        Action::Migrate(file)
    } else if let Some(test) = test(&mut given) {
        Action::Test(test)
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

/// The requested test. It opens what a start opens for `-t` and `-T` only.
fn test(given: &mut Given) -> Option<Test> {
    if !(given.test || given.check || given.print == Printed::Config) {
        return None;
    }
    let print = match given.print {
        Printed::Nothing => Print::Nothing,
        Printed::Files => Print::Files,
        Printed::Config => Print::Config(std::mem::take(&mut given.selection)),
    };
    let extent = match given.check || given.print == Printed::Config {
        true => Extent::Files,
        false => Extent::Start,
    };
    Some(Test {
        extent,
        quiet: given.quiet,
        print,
    })
}

/// Refuses options that have no effect without another one.
fn check_combination(given: &Given) -> Result<(), UsageError> {
    let tests = given.test || given.check || given.print == Printed::Config;
    let message = if given.print != Printed::Config && given.selection.changed {
        "option \"--changed\" requires \"--dump-config\""
    } else if given.print != Printed::Config
        && given.route.is_none()
        && given.selection.server.is_some()
    {
        "option \"--server\" requires \"--dump-config\" or \"--route\""
    } else if given.wait && given.signal != Some(Signal::Reload) {
        "option \"--wait\" requires \"-s reload\""
    } else if given.control.len() > 1 {
        "only one of \"--status\", \"--sessions\", \"--kick\", \"--drain\" and \"--hold\" is possible at a time"
    } else if given.off && !given.control.iter().any(ControlRequest::can_be_off) {
        "option \"--off\" requires \"--drain\" or \"--hold\""
    } else if !tests && given.control.is_empty() && given.messages.format == Some(Format::Json) {
        "option \"--format=json\" requires \"-t\", \"--check\", \"--dump-config\", \"--status\", \"--sessions\", \"--kick\", \"--drain\" or \"--hold\""
    } else {
        return Ok(());
    };
    Err(message.as_bytes().to_vec().into())
}

fn given(program: &str, args: impl Iterator<Item = Vec<u8>>) -> Result<Given, UsageError> {
    let mut args = args.peekable();
    let mut given = Given::default();
    while let Some(arg) = args.next() {
        let [b'-', letters @ ..] = arg.as_slice() else {
            return Err(UsageError::not_an_option(program, &arg));
        };
        if let Some(word) = letters.strip_prefix(b"-") {
            long_option(program, &mut given, word, &mut args)?;
            continue;
        }
        let mut rest = letters;
        while let [letter, tail @ ..] = rest {
            rest = tail;
            let Some(option) = option::short(*letter) else {
                return Err([b"invalid option: \"", &[*letter][..], b"\""]
                    .concat()
                    .into());
            };
            // The value is the rest of this argument, or the next one.
            let attached = match (option.argument(), rest) {
                (Some(_), [_, ..]) => Some(std::mem::take(&mut rest).to_vec()),
                _ => None,
            };
            apply(&mut given, option, attached, &mut args)?;
        }
    }
    Ok(given)
}

/// A word after two dashes. Its value follows `=`, or is the next argument.
fn long_option(
    program: &str,
    given: &mut Given,
    word: &[u8],
    args: &mut Peekable<impl Iterator<Item = Vec<u8>>>,
) -> Result<(), UsageError> {
    let equals = word.iter().position(|byte| *byte == b'=');
    let (name, attached) = match equals {
        Some(at) => (&word[..at], Some(word[at + 1..].to_vec())),
        None => (word, None),
    };
    let Some(option) = option::long(name) else {
        return Err(UsageError::unknown_long(program, word));
    };
    if attached.is_some() && option.argument().is_none() {
        let message = [b"option \"--", name, b"\" takes no value"].concat();
        return Err(message.into());
    }
    Ok(apply(given, option, attached, args)?)
}

fn apply(
    given: &mut Given,
    option: &Opt,
    attached: Option<Vec<u8>>,
    args: &mut Peekable<impl Iterator<Item = Vec<u8>>>,
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
            let value = attached.or_else(|| args.next());
            set(given, value.ok_or_else(missing)?)
        }
        Setter::Values(_, set) => {
            let mut values: Vec<_> = attached.into_iter().collect();
            while let Some(value) = args.next_if(|word| !word.starts_with(b"-")) {
                values.push(value);
            }
            set(given, values)
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
            defaults::PREFIX.into(),
            defaults::FILE.as_bytes(),
            defaults::ERROR_LOG.as_bytes(),
            defaults::PID.as_bytes(),
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
    let relative = |name: &&Vec<u8>| !name.starts_with(b"/");
    let typed = given.file.as_ref().filter(relative);
    Options {
        program,
        typed: typed.map(|name| PathBuf::from(OsString::from_vec(name.clone()))),
        messages: given.messages,
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
