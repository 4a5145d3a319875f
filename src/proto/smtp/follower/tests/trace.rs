//! Recorded sessions in `cases/`: each is played whole, byte by byte, and in random cuts.
//!
//! Lines, in the order of time:
//! - `C:` the client sends, and it goes to the backend; `D:` the client sends, and it does not;
//! - `S:` the backend sends, and it goes to the client;
//! - `G:` the gateway answers for the backend; `X:` the session is closed for this reason; `?:` the ambiguity at the end;
//! - `W:` with all before, the follower waits for the backend;
//! - `M:` a message, in the order in which they end; `#` a comment.
//!
//! An empty line: what follows is only sent when all before has arrived.
//! A line ends in CRLF unless it ends in `\`. `\r`, `\n`, `\0`, `\t` are octets, `{a*600}` is a repetition.
//! `I:` octets that the gateway sends to the backend in the place of others.
//! The first lines may be `no chunking` and a policy: `newlines reject`.

use std::fmt::Write as _;
use std::path::Path as File;

use super::{Numbers, Tunnel};
use crate::config::BareNewlines;
use crate::proto::smtp::follower::{Answer, Follower, Messages, Outcome, Then, Transfer};

#[derive(Default)]
struct Trace {
    chunking: bool,
    newlines: BareNewlines,
    /// Who speaks, and what.
    turns: Vec<(char, Vec<u8>)>,
    to_backend: Vec<u8>,
    to_client: Vec<u8>,
    closed: Option<String>,
    ambiguity: Option<String>,
    messages: String,
}

impl Trace {
    fn parse(text: &str) -> Self {
        let mut trace = Trace {
            chunking: true,
            ..Trace::default()
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if line.is_empty() {
                trace.turns.push(('-', Vec::new()));
                continue;
            }
            if line == "no chunking" {
                trace.chunking = false;
                continue;
            }
            if let Some(policy) = line.strip_prefix("newlines ") {
                trace.newlines = match policy {
                    "reject" => BareNewlines::Reject,
                    "normalize" => BareNewlines::Normalize,
                    _ => panic!("{policy}"),
                };
                continue;
            }
            let (kind, rest) = line.split_once(':').expect("a kind");
            let rest = rest.strip_prefix(' ').unwrap_or(rest);
            match kind {
                "X" => trace.closed = Some(rest.to_owned()),
                "?" => trace.ambiguity = Some(rest.to_owned()),
                "M" => writeln!(trace.messages, "{rest}").expect("a string"),
                "W" => trace.turns.push(('W', Vec::new())),
                _ => trace.turn(kind, octets(rest)),
            }
        }
        trace
    }

    fn turn(&mut self, kind: &str, bytes: Vec<u8>) {
        let speaker = match kind {
            "C" | "D" => 'C',
            "S" => 'S',
            "G" => 'G',
            "I" => 'I',
            _ => panic!("{kind}"),
        };
        match kind {
            "C" | "I" => self.to_backend.extend_from_slice(&bytes),
            "S" | "G" => self.to_client.extend_from_slice(&bytes),
            _ => {}
        }
        match self.turns.last_mut() {
            Some((last, all)) if *last == speaker => all.extend(bytes),
            _ => self.turns.push((speaker, bytes)),
        }
    }

    /// Plays it, each turn cut where `cut` says; `None`: whole.
    fn play(&self, name: &str, mut cut: impl FnMut(usize) -> usize) {
        let mut tunnel = Tunnel::new(self.chunking, Messages::default());
        if self.newlines != BareNewlines::Pass {
            tunnel.follower = Follower::new(self.chunking).screen(self.newlines, None);
        }
        for (speaker, bytes) in &self.turns {
            if *speaker == 'W' {
                assert_eq!(tunnel.then, Then::Wait, "{name}");
                continue;
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let n = cut(rest.len());
                match speaker {
                    'C' => tunnel.client_says(&rest[..n]),
                    'S' => tunnel.backend_says(&rest[..n]),
                    _ => {}
                }
                rest = &rest[n..];
            }
        }
        tunnel.ended();
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string().replace("\\n", "\\n\n");
        assert_eq!(
            shown(&tunnel.to_backend),
            shown(&self.to_backend),
            "{name}: to the backend"
        );
        assert_eq!(
            shown(&tunnel.to_client),
            shown(&self.to_client),
            "{name}: to the client"
        );
        let closed = tunnel.closed().map(|fault| format!("{fault:?}"));
        assert_eq!(closed, self.closed, "{name}");
        let ambiguity = tunnel
            .follower
            .ambiguity()
            .map(|ambiguity| format!("{ambiguity:?}"));
        assert_eq!(ambiguity, self.ambiguity, "{name}");
        assert_eq!(told(&mut tunnel.observer), self.messages, "{name}");
    }
}

/// The octets that a line of a trace stands for.
fn octets(line: &str) -> Vec<u8> {
    let (line, end) = match line.strip_suffix('\\') {
        Some(line) => (line, ""),
        None => (line, "\r\n"),
    };
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        let (inner, after) = after.split_once('}').expect("a closing brace");
        let (what, times) = inner.split_once('*').expect("a repetition");
        text += before;
        text += &what.repeat(times.parse().expect("a number"));
        rest = after;
    }
    text += rest;
    for (written, meant) in [("\\r", "\r"), ("\\n", "\n"), ("\\0", "\0"), ("\\t", "\t")] {
        text = text.replace(written, meant);
    }
    (text + end).into_bytes()
}

/// All messages, one a line.
fn told(messages: &mut Messages) -> String {
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut all = String::new();
    while let Some(message) = messages.take() {
        let recipients = message.recipients.iter().map(|r| {
            let code = r.code.map_or("-".to_owned(), |code| code.to_string());
            format!("{}={code}", show(&r.address))
        });
        write!(
            all,
            "<{}> to {} ({}/{})",
            show(&message.sender),
            recipients.collect::<Vec<_>>().join(","),
            message.accepted,
            message.offered
        )
        .expect("a string");
        match message.transfer {
            Transfer::None => {}
            Transfer::Data => write!(all, " data {}", message.octets).expect("a string"),
            Transfer::Chunks(n) => {
                write!(all, " bdat {n} {}", message.octets).expect("a string");
            }
        }
        if message.smtputf8 {
            all += " utf8";
        }
        if let Some(found) = message.bare_newline {
            write!(all, " bare {:?} at {}", found.half, found.offset).expect("a string");
        }
        let answer = |kind: &str, answer: &Answer| {
            format!(
                "{kind} {} {} {}",
                answer.code,
                answer.enhanced().map_or("-".to_owned(), show),
                answer.queue_id().map_or("-".to_owned(), show)
            )
        };
        let outcome = match &message.outcome {
            Outcome::Answered(it) => answer("answered", it),
            Outcome::Refused(it) => answer("refused", it),
            other => format!("{other:?}"),
        };
        writeln!(all, ": {outcome}").expect("a string");
    }
    all
}

#[test]
fn traces() {
    let folder = File::new(env!("CARGO_MANIFEST_DIR")).join("src/proto/smtp/follower/tests/cases");
    let mut numbers = Numbers(11);
    let mut played = 0;
    for entry in std::fs::read_dir(folder).expect("the cases") {
        let path = entry.expect("a case").path();
        let name = path.display().to_string();
        let trace = Trace::parse(&std::fs::read_to_string(&path).expect("a case"));
        trace.play(&format!("{name}, whole"), |n| n);
        trace.play(&format!("{name}, by byte"), |_| 1);
        for round in 0..8 {
            trace.play(&format!("{name}, cuts {round}"), |n| {
                1 + numbers.below(n.min(40))
            });
        }
        played += 1;
    }
    assert!(played > 25, "{played}");
}
