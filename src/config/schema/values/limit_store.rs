//! The directive `limit_store`.

use std::path::Path;
use std::time::Duration;

use percent_encoding::percent_decode;

use super::files::{each, read_private};
use super::number::number;
use super::time::milliseconds;
use super::url::{Rules, parse};
use crate::base::{Address, Secret};
use crate::config::model::{
    ClientTls, LimitStore, StoreLogin, TlsFile, Verify, unbracketed, without_password,
};
use crate::config::schema::{
    Arguments, Arity, Folders, Parsed, ValueError, ValueKind, absolute, absolute_word, refuse,
};

/// The port of Valkey and Redis.
const PORT: u16 = 6379;
/// What keys begin with.
const PREFIX: &[u8] = b"portcullis:";
/// The longest prefix, in bytes.
const LONGEST_PREFIX: usize = 128;
/// How long a session waits.
const TIMEOUT: Duration = Duration::from_millis(50);
/// The shortest secret, in bytes.
const SHORTEST_SECRET: usize = 16;
const SECRET: &[u8] = b"secret=";
const TRUSTED: &[u8] = b"trusted_certificate=";

/// `url [prefix=text] [timeout=time] [secret=file] [trusted_certificate=file] | off`
#[derive(Debug)]
pub struct LimitStores;

impl ValueKind for LimitStores {
    type Value = Option<LimitStore>;
    const SYNTAX: &'static str =
        "url [prefix=text] [timeout=time] [secret=file] [trusted_certificate=file] | off";
    const ABOUT: &'static str = "The URL is `redis://[[user]:password@]host[:port][/database]`, `rediss://…` for TLS, or `unix:path`. The default \
        port is 6379, the default database 0; special characters in the password are written as `%40`. All keys begin with `prefix`, by \
        default `portcullis:`. A session waits for the store for `timeout` at most, by default `50ms`. `secret` names a file with a key of \
        at least 16 bytes, the same at all gateways. `trusted_certificate` names a file with the CAs that the certificate of the \
        store is verified with, by default those of the system. Relative paths are resolved against the directory of the main \
        configuration file.";
    const ARITY: Arity = Arity::between(1, 5);

    fn read(args: &mut Arguments<'_>, _: Option<Self::Value>) -> Parsed<Self::Value> {
        if args.first() == b"off" {
            return match args.rest().first() {
                None => Ok(None),
                Some(word) => Err(refuse!("invalid parameter \"", word, "\"")),
            };
        }
        let mut store = read_url(args)?;
        for word in args.rest() {
            let bad = || refuse!("invalid parameter \"", word, "\"");
            if let Some(prefix) = word.strip_prefix(b"prefix=") {
                let is_short = prefix.len() <= LONGEST_PREFIX;
                store.prefix = Some(prefix).filter(|_| is_short).ok_or_else(bad)?.into();
            } else if let Some(text) = word.strip_prefix(b"timeout=") {
                let time = milliseconds(text).filter(|time| *time > 0);
                store.timeout = Duration::from_millis(time.ok_or_else(bad)?);
            } else if let Some(name) = word.strip_prefix(SECRET) {
                store.secret = Some(read_secret(args, name)?);
            } else if let Some(name) = word.strip_prefix(TRUSTED)
                && let Some(tls) = &mut store.tls
            {
                tls.verify = Some(Verify::by(read_authorities(args, name)?));
            } else {
                return Err(bad());
            }
        }
        Ok(Some(store))
    }

    fn make_absolute(words: &[Box<[u8]>], folders: &Folders) -> Vec<Box<[u8]>> {
        each(words, |word| {
            let mut names = [SECRET, TRUSTED].into_iter();
            let found = names.find_map(|name| Some((name, word.strip_prefix(name)?)));
            match found {
                Some((name, file)) => [name, &absolute_word(&folders.config, file)]
                    .concat()
                    .into(),
                None => word.into(),
            }
        })
    }
}

/// Reads the URL, with the defaults of all else.
fn read_url(args: &Arguments<'_>) -> Parsed<LimitStore> {
    let written = args.first();
    let shown = without_password(written);
    let (has_tls, is_unix, text) = match written {
        [b'r', b'e', b'd', b'i', b's', b':', b'/', b'/', text @ ..] => (false, false, text),
        [
            b'r',
            b'e',
            b'd',
            b'i',
            b's',
            b's',
            b':',
            b'/',
            b'/',
            text @ ..,
        ] => (true, false, text),
        [b'u', b'n', b'i', b'x', b':', ..] => (false, true, written),
        _ => {
            // Not quoted: where the password is in it is not known.
            return Err(refuse!(
                "invalid URL of \"limit_store\": \"redis://host\", \"rediss://host\" or \"unix:path\" is expected"
            ));
        }
    };
    let bad = |what: &str| refuse!(what, " in limit_store \"", shown, "\"");
    let (login, text) = match memchr::memrchr(b'@', text).filter(|_| !is_unix) {
        Some(at) => (
            Some(read_login(&text[..at]).ok_or_else(|| bad("no password"))?),
            &text[at + 1..],
        ),
        None => (None, text),
    };
    let (text, database) = match memchr::memchr(b'/', text).filter(|_| !is_unix) {
        Some(slash) => (&text[..slash], &text[slash + 1..]),
        None => (text, &b""[..]),
    };
    let database = match database {
        b"" => Some(0),
        digits => number(digits).and_then(|number| u32::try_from(number).ok()),
    };
    let rules = Rules {
        port: PORT,
        ..Rules::default()
    };
    let url = parse(args.names, text, rules).map_err(&bad)?;
    let host = unbracketed(&url.host);
    let named = url.named.then(|| String::from_utf8_lossy(host).into());
    Ok(LimitStore {
        tls: has_tls.then(|| Box::new(ClientTls::new(host, Some(Verify::by(None))))),
        name: named.zip(url.addresses.first().map(Address::port)),
        addresses: url.addresses,
        login,
        database: database.ok_or_else(|| bad("invalid database"))?,
        prefix: PREFIX.into(),
        timeout: TIMEOUT,
        secret: None,
        shown: String::from_utf8_lossy(&shown).into(),
    })
}

/// Reads `user:password` or `:password`.
fn read_login(text: &[u8]) -> Option<StoreLogin> {
    let colon = memchr::memchr(b':', text)?;
    let decoded = |part: &[u8]| {
        let text = percent_decode(part).decode_utf8().ok()?;
        Some(Box::<str>::from(text))
    };
    let (user, password) = (decoded(&text[..colon])?, decoded(&text[colon + 1..])?);
    let login = StoreLogin {
        user: (!user.is_empty()).then_some(user),
        password: Secret::new(password),
    };
    (!login.password.reveal().is_empty()).then_some(login)
}

fn read_authorities(args: &mut Arguments<'_>, name: &[u8]) -> Parsed<Option<TlsFile>> {
    let path = absolute(&args.folders.config, name);
    let bytes = read_private(args, &path)?;
    Ok(bytes.map(|bytes| TlsFile {
        path,
        bytes: bytes.into(),
    }))
}

fn read_secret(args: &mut Arguments<'_>, name: &[u8]) -> Parsed<Secret<Box<[u8]>>> {
    let path = absolute(&args.folders.config, name);
    let Some(bytes) = read_private(args, &path)? else {
        return Ok(Secret::default());
    };
    let secret = bytes.trim_ascii_end();
    match secret.len() < SHORTEST_SECRET {
        true => Err(too_short(&path)),
        false => Ok(Secret::new(secret.into())),
    }
}

fn too_short(path: &Path) -> ValueError {
    let path = path.display().to_string();
    refuse!(format!(
        "\"{path}\" has less than {SHORTEST_SECRET} bytes: a secret of random bytes is expected, such as \"openssl rand -hex 32\" prints"
    ))
}
