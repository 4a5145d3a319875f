//! `ssl_session_cache`

use super::size::parse_size;
use super::{Call, Lines, Refusal, Value, digits, sentence};
use crate::config::schema::row::Arity;

/// Smallest shared cache: 8 memory pages, in bytes.
const SMALLEST: i64 = 8 * 4096;
/// The size of OpenSSL's own cache unless said, in sessions.
const BUILTIN: usize = 20 * 1024;

/// Where TLS sessions are kept for resumption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionCache {
    /// Nowhere, and clients are told so.
    Off,
    /// Nowhere, though clients are not told.
    #[default]
    None,
    /// In each process (OpenSSL's own cache).
    Builtin {
        /// How many; 0 is no limit.
        sessions: usize,
    },
    /// In memory that all share.
    Shared {
        /// The name of the zone.
        name: Box<[u8]>,
        /// Its size in bytes.
        size: usize,
    },
}

/// `off | none | [builtin[:size]] [shared:name:size]`
#[derive(Debug)]
pub struct SessionCaches;

impl Value for SessionCaches {
    type Plain = SessionCache;
    const SYNTAX: &'static str = "off | none | [builtin[:size]] [shared:name:size]";
    const ARITY: Arity = Arity::between(1, 2);
    const LINES: Lines = Lines::AddUp;

    fn read(call: &mut Call<'_>, before: Option<SessionCache>) -> Result<SessionCache, Refusal> {
        let mut cache = before.unwrap_or_default();
        for word in call.args {
            let bad = || Refusal::Says(sentence(&[b"invalid session cache \"", word, b"\""]));
            let shared = matches!(cache, SessionCache::Shared { .. });
            let next = match &**word {
                b"off" => SessionCache::Off,
                b"none" => SessionCache::None,
                b"builtin" => SessionCache::Builtin { sessions: BUILTIN },
                word => match word.strip_prefix(b"builtin:") {
                    Some(number) => {
                        let sessions = digits(number).ok_or_else(bad)?;
                        SessionCache::Builtin {
                            sessions: usize::try_from(sessions).unwrap_or(usize::MAX),
                        }
                    }
                    None => shared_zone(word).ok_or_else(bad)?,
                },
            };
            if let SessionCache::Shared { size, .. } = &next
                && i64::try_from(*size).is_ok_and(|size| size < SMALLEST)
            {
                return Err(Refusal::Says(sentence(&[
                    b"session cache \"",
                    word,
                    b"\" is too small",
                ])));
            }
            if !shared || matches!(next, SessionCache::Shared { .. }) {
                cache = next;
            }
        }
        Ok(cache)
    }
}

/// The zones that the words declare, as far as the words are right: name and size in bytes.
pub fn zones(words: &[Box<[u8]>]) -> impl Iterator<Item = (Box<[u8]>, usize)> {
    let right = words.iter().map_while(|word| match &**word {
        b"off" | b"none" | b"builtin" => Some(None),
        word => match word.strip_prefix(b"builtin:") {
            Some(number) => digits(number).map(|_| None),
            None => shared_zone(word).map(Some),
        },
    });
    right.flatten().filter_map(|cache| match cache {
        SessionCache::Shared { name, size } => Some((name, size)),
        _ => None,
    })
}

fn shared_zone(word: &[u8]) -> Option<SessionCache> {
    let text = word.strip_prefix(b"shared:")?;
    let colon = text
        .iter()
        .position(|byte| *byte == b':')
        .filter(|colon| *colon > 0)?;
    let size = parse_size(&text[colon + 1..]).and_then(|size| usize::try_from(size).ok())?;
    Some(SessionCache::Shared {
        name: text[..colon].into(),
        size,
    })
}
