//! Session resumption: what the process keeps for it across reloads, and what one server takes of that.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, ProducesTickets};

use super::super::settings::Settings;
use super::ticket::{self, Key, Seconds};
use super::zone::{Pretence, Store, Zone};
use crate::config::{SessionCache, TlsFault, TlsMaterial, VerifyClient};

/// Which sessions a server takes for its own: those that were begun with the same certificates and CAs, as in nginx.
pub(super) type Context = [u8; 32];

/// How long an automatic key encrypts.
const ROTATION: Duration = Duration::from_secs(3600);
/// How many automatic keys decrypt: a session under one can be resumed for a day at most, whatever `ssl_session_timeout` says.
const AUTOMATIC_KEYS: usize = 25;
/// What a session costs in a cache that is measured in sessions, in bytes.
const SESSION: usize = 256;
/// The largest of such caches, in bytes: memory is bounded, though OpenSSL's need not be.
const BUILTIN: usize = 64 << 20;

/// What a zone is found by: its name and its size in bytes.
type ZoneName = (Box<[u8]>, usize);

/// What outlives a generation: zones as long as a generation names them, and automatic keys for tickets.
#[derive(Debug, Default)]
pub struct Resumption {
    zones: Mutex<HashMap<ZoneName, Weak<Zone>>>,
    keys: Arc<Automatic>,
}

impl Resumption {
    /// Sets a server's cache, and answers its tickets if it has any.
    ///
    /// # Errors
    /// The system has no random bytes for keys.
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
            SessionCache::None => Arc::new(Pretence),
            SessionCache::Builtin { sessions } => {
                let size = sessions.checked_mul(SESSION).filter(|size| *size > 0);
                let size = size.unwrap_or(BUILTIN).min(BUILTIN);
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

    /// The zone of this name and size. Another size is another zone, as in nginx.
    fn zone(&self, name: &[u8], size: usize) -> Arc<Zone> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.retain(|_, zone| zone.strong_count() > 0);
        let entry = zones.entry((name.into(), size)).or_default();
        entry.upgrade().unwrap_or_else(|| {
            let zone = Arc::new(Zone::new(size));
            *entry = Arc::downgrade(&zone);
            zone
        })
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

fn context(material: &TlsMaterial) -> Context {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    add(b"MAIL");
    for (certificate, _) in &material.pairs {
        add(&certificate.bytes);
    }
    if material.verify_client != VerifyClient::Off {
        // Not the revocation lists: they come anew every day, and a resumed session is judged by them as any other.
        for file in [&material.client_cas, &material.trusted_cas] {
            add(file.as_ref().map_or(&[][..], |file| &file.bytes));
        }
    }
    let mut context = Context::default();
    context.copy_from_slice(hash.finish().as_ref());
    context
}

/// Keys that the process makes itself. The newest one encrypts.
#[derive(Debug, Default)]
struct Automatic(Mutex<VecDeque<(Instant, Arc<Key>)>>);

impl Automatic {
    /// The key that encrypts now; a new one when the last one has had its time. `None` without random bytes.
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

    fn of(&self, ticket: &[u8]) -> Option<Arc<Key>> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, key) = keys.iter().find(|(_, key)| key.is_of(ticket))?;
        Some(Arc::clone(key))
    }
}

#[derive(Debug)]
enum Keys {
    /// `ssl_session_ticket_key`, the one that encrypts first.
    Files(Vec<Key>),
    Automatic(Arc<Automatic>),
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
            Keys::Files(keys) => open(keys.iter().find(|key| key.is_of(ticket))?),
            Keys::Automatic(keys) => open(&*keys.of(ticket)?),
        }
    }
}

/// The tickets of a server for one of its connections.
///
/// A session of TLS 1.2 stays the same whenever it goes on, with the secret that it began with: its new tickets end when the first
/// one does, or a client could go on for ever. In TLS 1.3 each resumption agrees on new secrets, and as in OpenSSL the time starts anew.
#[derive(Debug)]
pub(super) struct OneConnection {
    server: Arc<Tickets>,
    /// When the session began that goes on here.
    since: OnceLock<Seconds>,
}

impl OneConnection {
    /// For a new connection.
    pub fn new(server: &Arc<Tickets>) -> Self {
        Self {
            server: Arc::clone(server),
            since: OnceLock::new(),
        }
    }
}

impl ProducesTickets for OneConnection {
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
        // A second one is of TLS 1.3, where nobody asks.
        let _ = self.since.set(since);
        Some(session)
    }
}

/// Whether a session, as rustls writes it down, is one of TLS 1.2: the version stands behind the name that was asked for.
pub(super) fn is_tls12(session: &[u8]) -> bool {
    let version = match session {
        [0, rest @ ..] => rest,
        [1, length, rest @ ..] => rest.get(usize::from(*length)..).unwrap_or_default(),
        _ => &[],
    };
    version.starts_with(&[3, 3])
}
