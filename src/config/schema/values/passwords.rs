//! `ssl_password_file`: read when the line is.

use super::path::FROM_CONFIG;
use super::{Call, Refusal, Value, full_word, sentence};
use crate::base::errno::Errno;
use crate::config::schema::arguments::{Folders, full_name};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;

/// Longest line, in bytes (nginx's buffer).
const LONGEST: usize = 4096;

/// Pass phrases. `Debug` does not show them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PassPhrases(pub Vec<Box<[u8]>>);

impl std::fmt::Debug for PassPhrases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PassPhrases({})", self.0.len())
    }
}

/// A file of pass phrases, one a line.
#[derive(Debug)]
pub struct Passwords;

impl Value for Passwords {
    type Plain = PassPhrases;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;

    fn read(call: &mut Call<'_>, _: Option<PassPhrases>) -> Result<PassPhrases, Refusal> {
        if call.args.is_empty() {
            return Ok(PassPhrases::default());
        }
        let path = full_name(&call.folders.config, call.first());
        let shown = path.as_os_str().as_bytes();
        let bytes = call.world.read(&path).map_err(|error| {
            // A folder can be opened, not read.
            let failed: &[u8] = match error.kind() {
                ErrorKind::IsADirectory => b"read()",
                _ => b"open()",
            };
            Refusal::Says(sentence(&[
                failed,
                b" \"",
                shown,
                b"\" failed",
                Errno(&error).to_string().as_bytes(),
            ]))
        })?;
        let lines = bytes.split(|byte| *byte == b'\n');
        let lines = lines
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty());
        let phrases: Vec<Box<[u8]>> = lines.map(Into::into).collect();
        if phrases.iter().any(|line| line.len() >= LONGEST) {
            return Err(Refusal::Says(sentence(&[
                b"too long line in \"",
                shown,
                b"\"",
            ])));
        }
        Ok(PassPhrases(phrases))
    }

    fn full(args: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        args.iter()
            .map(|name| full_word(&folders.config, name))
            .collect()
    }
}
