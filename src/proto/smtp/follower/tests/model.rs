//! The follower's rules once more, slowly: the whole of what a client sends, one command after the other, each with its reply
//! before the next. There are no packets, no pipelining and nothing to wait for.

use std::ops::Range;

use super::backend::Backend;
use crate::proto::smtp::follower::{Fault, Refusal};

/// What passes.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) to_backend: Vec<u8>,
    pub(super) to_client: Vec<u8>,
    pub(super) closed: Option<Fault>,
    /// From this octet to the backend on, nothing passes that could be a guarded command.
    ambiguity: Option<usize>,
    /// Which octets to the backend are no commands.
    contents: Vec<Range<usize>>,
}

enum Class {
    Refuse(Refusal),
    InvalidBdat,
    Chunk(usize),
    Pass(String),
}

/// Plays what a client sends.
pub(super) fn play(client: &[u8], mut chunking: bool, backend: &mut Backend) -> Passed {
    let mut passed = Passed::default();
    let mut rest = client;
    while let Some(line) = take_line(&mut rest) {
        match verdict(line) {
            Class::Refuse(refusal) => passed.to_client.extend(refusal.reply()),
            Class::InvalidBdat => {
                passed.closed = Some(Fault::InvalidBdat);
                break;
            }
            Class::Chunk(size) if !chunking => {
                if rest.len() < size {
                    break;
                }
                rest = &rest[size..];
                passed.to_client.extend(Refusal::Chunking.reply());
            }
            Class::Chunk(size) => {
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                passed.say(line, backend);
                passed.say_content(chunk, backend);
                rest = after;
            }
            Class::Pass(verb) => {
                passed.note_ambiguity(line);
                let reply = passed.say(line, backend);
                match (verb.as_str(), reply.first()) {
                    ("DATA", Some(b'3')) => passed.content(&mut rest, backend),
                    ("AUTH", Some(b'3')) => passed.dialogue(&mut rest, backend),
                    ("EHLO" | "HELO", _) => chunking = reply.ends_with(b"250 CHUNKING\r\n"),
                    ("QUIT", Some(b'2')) => break,
                    _ => {}
                }
            }
        }
        if passed.closed.is_some() {
            break;
        }
    }
    passed.close_at_guarded_verb();
    passed
}

impl Passed {
    fn say(&mut self, bytes: &[u8], backend: &mut Backend) -> Vec<u8> {
        self.to_backend.extend(bytes);
        let reply = backend.receive(bytes);
        self.to_client.extend(&reply);
        reply
    }

    fn say_content(&mut self, bytes: &[u8], backend: &mut Backend) -> Vec<u8> {
        let start = self.to_backend.len();
        self.contents.push(start..start + bytes.len());
        self.say(bytes, backend)
    }

    fn note_ambiguity(&mut self, line: &[u8]) {
        if line.ends_with(b"\r\r\n") || line.trim_ascii_end().len() > 500 {
            let end = self.to_backend.len() + line.len();
            self.ambiguity.get_or_insert(end);
        }
    }

    fn content(&mut self, rest: &mut &[u8], backend: &mut Backend) {
        let framed = [b"\r\n", *rest].concat();
        let end = framed.windows(5).position(|w| w == b"\r\n.\r\n");
        let length = end.map_or(rest.len(), |at| at + 3);
        if let Some(at) = first_ambiguous_end(&rest[..length], end.is_some()) {
            self.ambiguity.get_or_insert(self.to_backend.len() + at);
        }
        self.say_content(&rest[..length], backend);
        *rest = &rest[length..];
    }

    fn dialogue(&mut self, rest: &mut &[u8], backend: &mut Backend) {
        while let Some(line) = take_line(rest) {
            let text = text_of(line);
            if text.contains(['\r', '\0']) {
                self.closed = Some(Fault::InvalidResponse);
                return;
            }
            self.note_ambiguity(line);
            if self.say_content(line, backend)[0] != b'3' {
                return;
            }
        }
    }

    /// Looks for guarded verbs in what passed since: as the first word of a line, and after BDAT in a message anywhere.
    fn close_at_guarded_verb(&mut self) {
        let Some(ambiguity) = self.ambiguity else {
            return;
        };
        let mut word = String::new();
        let (mut start, mut first, mut anywhere) = (ambiguity, true, false);
        for at in ambiguity..self.to_backend.len() {
            match char::from(self.to_backend[at]) {
                '\r' | '\n' => (word, first, start) = (String::new(), true, at + 1),
                ' ' | '\t' | '\x0b' | '\x0c' => {
                    let in_content = self.contents.iter().any(|part| part.contains(&start));
                    anywhere |= in_content && first && word == "BDAT";
                    first &= word.is_empty();
                    word = String::new();
                }
                octet @ '!'..='~' => word.push(octet.to_ascii_uppercase()),
                _ => {}
            }
            let hidden = HIDDEN
                .iter()
                .any(|verb| (first && word == *verb) || (anywhere && word.ends_with(verb)));
            if hidden {
                self.to_backend.truncate(at);
                self.closed = Some(Fault::SmuggledCommand);
                return;
            }
        }
    }
}

const HIDDEN: [&str; 6] = [
    "XCLIENT",
    "XFORWARD",
    "XPROXYFROM",
    "STARTTLS",
    "X-ANONYMOUSTLS",
    "XEXCH50",
];

fn verdict(line: &[u8]) -> Class {
    let blanks = [' ', '\t', '\x0b', '\x0c'];
    let text = text_of(line);
    let word = text
        .trim_start_matches(blanks)
        .split(blanks)
        .next()
        .unwrap_or_default();
    let word = word.to_ascii_uppercase();
    let is_odd = |c: char| !('!'..='~').contains(&c);
    if text.contains(['\r', '\0']) || word.is_empty() || word.contains(is_odd) {
        return Class::Refuse(Refusal::Invalid);
    }
    let begins = |words: &[&str]| words.iter().any(|w| word.starts_with(w));
    if begins(&["XCLIENT", "XFORWARD", "XPROXYFROM"]) {
        return Class::Refuse(Refusal::ProxyCommand);
    }
    if begins(&["STARTTLS", "X-ANONYMOUSTLS"]) {
        return Class::Refuse(Refusal::StartTls);
    }
    if begins(&["TURN", "ATRN", "XEXCH50"]) {
        return Class::Refuse(Refusal::NotImplemented);
    }
    if word == "BDAT" {
        let words: Vec<_> = text.split(' ').map(str::to_ascii_uppercase).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let (["BDAT", size] | ["BDAT", size, "LAST"]) = words[..] else {
            return Class::InvalidBdat;
        };
        let parsed: Option<i32> = size.parse().ok();
        return match parsed {
            Some(n)
                if n.to_string() == size && n >= 0 && line == format!("{text}\r\n").as_bytes() =>
            {
                Class::Chunk(n as usize)
            }
            _ => Class::InvalidBdat,
        };
    }
    if begins(&["BDAT"]) {
        return Class::Refuse(Refusal::Invalid);
    }
    Class::Pass(word)
}

/// Just after the first place where some server might see the end of the message, and octets follow.
fn first_ambiguous_end(content: &[u8], ends: bool) -> Option<usize> {
    let whole = if ends {
        content.len() - 3
    } else {
        content.len()
    };
    let is_end = |at: &usize| {
        let mut before = content[..*at].iter().rev().skip_while(|b| **b == 0);
        content[*at] == b'.' && matches!(before.next(), None | Some(b'\r' | b'\n'))
    };
    let dots = (0..whole).filter(is_end);
    let after = dots.filter_map(|dot| {
        let mut at = dot + 1;
        while matches!(content.get(at), Some(b) if (*b <= b' ' && *b != b'\r' && *b != b'\n') || *b == 0x7f) {
            at += 1;
        }
        match content.get(at)? {
            b'\n' => Some(at + 1),
            b'\r' => {
                while content.get(at) == Some(&b'\r') {
                    at += 1;
                }
                Some(at + usize::from(content.get(at) == Some(&b'\n')))
            }
            _ => None,
        }
    });
    after.min().filter(|at| *at < content.len())
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|b| *b == b'\n')? + 1;
    let (line, after) = rest.split_at(end);
    *rest = after;
    Some(line)
}

/// A line without its end, whatever that is.
fn text_of(line: &[u8]) -> String {
    let text = latin1(line);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    text.trim_end_matches('\r').to_owned()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}
