//! The command line: nginx's options, bundled and attached as nginx takes them, to an action. Pure.

mod text;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::config::call::full_name;
use crate::config::{LogPlace, Options};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Command {
    /// Printed to standard error before anything else: `-v`, `-V`, `-h`.
    pub show: Option<String>,
    /// What comes then.
    pub action: Action,
    /// Where the configuration is.
    pub options: Options,
}

/// What is done with the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: exit with 0.
    Nothing,
    /// `-t` and `-T`
    Test {
        /// `-q`: say nothing when all is well.
        quiet: bool,
        /// `-T`: print every file.
        dump: bool,
    },
    /// `-s`: read the configuration, then signal the process whose number is in the pid file.
    Signal(Signal),
    /// Serve.
    Run,
}

/// The words of `-s`.
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

/// What has been read from the arguments so far.
#[derive(Debug, Default)]
struct Given {
    version: bool,
    configure: bool,
    help: bool,
    test: bool,
    dump: bool,
    quiet: bool,
    prefix: Option<Vec<u8>>,
    error_log: Option<Vec<u8>>,
    file: Option<Vec<u8>>,
    globals: Option<Vec<u8>>,
    signal: Option<Signal>,
}

/// The name that messages begin with: `nginx` when started under that name.
#[must_use]
pub fn program(name: Option<&OsString>) -> &'static str {
    match name.and_then(|name| Path::new(name).file_name()) {
        Some(name) if name.as_bytes() == b"nginx" => "nginx",
        _ => "portcullis",
    }
}

/// Reads the arguments, the program's own name first.
///
/// # Errors
/// The line for standard error, line end included, for an exit with 1.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, Vec<u8>> {
    let mut args = args.into_iter();
    let program = program(args.next().as_ref());
    let given = given(args.map(OsString::into_vec))
        .map_err(|message| [program.as_bytes(), b": ", &message, b"\n"].concat())?;
    let show = given
        .version
        .then(|| text::show(program, given.configure, given.help));
    let action = match given.signal {
        _ if given.test => Action::Test {
            quiet: given.quiet,
            dump: given.dump,
        },
        _ if given.version => Action::Nothing,
        Some(signal) => Action::Signal(signal),
        None => Action::Run,
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
        let mut rest = letters;
        while let [letter, tail @ ..] = rest {
            rest = tail;
            // The value is what is left of this argument, or else the next one.
            let mut value = |needs: &str| match tail {
                [] => args.next().ok_or_else(|| {
                    format!("option \"-{}\" requires {needs}", char::from(*letter)).into_bytes()
                }),
                _ => Ok(tail.to_vec()),
            };
            match letter {
                b'?' | b'h' => (given.version, given.help) = (true, true),
                b'v' => given.version = true,
                b'V' => (given.version, given.configure) = (true, true),
                b't' => given.test = true,
                b'T' => (given.test, given.dump) = (true, true),
                b'q' => given.quiet = true,
                b'p' => given.prefix = Some(value("directory name")?),
                b'e' => given.error_log = Some(value("file name")?),
                b'c' => given.file = Some(value("file name")?),
                b'g' => given.globals = Some(value("parameter")?),
                b's' => given.signal = Some(signal(&value("parameter")?)?),
                other => return Err([b"invalid option: \"", &[*other][..], b"\""].concat()),
            }
            if matches!(letter, b'p' | b'e' | b'c' | b'g' | b's') {
                break;
            }
        }
    }
    Ok(given)
}

fn signal(word: &[u8]) -> Result<Signal, Vec<u8>> {
    match word {
        b"stop" => Ok(Signal::Stop),
        b"quit" => Ok(Signal::Quit),
        b"reopen" => Ok(Signal::Reopen),
        b"reload" => Ok(Signal::Reload),
        _ => Err([b"invalid option: \"-s ", word, b"\""].concat()),
    }
}

/// Debian's layout without `-p`; nginx's own below the prefix with it.
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
        Some(b"" | b"stderr") => LogPlace::Stderr,
        name => LogPlace::File(full_name(&prefix, name.unwrap_or(log))),
    };
    Options {
        program,
        file: full_name(&prefix, given.file.as_deref().unwrap_or(file)),
        pid: full_name(&prefix, pid),
        prefix,
        globals: given.globals,
        error_log,
    }
}

#[cfg(test)]
mod tests;
