//! `error_log`: a place and levels.

use super::syslog::parse_syslog;
use super::{Call, Lines, Refusal, Value, full_word, sentence};
use crate::base::Level;
use crate::config::schema::arguments::{Folders, full_name};
use crate::config::schema::row::Arity;
use crate::config::{LogDestination, LogTarget};

/// `file | stderr | syslog:… | memory:size [level ...]`; lines add up.
#[derive(Debug)]
pub struct Logs;

/// What `debug_…` may name.
const DEBUG_KINDS: [&str; 7] = ["core", "alloc", "mutex", "event", "http", "mail", "stream"];

impl Value for Logs {
    type Plain = Vec<LogTarget>;
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
    const LINES: Lines = Lines::AddUp;

    fn read(
        call: &mut Call<'_>,
        before: Option<Vec<LogTarget>>,
    ) -> Result<Vec<LogTarget>, Refusal> {
        let mut logs = before.unwrap_or_default();
        let [target, levels @ ..] = call.args else {
            return Ok(logs);
        };
        let destination = match &**target {
            b"stderr" | b"" => LogDestination::Stderr,
            [b'm', b'e', b'm', b'o', b'r', b'y', b':', ..] => {
                return Err(Refusal::says("nginx was built without debug support"));
            }
            [b's', b'y', b's', b'l', b'o', b'g', b':', parameters @ ..] => {
                LogDestination::Syslog(parse_syslog(call.world, parameters)?)
            }
            name => LogDestination::File(full_name(&call.folders.prefix, name)),
        };
        logs.push(LogTarget {
            destination,
            level: level(levels)?,
        });
        Ok(logs)
    }

    fn full(args: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        let mut words = args.to_vec();
        if let Some(target) = words.first_mut()
            && **target != *b"stderr"
            && !target.starts_with(b"syslog:")
        {
            *target = full_word(&folders.prefix, target);
        }
        words
    }
}

/// The one level of a line; several `debug_…` words are one debug level here.
fn level(words: &[Box<[u8]>]) -> Result<Level, Refusal> {
    let (mut level, mut debug) = (None, false);
    for word in words {
        let bad = |what: &[u8]| Refusal::Says(sentence(&[what, b" log level \"", word, b"\""]));
        if let Some(found) = Level::ALL
            .into_iter()
            .find(|level| level.word().as_bytes() == &**word)
        {
            if level.is_some() || debug {
                return Err(bad(b"duplicate"));
            }
            level = Some(found);
        } else if word
            .strip_prefix(b"debug_")
            .is_some_and(|kind| DEBUG_KINDS.iter().any(|known| known.as_bytes() == kind))
        {
            if level.is_some() {
                return Err(bad(b"invalid"));
            }
            debug = true;
        } else {
            return Err(bad(b"invalid"));
        }
    }
    Ok(if debug {
        Level::Debug
    } else {
        level.unwrap_or(Level::Error)
    })
}
