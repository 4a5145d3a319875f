//! The parameters of `syslog:`.

use super::url::{Rules, parse};
use crate::config::model::{Names, SyslogTarget};
use crate::config::schema::{Parsed, ValueError, refuse};

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv",
    "ftp", "ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];
const SEVERITIES: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];
const LONGEST_TAG: usize = 32;

/// Reads `server=address[,facility=][,severity=][,tag=][,nohostname]`.
///
/// # Errors
/// A parameter is unknown, malformed, duplicate or missing.
pub fn parse_syslog(names: &dyn Names, text: &[u8]) -> Parsed<SyslogTarget> {
    let (mut server, mut facility, mut severity, mut tag) = (None, None, None, None);
    let mut no_host_name = false;
    let rules = Rules {
        port: 514,
        ..Rules::default()
    };
    for parameter in text.split(|byte| *byte == b',') {
        if let Some(address) = parameter.strip_prefix(b"server=") {
            once(&server, "server")?;
            let url = parse(names, address, rules)
                .map_err(|reason| refuse!(reason, " in syslog server \"", address, "\""))?;
            server = url.addresses.into_iter().next();
        } else if let Some(word) = parameter.strip_prefix(b"facility=") {
            once(&facility, "facility")?;
            facility = Some(number(&FACILITIES, word).ok_or_else(|| unknown("facility", word))?);
        } else if let Some(word) = parameter.strip_prefix(b"severity=") {
            once(&severity, "severity")?;
            severity = Some(number(&SEVERITIES, word).ok_or_else(|| unknown("severity", word))?);
        } else if let Some(word) = parameter.strip_prefix(b"tag=") {
            once(&tag, "tag")?;
            tag = Some(checked_tag(word)?);
        } else if parameter == b"nohostname" {
            no_host_name = true;
        } else {
            return Err(unknown("parameter", parameter));
        }
    }
    Ok(SyslogTarget {
        server: server.ok_or_else(|| refuse!("no syslog server specified"))?,
        facility: facility.unwrap_or(23),
        severity: severity.unwrap_or(6),
        tag: tag.unwrap_or_else(|| "nginx".into()),
        no_host_name,
    })
}

fn once<T>(before: &Option<T>, what: &str) -> Parsed<()> {
    match before {
        Some(_) => Err(refuse!(format!("duplicate syslog \"{what}\""))),
        None => Ok(()),
    }
}

fn unknown(what: &str, word: &[u8]) -> ValueError {
    refuse!("unknown syslog ", what, " \"", word, "\"")
}

fn number(words: &[&str], word: &[u8]) -> Option<u8> {
    let at = words.iter().position(|known| known.as_bytes() == word)?;
    u8::try_from(at).ok()
}

fn checked_tag(word: &[u8]) -> Parsed<Box<str>> {
    if word.len() > LONGEST_TAG {
        return Err(refuse!("syslog tag length exceeds 32"));
    }
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if !word.iter().all(is_allowed) {
        return Err(refuse!(
            "syslog \"tag\" only allows alphanumeric characters and underscore"
        ));
    }
    Ok(String::from_utf8_lossy(word).into())
}
