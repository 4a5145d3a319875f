//! `error_log`: a place and levels.

use super::super::call::full_name;
use super::super::directive::Arity;
use super::super::{Level, LogPlace, LogTarget};
use super::syslog::parse_syslog;
use super::{Call, Refusal, Value, sentence};

/// `file | stderr | syslog:… | memory:size [level ...]`; lines add up.
#[derive(Debug)]
pub struct Logs;

/// What `debug_…` may name.
const DEBUG_KINDS: [&str; 7] = ["core", "alloc", "mutex", "event", "http", "mail", "stream"];

impl Value for Logs {
    type Plain = Vec<LogTarget>;
    const SYNTAX: &'static str =
        "file | stderr | syslog:server=address[,parameter=value] | memory:size [level]";
    const ARITY: Arity = Arity::SOME;
    const ONCE: bool = false;

    fn read(
        call: &mut Call<'_>,
        before: Option<Vec<LogTarget>>,
    ) -> Result<Vec<LogTarget>, Refusal> {
        let mut logs = before.unwrap_or_default();
        let [place, levels @ ..] = call.args else {
            return Ok(logs);
        };
        let place = match &**place {
            b"stderr" | b"" => LogPlace::Stderr,
            [b'm', b'e', b'm', b'o', b'r', b'y', b':', ..] => {
                return Err(Refusal::says("nginx was built without debug support"));
            }
            [b's', b'y', b's', b'l', b'o', b'g', b':', parameters @ ..] => {
                LogPlace::Syslog(parse_syslog(call.world, parameters)?)
            }
            name => LogPlace::File(full_name(&call.folders.prefix, name)),
        };
        logs.push(LogTarget {
            place,
            level: level(levels)?,
        });
        Ok(logs)
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
