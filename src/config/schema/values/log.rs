//! `error_log`: a destination, levels and parameters.

use std::num::NonZeroU32;

use super::syslog::parse_syslog;
use crate::base::Level;
use crate::config::model::{LineFormat, LogDestination, LogTarget};
use crate::config::schema::{
    Arguments, Arity, Folders, Parsed, Repeated, ValueKind, absolute, absolute_word, refuse,
};

/// `file | stderr | syslog:… | memory:size [level ...] [format=text|json] [rate=number]`
#[derive(Debug)]
pub struct Logs;

/// The suffixes of `debug_…`.
const DEBUG_KINDS: [&str; 7] = ["core", "alloc", "mutex", "event", "http", "mail", "stream"];

impl ValueKind for Logs {
    type Value = Vec<LogTarget>;
    const SYNTAX: &'static str = "file | stderr | syslog:server=address[,parameter=value] | memory:size [level] [format=text | json] [rate=number]";
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
the like are equivalent to `debug`.

Two parameters, which nginx does not have, may follow in any order:

- `format=json`: each message is a JSON object in a line of its own, with the members `time` (ISO 8601, with milliseconds), `level`, \
  `pid`, `tid`, `connection` (the number after `*` in nginx's form), `session`, `message`, `action` (what follows `while` in \
  nginx's form), `client`, `server`, `login`, `upstream`, `auth` (the authentication server) and `starttls`. Members without a \
  value are left out. A long message or value is cut, and `truncated` is `true`. The default is `format=text`.
- `rate=number`: the most messages with the same second in their time. Further ones are suppressed; a message says how many, at the \
  end of the second or before the next message. Messages of the levels `crit`, `alert` and `emerg` are always logged. With `0`, \
  the default, there is no limit. `m/s` may follow the number.

In nginx's form, each message of a session ends in `, session:` and the identifier of the session, which `mail_log` has too.

If standard error is the journal of systemd (the environment variable `JOURNAL_STREAM` has its device and inode), each message to \
`stderr` begins with its priority, such as `<3>` for `error`, and nginx's form is without the time.";
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<LogTarget>>) -> Parsed<Vec<LogTarget>> {
        let mut logs = before.unwrap_or_default();
        if args.first().starts_with(b"memory:") {
            return Err(refuse!("nginx was built without debug support"));
        }
        let destination = match args.first() {
            b"" => LogDestination::Stderr,
            _ => read_destination(args)?,
        };
        logs.push(read_target(destination, args.rest())?);
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

/// Reads what follows the destination: levels and parameters.
fn read_target(destination: LogDestination, words: &[Box<[u8]>]) -> Parsed<LogTarget> {
    let mut levels = Levels::default();
    let (mut format, mut rate) = (None, None);
    for word in words {
        if let Some(text) = word.strip_prefix(b"format=") {
            once(&format, word)?;
            format = Some(read_format(text)?);
        } else if let Some(text) = word.strip_prefix(b"rate=") {
            once(&rate, word)?;
            rate = Some(read_rate(text).ok_or_else(|| refuse!("invalid rate \"", word, "\""))?);
        } else {
            levels.add(word)?;
        }
    }
    Ok(LogTarget {
        destination,
        level: levels.level(),
        format: format.unwrap_or_default(),
        rate: rate.and_then(NonZeroU32::new),
    })
}

/// The levels of a line. Several `debug_…` words are one debug level.
#[derive(Debug, Default)]
struct Levels {
    level: Option<Level>,
    debug: bool,
}

impl Levels {
    fn add(&mut self, word: &[u8]) -> Parsed<()> {
        let bad = |what| Err(refuse!(what, " log level \"", word, "\""));
        let mut levels = Level::ALL.into_iter();
        if let Some(found) = levels.find(|level| level.word().as_bytes() == word) {
            if self.level.is_some() || self.debug {
                return bad("duplicate");
            }
            self.level = Some(found);
        } else if self.level.is_none() && is_debug_kind(word) {
            self.debug = true;
        } else {
            return bad("invalid");
        }
        Ok(())
    }

    fn level(&self) -> Level {
        match self.level {
            _ if self.debug => Level::Debug,
            level => level.unwrap_or(Level::Error),
        }
    }
}

fn once<T>(before: &Option<T>, word: &[u8]) -> Parsed<()> {
    match before {
        Some(_) => Err(refuse!("duplicate parameter \"", word, "\"")),
        None => Ok(()),
    }
}

fn read_format(word: &[u8]) -> Parsed<LineFormat> {
    Ok(match word {
        b"text" => LineFormat::Text,
        b"json" => LineFormat::Json,
        word => {
            let end = "\" in \"format\", it must be \"text\" or \"json\"";
            return Err(refuse!("invalid value \"", word, end));
        }
    })
}

/// Reads `10` or `10m/s`, as Angie and freenginx.
fn read_rate(text: &[u8]) -> Option<u32> {
    let number = text.strip_suffix(b"m/s").unwrap_or(text);
    let number = std::str::from_utf8(number).ok()?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number)
}

fn is_debug_kind(word: &[u8]) -> bool {
    let kind = word.strip_prefix(b"debug_");
    kind.is_some_and(|kind| DEBUG_KINDS.iter().any(|known| known.as_bytes() == kind))
}
