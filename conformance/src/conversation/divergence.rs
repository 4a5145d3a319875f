//! The first difference between nginx and portcullis, with the predicates that rules use.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use portcullis::base::Protocol;

use super::script::Script;
use super::transcript::{Difference, Event, Transcript};
use crate::case::Peer;

/// The first difference of two transcripts.
#[derive(Debug)]
pub struct Divergence<'a> {
    pub script: &'a Script,
    pub nginx: &'a Transcript,
    pub portcullis: &'a Transcript,
    pub at: Difference,
}

const INTERNAL_ERROR: &[u8] = b"* BAD internal server error\r\n";

impl Divergence<'_> {
    /// nginx took an untagged line for the reply to LOGIN: it passes the line on, or fails.
    pub fn untagged_line_ended_login(&self) -> bool {
        let nginx = self.nginx.received(self.at.step, Peer::Client);
        nginx.ends_with(INTERNAL_ERROR)
            || self.is_configured("proxy_pass_error_message") && contains(&nginx, b"* ")
    }

    /// What nginx did in this step, and what portcullis did.
    pub fn effects(&self) -> (Vec<Event>, Vec<Event>) {
        let Difference { step, peer } = self.at;
        (
            self.nginx.effects(step, peer),
            self.portcullis.effects(step, peer),
        )
    }

    /// The bytes that the peer received from nginx, and from portcullis.
    pub fn received(&self) -> (Vec<u8>, Vec<u8>) {
        let Difference { step, peer } = self.at;
        (
            self.nginx.received(step, peer),
            self.portcullis.received(step, peer),
        )
    }

    /// Whether the line of portcullis in which the difference begins starts with this text, for the client.
    pub fn client_reads_instead(&self, text: &[u8]) -> bool {
        let (nginx, portcullis) = self.received();
        let same = nginx
            .iter()
            .zip(&portcullis)
            .take_while(|(one, other)| one == other);
        let same = same.count();
        let line = portcullis[..same].iter().rposition(|&byte| byte == b'\n');
        self.at.peer == Peer::Client && portcullis[line.map_or(0, |at| at + 1)..].starts_with(text)
    }

    /// Whether only portcullis replies that the command is invalid.
    pub fn is_invalid_for_portcullis(&self) -> bool {
        let invalid: &[u8] = match self.script.protocol {
            Protocol::Smtp => b"500 5.5.1 Invalid command\r\n",
            Protocol::Imap => b"BAD invalid command\r\n",
            Protocol::Pop3 => b"-ERR invalid command\r\n",
            Protocol::Sieve => b"NO \"invalid command\"\r\n",
        };
        let (nginx, portcullis) = self.received();
        self.at.peer == Peer::Client && count(&portcullis, invalid) > count(&nginx, invalid)
    }

    /// Whether nginx accepts a user name or a password with CR, LF or NUL: it sends a request, or asks for the password.
    pub fn has_control_bytes_in_login(&self) -> bool {
        let request = self.nginx.received(self.at.step, Peer::Auth);
        let in_request = request.split(|&byte| byte == b'\n').any(|line| {
            (line.starts_with(b"Auth-User: ") || line.starts_with(b"Auth-Pass: "))
                && [&b"%00"[..], b"%0A", b"%0D"]
                    .iter()
                    .any(|code| contains(line, code))
        });
        let asks_password = contains(&self.received().0, b"UGFzc3dvcmQ6\r\n");
        in_request
            || asks_password
                && self.any_line(|line| {
                    line.split(|&byte| byte == b' ')
                        .any(|word| decoded(word).iter().any(|byte| b"\r\n\0".contains(byte)))
                })
    }

    /// The number of bytes that the client sent in this step and the four before: a line has at most four pieces. A response to a
    /// challenge is longer than its placeholder.
    pub fn recently_sent(&self) -> usize {
        let step = self.at.step;
        (step.saturating_sub(4)..=step)
            .map(|step| self.portcullis.sent_in(step, Peer::Client))
            .map(|bytes| bytes.len() + 36 * count(&bytes, b"@CRAM("))
            .sum()
    }

    /// The size of nginx's buffer for the client.
    pub fn client_buffer(&self) -> usize {
        let mut sizes = self.script.server.iter().filter_map(|line| {
            let (_, size) = line.split_once("client_buffer ")?;
            size.strip_suffix(';')?.parse().ok()
        });
        sizes.next().unwrap_or(match self.script.protocol {
            Protocol::Pop3 => 128,
            Protocol::Smtp | Protocol::Imap | Protocol::Sieve => 4096,
        })
    }

    /// Whether a line of the server's configuration contains this text.
    pub fn is_configured(&self, text: &str) -> bool {
        self.script.server.iter().any(|line| line.contains(text))
    }

    /// Whether the client has sent a line for which the predicate holds.
    pub fn any_line(&self, predicate: impl Fn(&[u8]) -> bool) -> bool {
        let sent = self.portcullis.sent(self.at.step, Peer::Client);
        sent.split_inclusive(|&byte| byte == b'\n').any(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            predicate(line.strip_suffix(b"\r").unwrap_or(line))
        })
    }
}

/// Whether `part` occurs in `bytes`.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The number of occurrences of `part`.
pub fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .filter(|window| *window == part)
        .count()
}

/// Decodes base64 as nginx does: up to the first `=`. Invalid text decodes to nothing.
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

/// A request to the auth server without the header lines about user and password.
pub fn without_login(request: &[u8]) -> Vec<u8> {
    let login = [&b"Auth-User: "[..], b"Auth-Pass: ", b"Auth-Salt: "];
    let lines = request.split_inclusive(|&byte| byte == b'\n');
    lines
        .filter(|line| !login.iter().any(|name| line.starts_with(name)))
        .flatten()
        .copied()
        .collect()
}

/// Decodes xtext (RFC 3461, section 4).
pub fn decode_xtext(bytes: &[u8]) -> Vec<u8> {
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
