//! Known departures: which entry of the table of departures explains a difference.
//!
//! A rule looks at the first place where two transcripts part, and says yes only to what it names.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::conversation::{Act, Conversation, Protocol};
use super::transcript::{Difference, Transcript, What};
use crate::case::Peer;

/// A place where portcullis and nginx part.
#[derive(Debug)]
pub struct Parting<'a> {
    pub talk: &'a Conversation,
    pub nginx: &'a Transcript,
    pub ours: &'a Transcript,
    pub at: Difference,
}

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
            let step = parting.at.step;
            let recent = (step.saturating_sub(2)..=step)
                .map(|step| parting.ours.said_in(step, Peer::Client).len())
                .sum::<usize>();
            parting.at.peer == Peer::Client
                && nginx.last() == Some(&What::Closed)
                && ours.last() != Some(&What::Closed)
                && recent >= parting.client_buffer()
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
                && parting.at.peer == Peer::Client
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
                    count(&nginx, invalid) != count(&ours, invalid)
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
            let same = nginx.iter().rev().zip(ours.iter().rev());
            let same = same.take_while(|(one, other)| one == other).count();
            parting.talk.protocol == Protocol::Imap
                && parting.at.peer == Peer::Client
                && nginx.ends_with(b"BAD invalid command\r\n")
                && ours.len() > nginx.len()
                && ours[..ours.len() - same].ends_with(b" ")
                && same == nginx.len()
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
            left && parting.at.peer == Peer::Backend && ours == [What::Closed] && nginx.is_empty()
        },
    },
];

const INTERNAL_ERROR: &[u8] = b"* BAD internal server error\r\n";

impl Parting<'_> {
    /// nginx passes on, or is shocked by, what it took for the last reply to its login.
    fn at_last_reply(&self) -> bool {
        let nginx = self.nginx.heard(self.at.step, Peer::Client);
        nginx.ends_with(INTERNAL_ERROR)
            || self.configured("proxy_pass_error_message") && contains(&nginx, b"* ")
    }

    /// What nginx did there, and what portcullis did.
    fn both(&self) -> (Vec<What>, Vec<What>) {
        let Difference { step, peer } = self.at;
        (self.nginx.of(step, peer), self.ours.of(step, peer))
    }

    /// The bytes of that.
    fn heard(&self) -> (Vec<u8>, Vec<u8>) {
        let Difference { step, peer } = self.at;
        (self.nginx.heard(step, peer), self.ours.heard(step, peer))
    }

    /// The client reads this of portcullis, from the beginning of the line in which the transcripts part.
    fn client_reads_instead(&self, text: &[u8]) -> bool {
        let (nginx, ours) = self.heard();
        let same = nginx
            .iter()
            .zip(&ours)
            .take_while(|(one, other)| one == other);
        let same = same.count();
        let line = ours[..same].iter().rposition(|&byte| byte == b'\n');
        self.at.peer == Peer::Client && ours[line.map_or(0, |at| at + 1)..].starts_with(text)
    }

    /// Whether the client hears of portcullis, and not of nginx, that the command is invalid.
    fn is_invalid_to_us(&self) -> bool {
        let invalid: &[u8] = match self.talk.protocol {
            Protocol::Smtp => b"500 5.5.1 Invalid command\r\n",
            Protocol::Imap => b"BAD invalid command\r\n",
            Protocol::Pop3 => b"-ERR invalid command\r\n",
        };
        let (nginx, ours) = self.heard();
        self.at.peer == Peer::Client && count(&ours, invalid) > count(&nginx, invalid)
    }

    /// Whether nginx takes a login, or a password, that has CR, LF or NUL in it: it asks about it, or for the password.
    fn has_line_ends_in_login(&self) -> bool {
        let asked = self.nginx.heard(self.at.step, Peer::Auth);
        let in_question = asked.split(|&byte| byte == b'\n').any(|line| {
            (line.starts_with(b"Auth-User: ") || line.starts_with(b"Auth-Pass: "))
                && [&b"%00"[..], b"%0A", b"%0D"]
                    .iter()
                    .any(|code| contains(line, code))
        });
        let next = contains(&self.heard().0, b"UGFzc3dvcmQ6\r\n");
        in_question
            || next
                && self.any_line(|line| {
                    line.split(|&byte| byte == b' ')
                        .any(|word| decoded(word).iter().any(|byte| b"\r\n\0".contains(byte)))
                })
    }

    /// How much nginx takes at once.
    fn client_buffer(&self) -> usize {
        let sizes = self.talk.server.iter().filter_map(|line| {
            let (_, size) = line.split_once("client_buffer ")?;
            size.strip_suffix(';')?.parse().ok()
        });
        sizes.last().unwrap_or(match self.talk.protocol {
            Protocol::Pop3 => 128,
            Protocol::Smtp | Protocol::Imap => 4096,
        })
    }

    /// Whether the server's configuration has this in it.
    fn configured(&self, text: &str) -> bool {
        self.talk.server.iter().any(|line| line.contains(text))
    }

    /// Whether the client has sent such a line by then.
    fn any_line(&self, is_so: impl Fn(&[u8]) -> bool) -> bool {
        let sent = self.ours.said(self.at.step, Peer::Client);
        sent.split_inclusive(|&byte| byte == b'\n').any(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            is_so(line.strip_suffix(b"\r").unwrap_or(line))
        })
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .filter(|window| *window == part)
        .count()
}

/// Base64 as nginx takes it: up to the first `=`; nothing if it is none.
fn decoded(text: &[u8]) -> Vec<u8> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let text = text.split(|&byte| byte == b'=').next().unwrap_or_default();
    LENIENT.decode(text).unwrap_or_default()
}

/// A question to the auth server, less what it says of the login.
fn without_login(question: &[u8]) -> Vec<u8> {
    let login = [&b"Auth-User: "[..], b"Auth-Pass: ", b"Auth-Salt: "];
    let lines = question.split_inclusive(|&byte| byte == b'\n');
    lines
        .filter(|line| !login.iter().any(|name| line.starts_with(name)))
        .flatten()
        .copied()
        .collect()
}

fn unxtext(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(code) if byte == b'+' => {
                out.push(code);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}
