//! A place where portcullis and nginx part, as rules look at it.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::conversation::{Conversation, Protocol};
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

const INTERNAL_ERROR: &[u8] = b"* BAD internal server error\r\n";

impl Parting<'_> {
    /// nginx passes on, or is shocked by, what it took for the last reply to its login.
    pub fn at_last_reply(&self) -> bool {
        let nginx = self.nginx.heard(self.at.step, Peer::Client);
        nginx.ends_with(INTERNAL_ERROR)
            || self.configured("proxy_pass_error_message") && contains(&nginx, b"* ")
    }

    /// What nginx did there, and what portcullis did.
    pub fn both(&self) -> (Vec<What>, Vec<What>) {
        let Difference { step, peer } = self.at;
        (self.nginx.of(step, peer), self.ours.of(step, peer))
    }

    /// The bytes of that.
    pub fn heard(&self) -> (Vec<u8>, Vec<u8>) {
        let Difference { step, peer } = self.at;
        (self.nginx.heard(step, peer), self.ours.heard(step, peer))
    }

    /// The client reads this of portcullis, from the beginning of the line in which the transcripts part.
    pub fn client_reads_instead(&self, text: &[u8]) -> bool {
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
    pub fn is_invalid_to_us(&self) -> bool {
        let invalid: &[u8] = match self.talk.protocol {
            Protocol::Smtp => b"500 5.5.1 Invalid command\r\n",
            Protocol::Imap => b"BAD invalid command\r\n",
            Protocol::Pop3 => b"-ERR invalid command\r\n",
        };
        let (nginx, ours) = self.heard();
        self.at.peer == Peer::Client && count(&ours, invalid) > count(&nginx, invalid)
    }

    /// Whether nginx takes a login, or a password, that has CR, LF or NUL in it: it asks about it, or for the password.
    pub fn has_line_ends_in_login(&self) -> bool {
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

    /// How much the client sent in this step and the four before it: a line comes in four pieces at most. An answer to a challenge is longer than its name.
    pub fn recently_sent(&self) -> usize {
        let step = self.at.step;
        (step.saturating_sub(4)..=step)
            .map(|step| self.ours.said_in(step, Peer::Client))
            .map(|bytes| bytes.len() + 36 * count(&bytes, b"@CRAM("))
            .sum()
    }

    /// How much nginx takes at once.
    pub fn client_buffer(&self) -> usize {
        let mut sizes = self.talk.server.iter().filter_map(|line| {
            let (_, size) = line.split_once("client_buffer ")?;
            size.strip_suffix(';')?.parse().ok()
        });
        sizes.next().unwrap_or(match self.talk.protocol {
            Protocol::Pop3 => 128,
            Protocol::Smtp | Protocol::Imap => 4096,
        })
    }

    /// Whether the server's configuration has this in it.
    pub fn configured(&self, text: &str) -> bool {
        self.talk.server.iter().any(|line| line.contains(text))
    }

    /// Whether the client has sent such a line by then.
    pub fn any_line(&self, is_so: impl Fn(&[u8]) -> bool) -> bool {
        let sent = self.ours.said(self.at.step, Peer::Client);
        sent.split_inclusive(|&byte| byte == b'\n').any(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            is_so(line.strip_suffix(b"\r").unwrap_or(line))
        })
    }
}

pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

pub fn count(bytes: &[u8], part: &[u8]) -> usize {
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
pub fn without_login(question: &[u8]) -> Vec<u8> {
    let login = [&b"Auth-User: "[..], b"Auth-Pass: ", b"Auth-Salt: "];
    let lines = question.split_inclusive(|&byte| byte == b'\n');
    lines
        .filter(|line| !login.iter().any(|name| line.starts_with(name)))
        .flatten()
        .copied()
        .collect()
}

pub fn unxtext(bytes: &[u8]) -> Vec<u8> {
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
