//! `error_log`: a destination and levels.

use super::syslog::parse_syslog;
use crate::base::Level;
use crate::config::model::{LogDestination, LogTarget};
use crate::config::schema::{
    Arguments, Arity, Folders, Parsed, Repeated, ValueKind, absolute, absolute_word, refuse,
};

/// `file | stderr | syslog:… | memory:size [level ...]`
#[derive(Debug)]
pub struct Logs;

/// The suffixes of `debug_…`.
const DEBUG_KINDS: [&str; 7] = ["core", "alloc", "mutex", "event", "http", "mail", "stream"];

impl ValueKind for Logs {
    type Value = Vec<LogTarget>;
    const SYNTAX: &'static str =
        "file | stderr | syslog:server=address[,parameter=value] | memory:size [level]";
    const ABOUT: &'static str = "\
        The first parameter is the destination:

- `file`: a file. A relative path is resolved against the prefix (`-p`). `-s reopen` reopens the file after log rotation.
- `stderr`: standard error.
- `syslog:server=address`: a syslog server, over UDP or a UNIX-domain socket (`unix:path`). The default port is 514. Further \
  parameters follow, separated by commas: `facility=` (default `local7`), `tag=` (default `nginx`) and `nohostname`, which omits \
  the host name. `severity=` is accepted, but the severity of each message is its level.
- `memory:size`: refused, as by an nginx built without debugging support.

The second parameter is the level: `debug`, `info`, `notice`, `warn`, `error` (the default), `crit`, `alert` or `emerg`, in order \
of increasing severity. Messages of this level or a more severe one are logged. `debug_core`, `debug_event`, `debug_mail` and \
the like are equivalent to `debug`.";
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<LogTarget>>) -> Parsed<Vec<LogTarget>> {
        let mut logs = before.unwrap_or_default();
        if args.first().starts_with(b"memory:") {
            return Err(refuse!("nginx was built without debug support"));
        }
        logs.push(LogTarget {
            destination: match args.first() {
                b"" => LogDestination::Stderr,
                _ => read_destination(args)?,
            },
            level: level(args.rest())?,
        });
        Ok(logs)
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        absolute_target(words, folders)
    }
}

/// Reads the destination of a log: the first argument.
///
/// # Errors
/// A parameter of `syslog:` is refused.
pub fn read_destination(args: &Arguments<'_>) -> Parsed<LogDestination> {
    let target = args.first();
    Ok(match target.strip_prefix(b"syslog:") {
        Some(parameters) => LogDestination::Syslog(parse_syslog(args.names, parameters)?),
        None if target == b"stderr" => LogDestination::Stderr,
        None => LogDestination::File(absolute(&args.folders.prefix, target)),
    })
}

/// Makes the destination of a log absolute, if it is a file.
pub fn absolute_target(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
    let mut words = words.to_vec();
    if let Some(target) = words.first_mut()
        && **target != *b"stderr"
        && !target.starts_with(b"syslog:")
    {
        *target = absolute_word(&folders.prefix, target);
    }
    words
}

/// The level of a line. Several `debug_…` words are one debug level.
fn level(words: &[Box<[u8]>]) -> Parsed<Level> {
    let (mut level, mut debug) = (None, false);
    for word in words {
        let bad = |what| Err(refuse!(what, " log level \"", word, "\""));
        let mut levels = Level::ALL.into_iter();
        if let Some(found) = levels.find(|level| level.word().as_bytes() == &**word) {
            if level.is_some() || debug {
                return bad("duplicate");
            }
            level = Some(found);
        } else if level.is_none() && is_debug_kind(word) {
            debug = true;
        } else {
            return bad("invalid");
        }
    }
    Ok(match level {
        _ if debug => Level::Debug,
        level => level.unwrap_or(Level::Error),
    })
}

fn is_debug_kind(word: &[u8]) -> bool {
    let kind = word.strip_prefix(b"debug_");
    kind.is_some_and(|kind| DEBUG_KINDS.iter().any(|known| known.as_bytes() == kind))
}
