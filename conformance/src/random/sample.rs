//! One random configuration: its files and the argument of `-g`.

use std::fmt::Write as _;
use std::{fs, io};

use super::format::Style;
use super::generator::Generator;
use super::node::Node;
use super::{includes, mutate};
use crate::rng::Rng;
use crate::workdir::WorkDir;

/// The name of the main file.
pub const MAIN_FILE: &str = "case.conf";
/// All files that a sample may have.
const FILES: [&str; 5] = [MAIN_FILE, "a.conf", "b.conf", "d/1.conf", "d/2.conf"];
/// The number of characters of a long line that are shown.
const SHOWN: usize = 300;

/// A configuration. `@ROOT@` and `@IP@` are not filled in yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The argument of `-g`.
    pub globals: String,
    /// The files, the main one first.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl Sample {
    /// Generates a configuration.
    pub fn generate(generator: &Generator, rng: &mut Rng) -> Self {
        if rng.permille(300) {
            let text = generator.single_directive(rng).into_bytes();
            return Self {
                globals: String::new(),
                files: vec![(MAIN_FILE, text)],
            };
        }
        let errors = [0, 0, 0, 20, 20, 50, 150][rng.below(7)];
        let mut main = generator.main(rng, errors);
        let mut files = Vec::new();
        for _ in 0..[0, 0, 0, 1, 2][rng.below(5)] {
            includes::move_to_files(rng, &mut main, &mut files);
        }
        let globals = if rng.permille(150) {
            generator.globals(rng, errors)
        } else {
            Vec::new()
        };
        let mut sample = Self {
            globals: String::from_utf8_lossy(&formatted(rng, &globals))
                .trim()
                .replace('\0', ""),
            files: Vec::new(),
        };
        files.insert(0, (MAIN_FILE, main));
        for (name, nodes) in files {
            let text = formatted(rng, &nodes);
            match sample.files.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.extend(text),
                None => sample.files.push((name, text)),
            }
        }
        for (_, text) in &mut sample.files {
            if rng.permille(30) {
                mutate::insert_long_text(rng, text);
            }
            if rng.permille(80) {
                mutate::corrupt(rng, text);
            }
            if rng.permille(8) {
                text.splice(..0, *b"\xef\xbb\xbf");
            }
        }
        sample
    }

    /// Writes the files into the working directory; removes those of earlier samples.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_files(&self, workdir: &WorkDir) -> io::Result<()> {
        fs::create_dir_all(workdir.root.join("d"))?;
        for name in FILES {
            let path = workdir.root.join(name);
            match self.files.iter().find(|(known, _)| *known == name) {
                Some((_, text)) => fs::write(path, filled(text, workdir))?,
                None if path.exists() => fs::remove_file(path)?,
                None => {}
            }
        }
        Ok(())
    }

    /// The argument of `-g` in this working directory.
    pub fn globals(&self, workdir: &WorkDir) -> String {
        String::from_utf8_lossy(&filled(self.globals.as_bytes(), workdir)).into_owned()
    }

    /// Whether the configuration may have a `pid` directive of its own.
    pub fn mentions_pid(&self) -> bool {
        let in_file = |text: &[u8]| text.windows(3).any(|word| word == b"pid");
        self.globals.contains("pid") || self.files.iter().any(|(_, text)| in_file(text))
    }

    /// The configuration, for people.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        if !self.globals.is_empty() {
            let _ = writeln!(text, "-g {}", self.globals);
        }
        for (name, bytes) in &self.files {
            let _ = writeln!(text, "--- {name}");
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                let line = line.escape_ascii().to_string();
                let line = line.replace("\\\"", "\"").replace("\\'", "'");
                let _ = match line.char_indices().nth(SHOWN) {
                    Some((end, _)) => writeln!(text, "{}… ({} bytes)", &line[..end], line.len()),
                    None => writeln!(text, "{line}"),
                };
            }
        }
        text
    }
}

fn formatted(rng: &mut Rng, nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::new();
    Style::random(rng).write(rng, nodes, 0, &mut out);
    out
}

fn filled(text: &[u8], workdir: &WorkDir) -> Vec<u8> {
    // Each byte as a character, because the text need not be UTF-8.
    let text: String = text.iter().copied().map(char::from).collect();
    let text = text
        .replace("@ROOT@", &workdir.root_text())
        .replace("@IP@", &workdir.address.to_string());
    text.chars()
        .map(|character| u8::try_from(character).unwrap_or(b'?'))
        .collect()
}
