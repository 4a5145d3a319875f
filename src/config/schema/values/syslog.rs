//! The parameters of `syslog:`.

use super::url::{Rules, parse};
use super::{Refusal, sentence};
use crate::config::SyslogTarget;
use crate::config::model::world::World;

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
/// nginx's sentences.
pub fn parse_syslog(world: &dyn World, text: &[u8]) -> Result<SyslogTarget, Refusal> {
    let (mut server, mut facility, mut severity, mut tag, mut no_host_name) =
        (None, None, None, None, false);
    for parameter in text.split(|byte| *byte == b',') {
        if let Some(address) = parameter.strip_prefix(b"server=") {
            once(&server, "server")?;
            let url = parse(
                world,
                address,
                Rules {
                    port: 514,
                    ..Rules::default()
                },
            )
            .map_err(|reason| {
                Refusal::Says(sentence(&[
                    reason.as_bytes(),
                    b" in syslog server \"",
                    address,
                    b"\"",
                ]))
            })?;
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
    let Some(server) = server else {
        return Err(Refusal::says("no syslog server specified"));
    };
    Ok(SyslogTarget {
        server,
        facility: facility.unwrap_or(23),
        severity: severity.unwrap_or(6),
        tag: tag.unwrap_or_else(|| "nginx".into()),
        no_host_name,
    })
}

fn once<T>(before: &Option<T>, what: &str) -> Result<(), Refusal> {
    match before {
        Some(_) => Err(Refusal::says(format!("duplicate syslog \"{what}\""))),
        None => Ok(()),
    }
}

fn unknown(what: &str, word: &[u8]) -> Refusal {
    Refusal::Says(sentence(&[
        b"unknown syslog ",
        what.as_bytes(),
        b" \"",
        word,
        b"\"",
    ]))
}

fn number(words: &[&str], word: &[u8]) -> Option<u8> {
    words
        .iter()
        .position(|known| known.as_bytes() == word)
        .and_then(|index| u8::try_from(index).ok())
}

fn checked_tag(word: &[u8]) -> Result<Box<str>, Refusal> {
    if word.len() > LONGEST_TAG {
        return Err(Refusal::says("syslog tag length exceeds 32"));
    }
    if !word
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    {
        return Err(Refusal::says(
            "syslog \"tag\" only allows alphanumeric characters and underscore",
        ));
    }
    Ok(String::from_utf8_lossy(word).into())
}
