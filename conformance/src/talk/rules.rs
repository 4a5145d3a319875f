//! Known departures: which entry of the table of departures explains a difference.
//!
//! A rule looks at the first place where two transcripts part, and says yes only to what it names.

use super::conversation::{Act, Protocol};
use super::parting::{Parting, contains, count, unxtext, without_login};
use super::transcript::What;
use crate::case::Peer;

/// A deliberate difference.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What is different, and why.
    pub reason: &'static str,
    explains: fn(&Parting<'_>) -> bool,
}

/// The rule that explains a difference.
pub fn explain(parting: &Parting<'_>) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.explains)(parting))
}

const RULES: &[Rule] = &[
    Rule {
        reason: "row 2: the client buffer limits one command, not a burst or an exchange",
        explains: |parting| {
            let (nginx, ours) = parting.both();
            parting.at.peer == Peer::Client
                && nginx.last() == Some(&What::Closed)
                && nginx != ours
                && parting.recently_sent() >= parting.client_buffer()
        },
    },
    Rule {
        reason: "row 22: control bytes in HELO, MAIL and RCPT are refused",
        explains: |parting| {
            parting.talk.protocol == Protocol::Smtp
                && parting.client_reads_instead(b"501 5.5.4 Invalid argument\r\n")
                && parting.any_line(|line| {
                    let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
                    [&b"HELO"[..], b"EHLO", b"MAIL", b"RCPT"].contains(&&*word)
                        && line.iter().any(u8::is_ascii_control)
                })
        },
    },
    Rule {
        reason: "row 7: starttls only holds for smtp_auth none too",
        explains: |parting| {
            parting.client_reads_instead(b"530 5.7.0 Must issue a STARTTLS command first\r\n")
                && parting.configured("starttls only")
        },
    },
    Rule {
        reason: "row 12: a login or password with CR, LF or NUL in it is an invalid command",
        explains: |parting| parting.is_invalid_to_us() && parting.has_line_ends_in_login(),
    },
    Rule {
        reason: "row 6: EXTERNAL with an initial response is refused where it is not enabled",
        explains: |parting| {
            let nginx = parting.nginx.heard(parting.at.step, Peer::Auth);
            parting.is_invalid_to_us()
                && !parting.configured("external")
                && contains(&nginx, b"\r\nAuth-Method: external\r\n")
        },
    },
    Rule {
        reason: "row 8: every attempt starts empty",
        explains: |parting| {
            let (nginx, ours) = parting.heard();
            let blank = [&b"external"[..], b"none"].iter().any(|method| {
                let line = [b"\r\nAuth-Method: ", *method, b"\r\n"].concat();
                contains(&nginx, &line)
            });
            parting.at.peer == Peer::Auth
                && blank
                && contains(&ours, b"\r\nAuth-Pass: \r\n")
                && without_login(&nginx) == without_login(&ours)
        },
    },
    Rule {
        reason: "XCLIENT LOGIN is in xtext; nginx 1.22 sends it as it is",
        explains: |parting| {
            let (nginx, ours) = parting.heard();
            parting.at.peer == Peer::Backend
                && contains(&ours, b" LOGIN=")
                && unxtext(&ours) == nginx
        },
    },
    Rule {
        reason: "an untagged line before the reply to LOGIN is waited over; nginx 1.22 takes it for the reply",
        explains: |parting| {
            let told = parting.ours.said_in(parting.at.step, Peer::Backend);
            parting.talk.protocol == Protocol::Imap
                && parting.at.peer != Peer::Auth
                && contains(&told, b"* ")
                && parting.at_last_reply()
        },
    },
    Rule {
        reason: "clients of other protocols are turned away at once",
        explains: |parting| {
            let sent = parting.ours.said(parting.at.step, Peer::Client);
            let closed = parting.ours.of(parting.at.step, Peer::Client);
            closed.last() == Some(&What::Closed)
                && (sent.starts_with(b"GET / HTTP/1.0") || sent.starts_with(b"\x16\x03"))
        },
    },
    Rule {
        reason: "a command without a tag is none",
        explains: |parting| {
            parting.talk.protocol == Protocol::Imap
                && parting.client_reads_instead(b"* BAD invalid command\r\n")
                && parting.any_line(|line| line.starts_with(b" "))
        },
    },
    Rule {
        reason: "a quoted string that a line leaves open is over with its line",
        explains: |parting| {
            let (nginx, ours) = parting.heard();
            let differs = match parting.at.peer {
                Peer::Auth => without_login(&nginx) == without_login(&ours),
                Peer::Client => {
                    let invalid = b"BAD invalid command\r\n";
                    // or waits for the other quote
                    count(&nginx, invalid) != count(&ours, invalid) || ours.starts_with(&nginx)
                }
                Peer::Backend => false,
            };
            let odd = |line: &[u8]| count(line, b"\"") % 2 == 1;
            parting.talk.protocol == Protocol::Imap && differs && parting.any_line(odd)
        },
    },
    Rule {
        reason: "a user name that is no base64 is refused under the command's tag",
        explains: |parting| {
            let (nginx, ours) = parting.heard();
            let same = nginx
                .iter()
                .zip(&ours)
                .take_while(|(one, other)| one == other);
            let same = same.count();
            let tag = ours[same..]
                .strip_suffix(&nginx[same..])
                .unwrap_or_default();
            parting.talk.protocol == Protocol::Imap
                && parting.at.peer == Peer::Client
                && nginx[same..].starts_with(b"BAD invalid command\r\n")
                && tag.ends_with(b" ")
                && !tag.contains(&b'\n')
        },
    },
    Rule {
        reason: "row 3: {0} is an empty string",
        explains: |parting| {
            parting.talk.protocol == Protocol::Imap
                && parting.any_line(|line| {
                    [&b"{0}"[..], b"{}", b"{0+}", b"{+}"]
                        .iter()
                        .any(|end| line.ends_with(end))
                })
        },
    },
    Rule {
        reason: "row 25: who leaves during a login is noticed at once",
        explains: |parting| {
            let (nginx, ours) = parting.both();
            let left = parting.at.step > parting.talk.client.len()
                || parting.talk.client[..parting.at.step].last() == Some(&Act::HalfClose);
            let unheard = match parting.at.peer {
                Peer::Client => parting.ours.said_in(parting.at.step, Peer::Auth).is_empty(),
                Peer::Auth => false,
                Peer::Backend => nginx.is_empty(),
            };
            left && unheard && ours == [What::Closed]
        },
    },
];
