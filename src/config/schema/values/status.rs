//! The directive `status`.

use std::os::unix::ffi::OsStrExt;

use super::files::{each, read_private};
use super::url::{Rules, parse};
use crate::base::{Address, Secret};
use crate::config::model::{DEFAULT_MODE, StatusListen, StatusToken};
use crate::config::schema::{
    Arguments, Arity, Folders, Parsed, Repeated, ValueKind, absolute, absolute_word, refuse,
};

/// Longest token, in bytes.
const LONGEST: usize = 1024;
const TOKEN: &[u8] = b"token=";

/// `address [token=file] | unix:path [mode=number] [token=file]`
#[derive(Debug)]
pub struct StatusListens;

impl ValueKind for StatusListens {
    type Value = Vec<StatusListen>;
    const SYNTAX: &'static str = "address:port [token=file] | unix:path [mode=number] [token=file]";
    const ABOUT: &'static str = "`mode` sets the permissions of the Unix socket as an octal number (default 0660). `token` names a file with \
        one line, which clients send as `Authorization: Bearer`; a relative path is resolved against the directory of the main \
        configuration file.";
    const ARITY: Arity = Arity::between(1, 3);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Self::Value>) -> Parsed<Self::Value> {
        let mut listens = before.unwrap_or_default();
        let written = args.first();
        let rules = Rules {
            listen: true,
            ..Rules::default()
        };
        let url = parse(args.names, written, rules);
        let url = url.map_err(|reason| {
            let end = "\" of the \"status\" directive";
            refuse!(reason, " in \"", written, end)
        })?;
        let (mut mode, mut token) = (None, None);
        for word in args.rest() {
            if let Some(text) = word.strip_prefix(b"mode=") {
                let parsed = octal(text).ok_or_else(|| refuse!("invalid mode \"", word, "\""))?;
                mode = Some(parsed);
            } else if let Some(name) = word.strip_prefix(TOKEN) {
                token = Some(read_token(args, name)?);
            } else {
                return Err(refuse!("invalid parameter \"", word, "\""));
            }
        }
        for address in url.addresses {
            check(&address, mode, token.as_ref(), written)?;
            listens.push(StatusListen {
                address,
                mode: mode.unwrap_or(DEFAULT_MODE),
                token: token.clone(),
            });
        }
        Ok(listens)
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |word| match word.strip_prefix(TOKEN) {
            Some(name) => [TOKEN, &absolute_word(&folders.config, name)]
                .concat()
                .into(),
            None => word.into(),
        })
    }
}

/// Refuses an address that has no port, that others than this machine can reach without a token, or whose file has no permissions.
fn check(
    address: &Address,
    mode: Option<u32>,
    token: Option<&StatusToken>,
    written: &[u8],
) -> Parsed<()> {
    let Address::Inet(inet) = address else {
        return Ok(());
    };
    if inet.port() == 0 {
        let end = "\" of the \"status\" directive";
        return Err(refuse!("no port in \"", written, end));
    }
    if mode.is_some() {
        let begin = "\"mode\" is for Unix sockets, and \"";
        return Err(refuse!(begin, written, "\" is none"));
    }
    if token.is_none() && !inet.ip().to_canonical().is_loopback() {
        let end = "\" needs \"token=file\": the address is not loopback, and everybody who reaches it could read the status";
        return Err(refuse!("\"status ", written, end));
    }
    Ok(())
}

fn octal(text: &[u8]) -> Option<u32> {
    let is_octal = text.iter().all(|digit| (b'0'..=b'7').contains(digit));
    let text = std::str::from_utf8(text).ok()?;
    let mode = u32::from_str_radix(text, 8).ok()?;
    (is_octal && mode <= 0o777).then_some(mode)
}

fn read_token(args: &mut Arguments<'_>, name: &[u8]) -> Parsed<StatusToken> {
    let path = absolute(&args.folders.config, name);
    let Some(bytes) = read_private(args, &path)? else {
        return Ok(Secret::default());
    };
    let shown = path.as_os_str().as_bytes();
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let is_token = !line.is_empty() && line.len() <= LONGEST;
    match is_token && line.iter().all(u8::is_ascii_graphic) {
        true => Ok(Secret::new(line.into())),
        false => Err(refuse!(
            "\"",
            shown,
            "\" has no token: one line of up to 1024 visible ASCII characters is expected"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Parsed<Vec<StatusListen>> {
        Arguments::of_default(text, |args| StatusListens::read(args, None))
    }

    #[test]
    fn addresses_and_modes() {
        let unix = read("unix:/run/status.sock mode=0600").unwrap();
        assert_eq!(unix[0].mode, 0o600);
        assert_eq!(read("unix:/run/status.sock").unwrap()[0].mode, 0o660);
        for loopback in ["127.0.0.1:8025", "[::1]:8025", "127.9.9.9:8025"] {
            assert!(read(loopback).unwrap()[0].token.is_none(), "{loopback}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, part) in [
            ("10.0.0.1:8025", "needs \"token=file\""),
            ("8025", "needs \"token=file\""),
            ("[::]:8025", "needs \"token=file\""),
            ("127.0.0.1", "no port in"),
            ("127.0.0.1:8025 mode=0600", "is for Unix sockets"),
            ("unix:/a mode=888", "invalid mode"),
            ("unix:/a mode=", "invalid mode"),
            ("unix:/a mode=7777", "invalid mode"),
            ("unix:/a mode=+77", "invalid mode"),
            ("unix:/a ssl", "invalid parameter"),
            ("127.0.0.1:8025 token=missing", "open() \""),
        ] {
            let Err(crate::config::schema::ValueError::Message(message)) = read(text) else {
                panic!("{text} is accepted");
            };
            let message = String::from_utf8_lossy(&message);
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
