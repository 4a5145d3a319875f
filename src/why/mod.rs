//! `--why`: reads the mail logs and tells what happened to the sessions of a login or an address.
//!
//! Without `--log`, the logs are those of the configuration. Reads both built-in formats of `mail_log`, rotated and compressed files included. A line of another format is counted, and the
//! number is reported.

mod advice;
mod files;
mod line;
mod story;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Timestamp;

use self::files::{LogPart, parts};
use self::line::Record;
use self::story::Story;
use crate::base::Errno;
use crate::base::subject::{has_host, is_same_login};
use crate::cli::Question;
use crate::config::{self, LogDestination, Options, World};

/// Prints the stories that the command line asks for. The exit code is 1 if there are none.
#[must_use]
pub fn run(question: &Question, options: &Options, world: &dyn World) -> ExitCode {
    let fail = |message: &dyn fmt::Display| {
        eprintln!("{}: {message}", options.program);
        ExitCode::FAILURE
    };
    let since = question.since.as_deref();
    let since = match since
        .map(|text| parse_since(text, Timestamp::now()))
        .transpose()
    {
        Ok(since) => since,
        Err(message) => return fail(&message),
    };
    let logs = match &question.log {
        Some(log) => vec![log.clone()],
        None => match configured_logs(options, world) {
            Ok(logs) => logs,
            Err(message) => return fail(&message),
        },
    };
    let query = Query {
        subject: question.subject.clone(),
        since,
        logs,
    };
    match tell(&query, &mut io::stdout().lock()) {
        Ok(0) => fail(&query.no_match()),
        Ok(_) => ExitCode::SUCCESS,
        // The reader has seen enough.
        Err(WhyError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

/// The files that `mail_log` lines of the configuration name.
fn configured_logs(options: &Options, world: &dyn World) -> Result<Vec<PathBuf>, String> {
    let loaded = config::load(world, options, &mut |_| ());
    let loaded = loaded.map_err(|fault| String::from_utf8_lossy(&fault.message).into_owned())?;
    let mut logs: Vec<PathBuf> = Vec::new();
    for log in loaded
        .config
        .servers
        .iter()
        .flat_map(|server| &server.mail_log)
    {
        if let LogDestination::File(path) = &log.destination
            && !logs.contains(path)
        {
            logs.push(path.clone());
        }
    }
    match logs.is_empty() {
        true => Err("no \"mail_log\" in the configuration names a file, use --log FILE".to_owned()),
        false => Ok(logs),
    }
}

/// A search in logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// A login, a client's address, or the identifier of a session.
    pub subject: String,
    /// No session that ended before.
    pub since: Option<Timestamp>,
    /// The logs, without the names of rotated files.
    pub logs: Vec<PathBuf>,
}

/// Why a query has no answer.
#[derive(Debug)]
pub enum WhyError {
    /// A log cannot be read.
    Read(PathBuf, io::Error),
    /// The output cannot be written.
    Write(io::Error),
}

impl fmt::Display for WhyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => {
                write!(out, "open() \"{}\" failed{}", path.display(), Errno(error))
            }
            Self::Write(error) => write!(out, "write() failed{}", Errno(error)),
        }
    }
}

/// Writes the stories of all matching sessions, the newest last, and returns their number.
///
/// # Errors
/// A log cannot be read, or the output cannot be written.
pub fn tell(query: &Query, out: &mut dyn Write) -> Result<usize, WhyError> {
    let mut stories = Vec::new();
    let mut unreadable = 0;
    for log in &query.logs {
        let failed = |error| WhyError::Read(log.clone(), error);
        // A session and its messages can be in successive files.
        let mut messages: HashMap<Box<str>, Vec<Record>> = HashMap::new();
        for part in parts(log).map_err(failed)? {
            let told = read_part(&part, query, &mut messages, &mut stories);
            unreadable += told.map_err(|error| WhyError::Read(part.path.clone(), error))?;
        }
    }
    stories.sort_by_key(Story::time);
    for (at, story) in stories.iter().enumerate() {
        let gap = if at > 0 { "\n" } else { "" };
        write!(out, "{gap}{story}").map_err(WhyError::Write)?;
    }
    if unreadable > 0 {
        let text = match unreadable {
            1 => "line is in a format of log_format, which --why cannot read",
            _ => "lines are in a format of log_format, which --why cannot read",
        };
        writeln!(out, "({unreadable} {text})").map_err(WhyError::Write)?;
    }
    Ok(stories.len())
}

/// Reads one file. Returns the number of lines in an unknown format.
fn read_part(
    part: &LogPart,
    query: &Query,
    messages: &mut HashMap<Box<str>, Vec<Record>>,
    stories: &mut Vec<Story>,
) -> io::Result<usize> {
    let mut unreadable = 0;
    let mut lines = part.open()?;
    let mut bytes = Vec::new();
    while {
        bytes.clear();
        lines.read_until(b'\n', &mut bytes)?
    } > 0
    {
        let Some(record) = Record::parse(bytes.trim_ascii_end()) else {
            unreadable += usize::from(!bytes.trim_ascii().is_empty());
            continue;
        };
        let Some(session) = record.get("session").map(Box::from) else {
            continue;
        };
        if record.is_message() {
            messages.entry(session).or_default().push(record);
            continue;
        }
        let messages = messages.remove(&session).unwrap_or_default();
        let story = Story::new(record, messages);
        if query.matches(&story) {
            stories.push(story);
        }
    }
    Ok(unreadable)
}

impl Query {
    /// The sentence that says what was searched for, and where.
    fn no_match(&self) -> String {
        let since = self.since.map_or(String::new(), |since| {
            let local = since.to_zoned(jiff::tz::TimeZone::system());
            format!(" since {}", local.strftime("%Y-%m-%d %H:%M:%S"))
        });
        let logs: Vec<_> = self
            .logs
            .iter()
            .map(|log| log.display().to_string())
            .collect();
        let (subject, logs) = (&self.subject, logs.join(", "));
        format!("no session of \"{subject}\"{since} in {logs}")
    }

    fn matches(&self, story: &Story) -> bool {
        let session = story.session();
        let subject = &*self.subject;
        let is_login = session
            .get("login")
            .is_some_and(|login| is_same_login(login, subject));
        let is_session = session.get("session") == Some(subject);
        let is_client = session
            .get("client")
            .is_some_and(|client| has_host(client, subject));
        let is_recent = self.since.is_none_or(|since| story.time() >= Some(since));
        is_recent && (is_login || is_session || is_client)
    }
}

/// Reads the time of `--since`: a date, a date with a time, a time of today, `today`, `yesterday`, or a duration before `now` such as `2h` or `30m`.
///
/// # Errors
/// The text is none of these.
pub fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    use jiff::civil::{DateTime, Time};
    let zoned = now.to_zoned(jiff::tz::TimeZone::system());
    let local = |time: DateTime| {
        let zoned = time.to_zoned(zoned.time_zone().clone());
        zoned.ok().map(|zoned| zoned.timestamp())
    };
    let spaced = text.replacen(' ', "T", 1);
    let span = || {
        text.parse::<jiff::Span>()
            .ok()
            .and_then(|span| zoned.checked_sub(span.abs()).ok())
    };
    let day = || {
        let date = match text {
            "today" => zoned.date(),
            "yesterday" => zoned.date().yesterday().ok()?,
            _ => return None,
        };
        local(date.to_datetime(Time::midnight()))
    };
    day()
        .or_else(|| text.parse().ok())
        .or_else(|| spaced.parse().ok().and_then(local))
        .or_else(|| {
            text.parse::<Time>()
                .ok()
                .and_then(|time| local(zoned.date().to_datetime(time)))
        })
        .or_else(|| span().map(|zoned| zoned.timestamp()))
        .ok_or_else(|| {
            let forms = "\"2026-11-29\", \"2026-11-29 10:42\", \"10:42\", \"yesterday\" or \"2h\"";
            format!("invalid time \"{text}\", it must be like {forms}")
        })
}

#[cfg(test)]
mod tests;
