//! `ssl_conf_command`: a command of SSL_CONF_cmd(3) and its value.

use std::os::unix::ffi::OsStrExt;

use crate::config::model::{Command, CommandFile, Place};
use crate::config::schema::{Arguments, Arity, Folders, Parsed, Repeated, ValueKind, absolute};

/// A command and its value; lines add up. A file is named from the folder of the main configuration file.
#[derive(Debug)]
pub struct ConfCommands;

impl ValueKind for ConfCommands {
    type Value = Vec<Command>;
    const SYNTAX: &'static str = "name value";
    const ARITY: Arity = Arity::exactly(2);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut commands = before.unwrap_or_default();
        if let [name, value] = &Self::make_absolute(args.words, args.folders)[..] {
            commands.push((name.clone(), value.clone()));
        }
        Ok(commands)
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        match words {
            [name, value] => match CommandFile::of(name) {
                Some((_, Place::File | Place::Folder)) => {
                    let path = absolute(&folders.config, value);
                    vec![name.clone(), path.as_os_str().as_bytes().into()]
                }
                Some((_, Place::Store)) | None => words.to_vec(),
            },
            _ => words.to_vec(),
        }
    }
}
