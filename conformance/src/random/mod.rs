//! Configurations that chance writes, asked of nginx and of portcullis. Both must say the same, or a rule of the ledger says why not.

mod dice;
mod listen;
mod shrink;
mod tree;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::conf_case::{Verdict, answer};
use crate::gateway::Program;
use crate::ledger::Ledger;
use crate::place::{Place, SLOTS};
use crate::values::Values;
use dice::Dice;
use tree::{Node, Seedbed};
use write::Hand;

/// The files of one configuration, the main one first, and the text of `-g`. `@ROOT@` and `@IP@` are not filled in yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    globals: String,
    files: Vec<(&'static str, Vec<u8>)>,
}

/// How much of a long line people are shown.
const LONGEST_SHOWN: usize = 300;
const FILES: [&str; 5] = ["case.conf", "a.conf", "b.conf", "d/1.conf", "d/2.conf"];

impl Sample {
    fn grow(bed: &Seedbed, dice: &mut Dice) -> Self {
        if dice.chance(300) {
            let files = vec![("case.conf", bed.alone(dice).into_bytes())];
            return Self {
                globals: String::new(),
                files,
            };
        }
        let wild = *dice.pick(&[0, 0, 0, 20, 20, 50, 150]);
        let mut main = bed.main(dice, wild);
        let mut files = Vec::new();
        for _ in 0..[0, 0, 0, 1, 2][dice.below(5)] {
            tree::cut_out(dice, &mut main, &mut files);
        }
        let globals = if dice.chance(150) {
            bed.globals(dice, wild)
        } else {
            Vec::new()
        };
        let mut sample = Self {
            globals: String::from_utf8_lossy(&written(dice, &globals))
                .trim()
                .replace('\0', ""),
            files: Vec::new(),
        };
        files.insert(0, ("case.conf", main));
        for (name, nodes) in files {
            let text = written(dice, &nodes);
            match sample.files.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.extend(text),
                None => sample.files.push((name, text)),
            }
        }
        for (_, text) in &mut sample.files {
            if dice.chance(30) {
                write::lengthen(dice, text);
            }
            if dice.chance(80) {
                write::spoil(dice, text);
            }
            if dice.chance(8) {
                text.splice(..0, *b"\xef\xbb\xbf");
            }
        }
        sample
    }

    fn put(&self, place: &Place) -> std::io::Result<()> {
        fs::create_dir_all(place.root.join("d"))?;
        for name in FILES {
            let path = place.root.join(name);
            match self.files.iter().find(|(known, _)| *known == name) {
                Some((_, text)) => fs::write(path, filled(text, place))?,
                None if path.exists() => fs::remove_file(path)?,
                None => {}
            }
        }
        Ok(())
    }

    fn shown(&self) -> String {
        let mut text = String::new();
        if !self.globals.is_empty() {
            let _ = writeln!(text, "-g {}", self.globals);
        }
        for (name, bytes) in &self.files {
            let _ = writeln!(text, "--- {name}");
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                let line = line.escape_ascii().to_string();
                let line = line.replace("\\\"", "\"").replace("\\'", "'");
                let _ = match line.char_indices().nth(LONGEST_SHOWN) {
                    Some((at, _)) => writeln!(text, "{}… ({} bytes)", &line[..at], line.len()),
                    None => writeln!(text, "{line}"),
                };
            }
        }
        text
    }
}

fn written(dice: &mut Dice, nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::new();
    Hand::any(dice).write(dice, nodes, 0, &mut out);
    out
}

fn filled(text: &[u8], place: &Place) -> Vec<u8> {
    let text: String = text.iter().copied().map(char::from).collect();
    let text = text
        .replace("@ROOT@", &place.root_text())
        .replace("@IP@", &place.address.to_string());
    text.chars()
        .map(|sign| u8::try_from(sign).unwrap_or(b'?'))
        .collect()
}

/// What both say of a sample.
#[derive(Debug, PartialEq, Eq)]
enum Comparison {
    /// Both accept it.
    Accepted,
    /// Both refuse it with the same first message.
    Refused,
    /// They differ, and the rule with this reason says so.
    Known(String),
    /// They differ: the kinds of their messages, by which one difference is told from another, and what they say.
    Differs(String, String),
}

/// nginx, portcullis and what is known about them.
#[derive(Debug)]
pub struct Contest {
    nginx: Program,
    ours: Program,
    ledger: Ledger,
    bed: Seedbed,
    ignored: Vec<String>,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Outcome {
    accepted: usize,
    refused: usize,
    known: BTreeMap<String, usize>,
    /// Each with the shrunk configuration.
    pub differences: Vec<String>,
}

impl Contest {
    /// Between the two programs.
    ///
    /// # Errors
    /// When the ledger or the values cannot be read.
    pub fn new(nginx: Program, ours: Program) -> Result<Self, String> {
        let ledger = Ledger::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("departures.toml"))?;
        let bed = Seedbed::new(&Values::ours()?, |name| ledger.unknown_to_nginx(name));
        let ignored = ledger.ignored_in_generated();
        Ok(Self {
            nginx,
            ours,
            ledger,
            bed,
            ignored,
        })
    }

    /// Compares `count` configurations of a seed.
    ///
    /// # Errors
    /// When a program cannot be run.
    pub fn run(&self, seed: u64, count: u64) -> Result<Outcome, String> {
        let next = AtomicU64::new(0);
        let outcome = Mutex::new(Outcome::default());
        let work = |slot| -> Result<(), String> {
            let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("pki");
            let place = Place::new(slot, &pki).map_err(|error| error.to_string())?;
            loop {
                let round = next.fetch_add(1, Ordering::Relaxed);
                if round >= count {
                    return Ok(());
                }
                let sample = Sample::grow(&self.bed, &mut Dice::new(seed, round));
                let comparison = self.compare(&sample, &place)?;
                let shown = match &comparison {
                    Comparison::Differs(kind, _) => {
                        let shrunk = self.shrunk(sample, kind, &place)?;
                        format!(
                            "seed {seed}, round {round}:
{shrunk}"
                        )
                    }
                    _ => String::new(),
                };
                let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                match comparison {
                    Comparison::Accepted => outcome.accepted += 1,
                    Comparison::Refused => outcome.refused += 1,
                    Comparison::Known(reason) => *outcome.known.entry(reason).or_default() += 1,
                    Comparison::Differs(..) => outcome.differences.push(shown),
                }
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..SLOTS)
                .map(|slot| scope.spawn(move || work(slot)))
                .collect();
            threads.into_iter().try_for_each(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a thread panicked".into()))
            })
        })?;
        Ok(outcome.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn shrunk(&self, sample: Sample, kind: &str, place: &Place) -> Result<String, String> {
        let least = shrink::shrink(sample, |sample| {
            Ok(matches!(self.compare(sample, place)?, Comparison::Differs(this, _) if this == kind))
        })?;
        match self.compare(&least, place)? {
            Comparison::Differs(_, how) => Ok(format!("{}{how}\n", least.shown())),
            other => Ok(format!("{}it comes and goes: {other:?}\n", least.shown())),
        }
    }

    fn compare(&self, sample: &Sample, place: &Place) -> Result<Comparison, String> {
        sample.put(place).map_err(|error| error.to_string())?;
        let like = Verdict {
            globals: Some(
                String::from_utf8_lossy(&filled(sample.globals.as_bytes(), place)).into_owned(),
            ),
            own_pid: sample.globals.contains("pid")
                || sample
                    .files
                    .iter()
                    .any(|(_, text)| text.windows(3).any(|word| word == b"pid")),
            ..Verdict::default()
        };
        let target = place.root.join("case.conf");
        let ask = |program| answer(program, &target, &like, place);
        let (nginx, ours) = match (ask(&self.nginx), ask(&self.ours)) {
            (Ok(nginx), Ok(ours)) => (nginx, ours),
            (_, Err(why)) if why.starts_with("panicked") => {
                return Ok(Comparison::Differs("panic".to_owned(), why));
            }
            (Err(why), _) | (_, Err(why)) => return Err(why),
        };
        let Some(how) = nginx.differs(&ours, &self.ignored) else {
            return Ok(if nginx.exit == 0 {
                Comparison::Accepted
            } else {
                Comparison::Refused
            });
        };
        Ok(match self.ledger.rule(&nginx, &ours) {
            Some(rule) => Comparison::Known(rule.reason.clone()),
            None => Comparison::Differs(kind_of(&nginx, &ours), how),
        })
    }
}

/// The messages without what stands in quotes and where: what tells one difference from another.
fn kind_of(nginx: &Verdict, ours: &Verdict) -> String {
    let kinds = |verdict: &Verdict| {
        let texts = verdict.warn.iter().chain(&verdict.emerg);
        let bare = texts.map(|text| {
            let unquoted: String = text.split('"').step_by(2).collect();
            unquoted
                .split(" in /")
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        bare.collect::<BTreeSet<_>>()
    };
    format!("{:?}", kinds(nginx).symmetric_difference(&kinds(ours)))
}

impl Outcome {
    /// The figures in a line, and the known departures below it.
    #[must_use]
    pub fn text(&self) -> String {
        let known: usize = self.known.values().sum();
        let total = self.accepted + self.refused + known + self.differences.len();
        let mut text = format!(
            "{total} configurations, {} accepted by both, {} refused by both with the same first message, {known} known departures, {} differences\n",
            self.accepted,
            self.refused,
            self.differences.len()
        );
        for (reason, count) in &self.known {
            let _ = writeln!(text, "  {count:5} {reason}");
        }
        text
    }
}
