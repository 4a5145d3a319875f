//! `ssl_session_cache`

use super::size::parse_size;
use crate::config::model::SessionCache;
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueKind, refuse};
use crate::config::syntax::digits;

/// Smallest shared cache: 8 memory pages, in bytes.
const SMALLEST: usize = 8 * 4096;
/// The size of OpenSSL's own cache unless given, in sessions.
const BUILTIN: usize = 20 * 1024;

/// `off | none | [builtin[:size]] [shared:name:size]`
#[derive(Debug)]
pub struct SessionCaches;

impl ValueKind for SessionCaches {
    type Value = SessionCache;
    const SYNTAX: &'static str = "off | none | [builtin[:size]] [shared:name:size]";
    const ARITY: Arity = Arity::between(1, 2);
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<SessionCache>) -> Parsed<SessionCache> {
        let mut cache = before.unwrap_or_default();
        for word in args.words {
            let bad = || refuse!("invalid session cache \"", word, "\"");
            let next = parse(word).ok_or_else(bad)?;
            if let SessionCache::Shared { size, .. } = next
                && size < SMALLEST
            {
                let end = "\" is too small";
                return Err(refuse!("session cache \"", word, end));
            }
            let is_shared = |cache: &SessionCache| matches!(cache, SessionCache::Shared { .. });
            if !is_shared(&cache) || is_shared(&next) {
                cache = next;
            }
        }
        Ok(cache)
    }
}

/// The zones that the words declare, up to the first bad word: name and size in bytes.
pub fn zones(words: &[Box<[u8]>]) -> impl Iterator<Item = (Box<[u8]>, usize)> {
    let good = words.iter().map_while(|word| parse(word));
    good.filter_map(|cache| match cache {
        SessionCache::Shared { name, size } => Some((name, size)),
        _ => None,
    })
}

fn parse(word: &[u8]) -> Option<SessionCache> {
    match word {
        b"off" => return Some(SessionCache::Off),
        b"none" => return Some(SessionCache::None),
        b"builtin" => return Some(SessionCache::Builtin { sessions: BUILTIN }),
        _ => {}
    }
    if let Some(number) = word.strip_prefix(b"builtin:") {
        let sessions = usize::try_from(digits(number)?).unwrap_or(usize::MAX);
        return Some(SessionCache::Builtin { sessions });
    }
    let text = word.strip_prefix(b"shared:")?;
    let colon = text.iter().position(|byte| *byte == b':')?;
    let size = usize::try_from(parse_size(&text[colon + 1..])?).ok()?;
    (colon > 0).then(|| SessionCache::Shared {
        name: text[..colon].into(),
        size,
    })
}
