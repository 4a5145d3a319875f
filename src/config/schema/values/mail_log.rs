//! `mail_log` and `log_format`.

use std::sync::Arc;

use super::log::{absolute_target, read_destination};
use super::size::parse_size;
use super::text::Bytes;
use super::time::milliseconds;
use crate::config::model::{
    LogBuffer, LogDestination, LogEscape, LogEvents, LogFormat, MailLog, Template,
};
use crate::config::schema::{
    Arguments, Arity, Folders, Parsed, Repeated, ValueError, ValueKind, refuse,
};

/// The names of the built-in formats.
const BUILT_IN: [(&[u8], LogFormat); 2] = [
    (b"keyvalue", LogFormat::KeyValue),
    (b"json", LogFormat::Json),
];
/// The buffer of a line with `flush=` alone, in bytes; nginx's default.
const DEFAULT_BUFFER: usize = 64 << 10;

/// The `mail_log` lines of a block.
#[derive(Clone, Debug, Default)]
pub enum MailLogs {
    /// No `mail_log`.
    #[default]
    None,
    /// `mail_log off`, whatever other lines say.
    Off,
    /// The lines.
    Lines(Vec<MailLogLine>),
}

/// One `mail_log` line as written.
#[derive(Clone, Debug)]
pub struct MailLogLine {
    destination: LogDestination,
    /// The name of the format.
    pub format: Bytes,
    buffer: Option<LogBuffer>,
    events: LogEvents,
    condition: Option<Template>,
}

/// A `log_format` line: its name and the format.
pub type NamedFormat = (Bytes, Arc<LogFormat>);

impl MailLogs {
    /// The lines.
    pub fn lines(&self) -> &[MailLogLine] {
        match self {
            Self::Lines(lines) => lines,
            Self::None | Self::Off => &[],
        }
    }
}

impl MailLogLine {
    /// The line with its format, which is one of `formats` or built in. `None`: there is no such format.
    pub fn resolve(&self, formats: &[NamedFormat]) -> Option<MailLog> {
        let named = formats.iter().find(|(name, _)| *name == self.format);
        let format = match named {
            Some((_, format)) => Arc::clone(format),
            None => Arc::new(built_in(&self.format)?),
        };
        Some(MailLog {
            destination: self.destination.clone(),
            format,
            buffer: self.buffer,
            events: self.events,
            condition: self.condition.clone(),
        })
    }
}

fn built_in(name: &[u8]) -> Option<LogFormat> {
    let mut formats = BUILT_IN.into_iter();
    formats
        .find(|(known, _)| *known == name)
        .map(|(_, format)| format)
}

/// `path [format] [buffer=size] [flush=time] [events=session,message] [if=condition] | off`
#[derive(Debug)]
pub struct MailLogTargets;

impl ValueKind for MailLogTargets {
    type Value = MailLogs;
    const SYNTAX: &'static str =
        "path [format] [buffer=size] [flush=time] [events=session,message] [if=condition] | off";
    const ABOUT: &'static str = "\
- `path`: a file, `stderr`, or `syslog:server=address` with the parameters of `error_log`. A relative path is resolved against the \
  prefix (`-p`). `-s reopen` reopens the file after log rotation.
- `format`: `keyvalue` (the default), `json`, or the name of a `log_format`.
- `buffer=size`: collects lines up to this size before they are written.
- `flush=time`: the longest time that a line stays in the buffer.
- `events=`: the events that have a line: `session`, `message`, or both (the default).
- `if=condition`: no line is written if the condition is empty or `0`.
- `off`: no log, not that of `mail {}` either.";
    const ARITY: Arity = Arity::SOME;
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<MailLogs>) -> Parsed<MailLogs> {
        if args.first() == b"off" {
            return match args.rest() {
                [] => Ok(MailLogs::Off),
                [word, ..] => Err(invalid_parameter(word)),
            };
        }
        let line = read_line(args)?;
        Ok(match before.unwrap_or_default() {
            MailLogs::Off => MailLogs::Off,
            MailLogs::None => MailLogs::Lines(vec![line]),
            MailLogs::Lines(mut lines) => {
                lines.push(line);
                MailLogs::Lines(lines)
            }
        })
    }

    fn make_absolute(words: &[Bytes], folders: &Folders) -> Vec<Bytes> {
        match words.first().map(|word| &**word) {
            Some(b"off") => words.to_vec(),
            _ => absolute_target(words, folders),
        }
    }
}

fn read_line(args: &Arguments<'_>) -> Parsed<MailLogLine> {
    let destination = read_destination(args)?;
    let (format, parameters) = match args.rest() {
        [word, rest @ ..] if !word.contains(&b'=') => (word.clone(), rest),
        rest => (Bytes::from(*b"keyvalue"), rest),
    };
    let (mut size, mut flush) = (None, None);
    let (mut events, mut condition) = (LogEvents::All, None);
    for word in parameters {
        if let Some(text) = word.strip_prefix(b"buffer=") {
            let parsed = parse_size(text).and_then(|size| usize::try_from(size).ok());
            let parsed = parsed.filter(|size| *size > 0);
            size = Some(parsed.ok_or_else(|| refuse!("invalid buffer size \"", text, "\""))?);
        } else if let Some(text) = word.strip_prefix(b"flush=") {
            let parsed = milliseconds(text).filter(|time| *time > 0);
            let time = parsed.ok_or_else(|| refuse!("invalid flush time \"", text, "\""))?;
            flush = Some(std::time::Duration::from_millis(time));
        } else if let Some(text) = word.strip_prefix(b"events=") {
            events = read_events(text)?;
        } else if let Some(text) = word.strip_prefix(b"if=") {
            let template = args.variables.template(text, args.span);
            condition = Some(template.map_err(|error| refuse!(error.to_string()))?);
        } else {
            return Err(invalid_parameter(word));
        }
    }
    if (size.is_some() || flush.is_some()) && matches!(destination, LogDestination::Syslog(_)) {
        return Err(refuse!("logs to syslog cannot be buffered"));
    }
    let buffer = match (size, flush) {
        (None, None) => None,
        (size, flush) => Some(LogBuffer {
            size: size.unwrap_or(DEFAULT_BUFFER),
            flush,
        }),
    };
    Ok(MailLogLine {
        destination,
        format,
        buffer,
        events,
        condition,
    })
}

fn invalid_parameter(word: &[u8]) -> ValueError {
    refuse!("invalid parameter \"", word, "\"")
}

fn read_events(text: &[u8]) -> Parsed<LogEvents> {
    let (mut sessions, mut messages) = (false, false);
    for word in text.split(|byte| *byte == b',') {
        match word {
            b"session" => sessions = true,
            b"message" => messages = true,
            word => {
                let end = "\" in \"events\", it must be \"session\" or \"message\"";
                return Err(refuse!("invalid value \"", word, end));
            }
        }
    }
    Ok(match (sessions, messages) {
        (true, false) => LogEvents::Sessions,
        (false, true) => LogEvents::Messages,
        _ => LogEvents::All,
    })
}

/// `name [escape=default|json|none] string ...`
#[derive(Debug)]
pub struct LogFormats;

impl ValueKind for LogFormats {
    type Value = Vec<NamedFormat>;
    const SYNTAX: &'static str = "name [escape=default | json | none] string ...";
    const ABOUT: &'static str = "The strings are joined. They may contain variables. `escape=` sets how the values of variables are escaped: \
        `default` writes `\"`, `\\`, control bytes and bytes above 126 as `\\xNN`; `json` escapes as in JSON strings; `none` escapes nothing. \
        A missing value is `-` with `default`, and empty otherwise.";
    const ARITY: Arity = Arity {
        least: 2,
        most: None,
    };
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut formats = before.unwrap_or_default();
        let name = args.first();
        if built_in(name).is_some() || formats.iter().any(|(known, _)| **known == *name) {
            return Err(refuse!("duplicate \"log_format\" name \"", name, "\""));
        }
        let (escape, strings) = match args.rest() {
            [word, strings @ ..] if word.starts_with(b"escape=") => {
                (read_escape(&word[b"escape=".len()..])?, strings)
            }
            strings => (LogEscape::Default, strings),
        };
        let template = args.variables.template(&strings.concat(), args.span);
        let template = template.map_err(|error| refuse!(error.to_string()))?;
        let format = LogFormat::Custom { escape, template };
        formats.push((name.into(), Arc::new(format)));
        Ok(formats)
    }
}

fn read_escape(word: &[u8]) -> Parsed<LogEscape> {
    Ok(match word {
        b"default" => LogEscape::Default,
        b"json" => LogEscape::Json,
        b"none" => LogEscape::None,
        word => return Err(refuse!("unknown log format escaping \"", word, "\"")),
    })
}
