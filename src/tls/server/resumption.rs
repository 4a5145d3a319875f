//! Session resumption: the caches and ticket keys that the process keeps across reloads, and how one server uses them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, ProducesTickets};

use super::super::settings::Settings;
use super::session_context::{Context, context};
use super::ticket::{self, Key, Seconds};
use super::zone::{NoStore, Store, Zone};
use crate::base::Registry;
use crate::config::{SessionCache, TlsFault, TlsMaterial};

/// How long an automatic key encrypts.
const ROTATION: Duration = Duration::from_secs(3600);
/// The number of automatic keys that decrypt, which limits the age of tickets to a day whatever `ssl_session_timeout` is.
const AUTOMATIC_KEYS: usize = 25;
/// The size that one session counts for in a cache measured in sessions, in bytes.
const SESSION_SIZE: usize = 256;
/// The largest such cache, in bytes. OpenSSL has no limit here.
const LARGEST_BUILTIN: usize = 64 << 20;

/// The name of a zone and its size in bytes. As in nginx, another size is another zone.
type ZoneKey = (Box<[u8]>, usize);

/// State that outlives a generation: the zones that a generation names, and automatic ticket keys.
#[derive(Debug, Default)]
pub struct Resumption {
    zones: Registry<ZoneKey, Zone>,
    keys: Arc<AutomaticKeys>,
}

impl Resumption {
    /// Sets the cache of a server. Returns its `Tickets`, if it issues any.
    ///
    /// # Errors
    /// The system has no random bytes for ticket keys.
    pub(super) fn configure(
        &self,
        config: &mut ServerConfig,
        settings: &Settings<'_>,
        material: &TlsMaterial,
    ) -> Result<Option<Arc<Tickets>>, TlsFault> {
        let context = context(material);
        let timeout = material.session_timeout;
        let store = |zone| Store {
            zone,
            context,
            timeout,
        };
        config.session_storage = match &material.session_cache {
            SessionCache::Off => Arc::new(NoServerSessionStorage {}),
            SessionCache::None => Arc::new(NoStore),
            SessionCache::Builtin { sessions } => {
                let size = sessions.checked_mul(SESSION_SIZE).filter(|size| *size > 0);
                let size = size.unwrap_or(LARGEST_BUILTIN).min(LARGEST_BUILTIN);
                Arc::new(store(self.zone(&context, size)))
            }
            SessionCache::Shared { name, size } => Arc::new(store(self.zone(name, *size))),
        };
        config.send_tls13_tickets = settings.tickets_sent;
        if !settings.tickets {
            return Ok(None);
        }
        Ok(Some(Arc::new(Tickets {
            keys: self.keys(material)?,
            context,
            timeout,
        })))
    }

    fn zone(&self, name: &[u8], size: usize) -> Arc<Zone> {
        let make = |_: &ZoneKey| Ok::<_, Infallible>(Zone::new(size));
        let Ok(zone) = self.zones.get_or_make((name.into(), size), make);
        zone
    }

    fn keys(&self, material: &TlsMaterial) -> Result<Keys, TlsFault> {
        if !material.ticket_keys.is_empty() {
            let files = material.ticket_keys.iter();
            return Ok(Keys::Files(
                files.filter_map(|file| Key::read(&file.bytes)).collect(),
            ));
        }
        if self.keys.current().is_none() {
            let text = "no random bytes for the keys of session tickets";
            return Err(TlsFault::Other(text.to_owned()));
        }
        Ok(Keys::Automatic(Arc::clone(&self.keys)))
    }
}

/// Keys that the process generates. The newest one encrypts.
#[derive(Debug, Default)]
struct AutomaticKeys(Mutex<VecDeque<(Instant, Arc<Key>)>>);

impl AutomaticKeys {
    /// The key that encrypts, replaced after `ROTATION`. `None` without random bytes.
    fn current(&self) -> Option<Arc<Key>> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let young = |(since, _): &&(Instant, _)| since.elapsed() < ROTATION;
        if let Some((_, key)) = keys.front().filter(young) {
            return Some(Arc::clone(key));
        }
        let key = Arc::new(Key::random()?);
        keys.push_front((Instant::now(), Arc::clone(&key)));
        keys.truncate(AUTOMATIC_KEYS);
        Some(key)
    }

    fn find(&self, ticket: &[u8]) -> Option<Arc<Key>> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, key) = keys.iter().find(|(_, key)| key.made(ticket))?;
        Some(Arc::clone(key))
    }
}

#[derive(Debug)]
enum Keys {
    /// `ssl_session_ticket_key`; the first one encrypts.
    Files(Vec<Key>),
    Automatic(Arc<AutomaticKeys>),
}

/// The tickets of one server.
#[derive(Debug)]
pub(super) struct Tickets {
    keys: Keys,
    context: Context,
    timeout: Duration,
}

impl Tickets {
    fn seal(&self, since: Seconds, session: &[u8]) -> Option<Vec<u8>> {
        match &self.keys {
            Keys::Files(keys) => keys.first()?.seal(&self.context, since, session),
            Keys::Automatic(keys) => keys.current()?.seal(&self.context, since, session),
        }
    }

    fn open(&self, ticket: &[u8]) -> Option<(Seconds, Vec<u8>)> {
        let open = |key: &Key| key.open(&self.context, self.timeout, ticket);
        match &self.keys {
            Keys::Files(keys) => open(keys.iter().find(|key| key.made(ticket))?),
            Keys::Automatic(keys) => open(&*keys.find(ticket)?),
        }
    }
}

/// The tickets of a server for one connection.
///
/// A resumed session of TLS 1.2 keeps its secret, so its new tickets expire with the first one; otherwise a client could resume for ever.
/// In TLS 1.3 each resumption agrees on new secrets, and as in OpenSSL the time begins again.
#[derive(Debug)]
pub(super) struct ConnectionTickets {
    server: Arc<Tickets>,
    /// When the resumed session began.
    since: OnceLock<Seconds>,
}

impl ConnectionTickets {
    /// For a new connection.
    pub fn new(server: &Arc<Tickets>) -> Self {
        Self {
            server: Arc::clone(server),
            since: OnceLock::new(),
        }
    }
}

impl ProducesTickets for ConnectionTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.server.timeout.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        let began = self.since.get().filter(|_| is_tls12(session));
        self.server
            .seal(began.copied().unwrap_or_else(ticket::now), session)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (since, session) = self.server.open(ticket)?;
        // A second ticket occurs in TLS 1.3 alone, which does not use the time.
        let _ = self.since.set(since);
        Some(session)
    }
}

/// Whether a session in rustls's encoding is one of TLS 1.2. The version follows the server name.
pub(super) fn is_tls12(session: &[u8]) -> bool {
    let version = match session {
        [0, rest @ ..] => rest,
        [1, length, rest @ ..] => rest.get(usize::from(*length)..).unwrap_or_default(),
        _ => &[],
    };
    version.starts_with(&[3, 3])
}
