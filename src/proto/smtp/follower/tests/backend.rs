//! A mail server that reads its client's bytes in one of the ways that mail servers do.

use std::mem;

/// How a server reads.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// What ends a line of a command.
    pub(super) lines: Lines,
    /// What ends a message besides CRLF dot CRLF.
    pub(super) ends: &'static [&'static [u8]],
    /// Announces CHUNKING, and reads BDAT.
    pub(super) chunking: bool,
    /// Octets after which a command line is cut, and its rest read as another.
    pub(super) limit: usize,
    /// Leaves out NUL.
    pub(super) strips_nul: bool,
    /// Answers an empty line.
    pub(super) answers_empty: bool,
    /// A lone dot right after DATA ends the message.
    pub(super) dot_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    Crlf,
    Lf,
    CrOrLf,
}

/// A server by the book that also takes LF for a line end, as most do.
pub(super) const USUAL: Manner = Manner {
    lines: Lines::Lf,
    ends: &[],
    chunking: true,
    limit: usize::MAX,
    strips_nul: false,
    answers_empty: true,
    dot_first: true,
};

enum Reading {
    Commands,
    Data,
    Chunk { left: usize },
    Sasl,
}

/// One connection to the server.
pub(super) struct Backend {
    manner: Manner,
    reading: Reading,
    /// Received and not yet understood.
    buffer: Vec<u8>,
    /// A message has ended in CR: LF after it belongs to the same line end.
    ended_in_cr: bool,
    /// The client has been told of CHUNKING: only then is BDAT read (Exim).
    offers_chunking: bool,
    /// Chooses replies.
    choice: u64,
    /// Guarded commands that it has read.
    pub(super) guarded: Vec<Vec<u8>>,
    /// All commands that it has read.
    pub(super) heard: Vec<Vec<u8>>,
    /// Ends of messages after DATA that it has seen.
    pub(super) ends: usize,
}

impl Backend {
    pub(super) fn new(manner: Manner, seed: u64) -> Self {
        Backend {
            reading: Reading::Commands,
            buffer: Vec::new(),
            ended_in_cr: false,
            offers_chunking: manner.chunking,
            manner,
            choice: seed,
            guarded: Vec::new(),
            heard: Vec::new(),
            ends: 0,
        }
    }

    /// Takes bytes; returns what it answers.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.buffer
            .extend(bytes.iter().filter(|b| **b != 0 || !self.manner.strips_nul));
        let mut out = Vec::new();
        loop {
            if self.ended_in_cr && !self.buffer.is_empty() {
                self.ended_in_cr = false;
                self.buffer.drain(..usize::from(self.buffer[0] == b'\n'));
            }
            match self.reading {
                Reading::Chunk { left } => {
                    let n = left.min(self.buffer.len());
                    self.buffer.drain(..n);
                    if n < left {
                        self.reading = Reading::Chunk { left: left - n };
                        return out;
                    }
                    self.reading = Reading::Commands;
                    out.extend(self.verdict("250 2.0.0 Ok chunk\r\n", "554 5.0.0 No chunk\r\n"));
                }
                Reading::Data => {
                    let Some(end) = self.end_of_data() else {
                        return out;
                    };
                    self.ends += 1;
                    self.ended_in_cr = self.buffer[end - 1] == b'\r';
                    self.buffer.drain(..end);
                    self.reading = Reading::Commands;
                    out.extend(self.verdict("250 2.0.0 Ok: queued as A1\r\n", "554 5.6.0 No\r\n"));
                }
                Reading::Commands | Reading::Sasl => {
                    let Some((line, length)) = self.line() else {
                        return out;
                    };
                    self.buffer.drain(..length);
                    out.extend(self.obey(&line));
                }
            }
        }
    }

    /// The first line without its end, and its length with it.
    fn line(&self) -> Option<(Vec<u8>, usize)> {
        let buffer = &self.buffer[..self.buffer.len().min(self.manner.limit)];
        let found = match self.manner.lines {
            Lines::Crlf => find(buffer, b"\r\n").map(|at| (at, at + 2)),
            Lines::Lf => find(buffer, b"\n").map(|at| (at, at + 1)),
            Lines::CrOrLf => {
                let at = buffer.iter().position(|b| matches!(b, b'\r' | b'\n'))?;
                // CRLF is one end; whether LF follows is only known with the next octet.
                match buffer[at..] {
                    [b'\r', b'\n', ..] => Some((at, at + 2)),
                    [b'\r'] => None,
                    _ => Some((at, at + 1)),
                }
            }
        };
        let cut = buffer.len() == self.manner.limit;
        let (end, length) = found.or(cut.then_some((buffer.len(), buffer.len())))?;
        Some((buffer[..end].to_vec(), length))
    }

    /// Where the message ends, by the earliest of the ends that this server knows.
    fn end_of_data(&self) -> Option<usize> {
        let first = |end: &[u8]| find(&self.buffer, end).map(|at| at + end.len());
        // The line end of DATA counts as the beginning of a line.
        let at_once = [&b".\r\n"[..], b".\n"].into_iter().find(|dot| {
            let known = *dot == b".\r\n" || self.manner.ends.contains(&&b"\r\n.\n"[..]);
            known && self.manner.dot_first && self.buffer.starts_with(dot)
        });
        let ends = self.manner.ends.iter().filter_map(|end| first(end));
        let all = ends
            .chain(first(b"\r\n.\r\n"))
            .chain(at_once.map(<[u8]>::len));
        all.min()
    }

    fn obey(&mut self, line: &[u8]) -> Vec<u8> {
        self.heard.push(line.to_vec());
        if let Reading::Sasl = mem::replace(&mut self.reading, Reading::Commands) {
            if self.number().is_multiple_of(3) {
                self.reading = Reading::Sasl;
                return b"334 bW9yZQ==\r\n".to_vec();
            }
            return self.verdict("235 2.7.0 Ok\r\n", "535 5.7.8 No\r\n");
        }
        let start = line.iter().position(|b| !matches!(b, 0..=b' ' | 0x7f..));
        let text = &line[start.unwrap_or(line.len())..];
        if text.is_empty() && !self.manner.answers_empty {
            return Vec::new();
        }
        let verb = text
            .split(|b| matches!(b, 0..=b' '))
            .next()
            .unwrap_or_default();
        let verb = String::from_utf8_lossy(verb).to_ascii_uppercase();
        match verb.as_str() {
            "XCLIENT" | "XFORWARD" | "STARTTLS" | "X-ANONYMOUSTLS" | "XPROXYFROM" => {
                self.guarded.push(line.to_vec());
                b"220 2.0.0 Welcome\r\n".to_vec()
            }
            "DATA" if !self.number().is_multiple_of(3) => {
                self.reading = Reading::Data;
                b"354 Go ahead\r\n".to_vec()
            }
            "DATA" => b"554 5.5.1 No valid recipients\r\n".to_vec(),
            "BDAT" if self.offers_chunking => {
                let size = text.split(|b| *b == b' ').nth(1).unwrap_or_default();
                // As sscanf("%u") reads it: what is no number is nothing, what is too large wraps.
                let digits = size.iter().take_while(|b| b.is_ascii_digit());
                let left = digits.fold(0_u32, |n, d| {
                    n.wrapping_mul(10).wrapping_add(u32::from(d - b'0'))
                });
                self.reading = Reading::Chunk {
                    left: left as usize,
                };
                Vec::new()
            }
            "BDAT" => b"503 5.5.1 CHUNKING was not advertised\r\n".to_vec(),
            "AUTH" if self.number().is_multiple_of(2) => {
                self.reading = Reading::Sasl;
                b"334 \r\n".to_vec()
            }
            "AUTH" => b"503 5.5.1 Already authenticated\r\n".to_vec(),
            "EHLO" if self.manner.chunking => {
                self.offers_chunking = true;
                b"250-b.test\r\n250-SIZE 100\r\n250 CHUNKING\r\n".to_vec()
            }
            "EHLO" => b"250-b.test\r\n250 SIZE 100\r\n".to_vec(),
            "HELO" => {
                self.offers_chunking = false;
                b"250 b.test\r\n".to_vec()
            }
            "MAIL" | "RCPT" | "RSET" | "NOOP" => {
                self.verdict("250 2.0.0 Ok\r\n", "450 4.0.0 Not now\r\n")
            }
            "QUIT" => b"221 2.0.0 Bye\r\n".to_vec(),
            _ => b"500-5.5.2 What?\r\n500 5.5.2 Error\r\n".to_vec(),
        }
    }

    fn verdict(&mut self, yes: &str, no: &str) -> Vec<u8> {
        let text = if self.number().is_multiple_of(4) {
            no
        } else {
            yes
        };
        text.as_bytes().to_vec()
    }

    fn number(&mut self) -> u64 {
        self.choice = self
            .choice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.choice >> 33
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
