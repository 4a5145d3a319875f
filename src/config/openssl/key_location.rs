//! How `ssl_certificate_key` names a key: by a file name, or with one of nginx's three prefixes `data:`, `engine:` and `store:`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::config::syntax::message;

/// Where a private key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyLocation<'a> {
    /// In a file, by its name.
    File,
    /// `data:PEM`: in the configuration itself.
    Inline(&'a [u8]),
    /// `store:URI` with the URI of a file (RFC 8089).
    Store {
        /// The word as written, for messages.
        uri: &'a [u8],
        /// The file.
        path: PathBuf,
    },
    /// In a device or with a provider; neither is supported.
    Elsewhere {
        /// Its name in messages.
        name: &'a [u8],
        /// OpenSSL's reason for refusing it.
        reason: Vec<u8>,
    },
}

impl<'a> KeyLocation<'a> {
    /// Reads the prefix.
    pub fn of(written: &'a [u8]) -> Self {
        if let Some(text) = written.strip_prefix(b"data:") {
            return Self::Inline(text);
        }
        if let Some(engine) = written.strip_prefix(b"engine:") {
            return in_engine(written, engine);
        }
        match written.strip_prefix(b"store:") {
            Some(uri) => in_store(written, uri),
            None => Self::File,
        }
    }
}

/// `engine:NAME:KEY`
fn in_engine<'a>(written: &'a [u8], engine: &'a [u8]) -> KeyLocation<'a> {
    let Some(length) = engine.iter().position(|byte| *byte == b':') else {
        return KeyLocation::Elsewhere {
            name: written,
            reason: b"invalid syntax".to_vec(),
        };
    };
    let reason = "ENGINE_by_id() failed (SSL: error:13000074:engine routines::no such engine:id=";
    KeyLocation::Elsewhere {
        name: &written[..written.len() - engine.len() + length],
        reason: message!(reason, engine[..length], ")"),
    }
}

/// `store:URI`
fn in_store<'a>(written: &'a [u8], uri: &'a [u8]) -> KeyLocation<'a> {
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let scheme = uri
        .iter()
        .position(|byte| *byte == b':')
        .map(|length| &uri[..length])
        .filter(|scheme| !scheme.is_empty() && scheme.iter().all(is_scheme));
    let path = match scheme {
        None => Some(uri),
        Some(scheme) if scheme.eq_ignore_ascii_case(b"file") => {
            let rest = &uri[scheme.len() + 1..];
            let local = rest
                .strip_prefix(b"//localhost/")
                .or(rest.strip_prefix(b"///"));
            match local {
                Some(local) => Some(&rest[rest.len() - local.len() - 1..]),
                None => {
                    Some(rest).filter(|rest| rest.starts_with(b"/") && rest.get(1) != Some(&b'/'))
                }
            }
        }
        Some(_) => None,
    };
    match path {
        Some(path) => KeyLocation::Store {
            uri: written,
            path: PathBuf::from(OsStr::from_bytes(path)),
        },
        None => {
            let reason = "OSSL_STORE_open() failed (SSL: error:16000069:STORE routines::unregistered scheme:scheme=";
            KeyLocation::Elsewhere {
                name: written,
                reason: message!(reason, scheme.unwrap_or_default(), ")"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KeyLocation;

    #[test]
    fn prefixes() {
        let file = |uri: &'static str, path: &str| KeyLocation::Store {
            uri: uri.as_bytes(),
            path: path.into(),
        };
        let cases = [
            ("a.key", KeyLocation::File),
            ("data:x", KeyLocation::Inline(b"x")),
            ("store:/a/b", file("store:/a/b", "/a/b")),
            ("store:file:/a/b", file("store:file:/a/b", "/a/b")),
            ("store:FILE:///a", file("store:FILE:///a", "/a")),
            (
                "store:file://localhost/a",
                file("store:file://localhost/a", "/a"),
            ),
            ("stored:/a", KeyLocation::File),
        ];
        for (written, wanted) in cases {
            assert_eq!(KeyLocation::of(written.as_bytes()), wanted, "{written}");
        }
        let elsewhere = [
            ("engine:x", "engine:x", "invalid syntax"),
            ("engine:x:y:z", "engine:x", "ENGINE_by_id() failed"),
            (
                "store:pkcs11:x",
                "store:pkcs11:x",
                "OSSL_STORE_open() failed",
            ),
            (
                "store:file://far/x",
                "store:file://far/x",
                "OSSL_STORE_open() failed",
            ),
        ];
        for (written, shown, wanted) in elsewhere {
            let KeyLocation::Elsewhere { name, reason } = KeyLocation::of(written.as_bytes())
            else {
                panic!("{written}");
            };
            assert_eq!(name, shown.as_bytes());
            assert!(reason.starts_with(wanted.as_bytes()), "{written}");
        }
    }
}
