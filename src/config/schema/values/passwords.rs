//! `ssl_password_file`, which is read when its line is.

use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;

use super::path::{FROM_CONFIG, each};
use crate::base::{Errno, Secret};
use crate::config::model::PassPhrases;
use crate::config::schema::{
    Arguments, Folders, Parsed, ValueError, ValueKind, absolute, absolute_word,
};
use crate::config::syntax::message;

/// Longest line, in bytes (nginx's buffer).
const LONGEST: usize = 4096;

/// A file of pass phrases, one a line.
#[derive(Debug)]
pub struct Passwords;

impl ValueKind for Passwords {
    type Value = PassPhrases;
    const SYNTAX: &'static str = "file";
    const ABOUT: &'static str = FROM_CONFIG;

    fn read(args: &mut Arguments<'_>, _: Option<PassPhrases>) -> Parsed<PassPhrases> {
        let path = absolute(&args.folders.config, args.first());
        let shown = path.as_os_str().as_bytes();
        let bytes = args.files.read(&path).map_err(|error| {
            // A folder can be opened, not read.
            let call = match error.kind() {
                ErrorKind::IsADirectory => "read() \"",
                _ => "open() \"",
            };
            let errno = Errno(&error).to_string();
            ValueError::says(message!(call, shown, "\" failed", errno))
        })?;
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty());
        let phrases: Vec<Box<[u8]>> = lines.map(Into::into).collect();
        if phrases.iter().any(|line| line.len() >= LONGEST) {
            return Err(ValueError::says(message!(
                "too long line in \"",
                shown,
                "\""
            )));
        }
        Ok(Secret::new(phrases))
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |name| absolute_word(&folders.config, name))
    }
}
