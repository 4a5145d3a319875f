//! What backends offer, learned from them: asked once a minute at most, by one connection, while nobody waits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::conversation::Line;
use super::start_tls::{Whom, secure};
use crate::base::{Address, Protocol};
use crate::config::ProxyProtocol;
use crate::config::client_tls::host;
use crate::net::socket::Socket;
use crate::proto::learn::{Learner, Lesson, Words};
use crate::proto::settings;
use crate::session::client::source;
use crate::session::{Endpoint, Shared};
use crate::tls;

/// How long a list is good. An older one is still announced while a new one is fetched.
const FRESH: Duration = Duration::from_secs(60);
/// How soon a backend that could not be asked is asked again.
const RETRY: Duration = Duration::from_secs(5);
/// How long a client that comes while a backend is asked for the first time may wait for the list.
const MOMENT: Duration = Duration::from_millis(250);
/// Backends asked at the same time.
const TURNS: usize = 16;
/// Lists kept. More than any configuration has backends that are asked within an hour.
const KEPT: usize = 1024;

/// Whom a list is from, and what was said to get it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    protocol: Protocol,
    addresses: Vec<Address>,
    host: Box<[u8]>,
    server_name: Box<[u8]>,
    /// The header before it: a backend may show one list to those who send it and another to those who do not.
    header: ProxyProtocol,
    /// The TLS it was asked through: in another, or in clear text, somebody else may have answered.
    tls: Option<tls::Identity>,
}

/// One backend's list.
#[derive(Debug)]
struct Known {
    words: Option<Arc<Words>>,
    /// When it is time to ask again.
    due: Instant,
    /// Since when it is being asked.
    asking: Option<Instant>,
}

/// All lists of the process. They outlive reloads.
#[derive(Debug)]
pub(in crate::session) struct Learned {
    lists: Mutex<HashMap<Source, Known>>,
    turns: Semaphore,
    /// Some list came, or will not come.
    news: Notify,
}

impl Default for Learned {
    fn default() -> Self {
        Learned {
            lists: Mutex::default(),
            turns: Semaphore::new(TURNS),
            news: Notify::new(),
        }
    }
}

impl Shared {
    /// What the backend of this place offers, as far as it is known. Fetches the list anew when it is time to: the
    /// answer does not wait for it.
    pub fn offers(self: &Arc<Self>, endpoint: &Arc<Endpoint>) -> Option<Arc<Words>> {
        let server = &endpoint.server;
        let learner = settings::learner(server)?;
        let source = Source::of(endpoint)?;
        let (words, due) = self.learned.look(&source);
        if due {
            tokio::spawn(self.clone().learn(endpoint.clone(), source, learner));
        }
        words
    }

    /// The same for a client that has just come: the very first list is waited for, a moment from when it was asked for.
    pub async fn offers_soon(self: &Arc<Self>, endpoint: &Arc<Endpoint>) -> Option<Arc<Words>> {
        match self.offers(endpoint) {
            None if settings::learner(&endpoint.server).is_some() => {
                self.learned.arriving(&Source::of(endpoint)?).await
            }
            words => words,
        }
    }

    async fn learn(
        self: Arc<Self>,
        endpoint: Arc<Endpoint>,
        source: Source,
        mut learner: Box<dyn Learner>,
    ) {
        let _turn = self.learned.turns.acquire().await;
        let server = &endpoint.server;
        let asked = ask(&endpoint, &source, learner.as_mut());
        match timeout(server.mail.timeout, asked).await {
            Ok(Some(words)) => self.learned.keep(&source, Some(words)),
            Ok(None) | Err(_) => {
                self.learned.keep(&source, None);
                tracing::debug!(
                    backend = %String::from_utf8_lossy(server.proxy.proxy_pass.as_ref().map_or(b"", |upstream| &upstream.name)),
                    "the backend did not tell what it offers"
                );
            }
        }
    }
}

impl Source {
    fn of(endpoint: &Endpoint) -> Option<Self> {
        let server = &endpoint.server;
        let upstream = server.proxy.proxy_pass.as_ref()?;
        Some(Source {
            protocol: server.protocol,
            addresses: upstream.addresses.clone(),
            host: host(&upstream.host).into(),
            server_name: server.mail.server_name.clone(),
            header: server.proxy.proxy_protocol,
            tls: endpoint.backend_tls.as_ref().map(tls::Connector::identity),
        })
    }
}

impl Learned {
    /// The list at hand, and whether the caller shall fetch a new one. Of several callers only one is told to.
    fn look(&self, source: &Source) -> (Option<Arc<Words>>, bool) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if lists.len() >= KEPT {
            lists.retain(|_, known| known.due + FRESH > now);
        }
        match lists.entry(source.clone()) {
            Entry::Occupied(mut entry) => {
                let known = entry.get_mut();
                let due = known.due <= now;
                if due {
                    known.due = now + RETRY;
                    known.asking = Some(now);
                }
                (known.words.clone(), due)
            }
            Entry::Vacant(entry) => {
                entry.insert(Known {
                    words: None,
                    due: now + RETRY,
                    asking: Some(now),
                });
                (None, true)
            }
        }
    }

    /// The end of asking: with a list, or without.
    fn keep(&self, source: &Source, words: Option<Words>) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lists.get_mut(source) {
            known.asking = None;
            if let Some(words) = words {
                known.words = Some(Arc::new(words));
                known.due = Instant::now() + FRESH;
            }
        }
        self.news.notify_waiters();
    }

    /// The list, once it is here; `None` when it does not come soon.
    async fn arriving(&self, source: &Source) -> Option<Arc<Words>> {
        loop {
            let news = self.news.notified();
            let asking = {
                let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
                let known = lists.get(source)?;
                if known.words.is_some() {
                    return known.words.clone();
                }
                known.asking?
            };
            let left = (asking + MOMENT).checked_duration_since(Instant::now())?;
            timeout(left, news).await.ok()?;
        }
    }
}

/// Asks the first address that answers.
async fn ask(endpoint: &Endpoint, source: &Source, learner: &mut dyn Learner) -> Option<Words> {
    let server = &endpoint.server;
    let patience = server.proxy.proxy_connect_timeout;
    for address in &source.addresses {
        if let Ok(Ok(socket)) = timeout(patience, Socket::connect(address)).await {
            // Nobody's connection but our own. Postfix takes no `UNKNOWN`.
            let header = source::own_header(server.proxy.proxy_protocol, &socket);
            let mut line = Line::new(socket, server.proxy.proxy_buffer);
            if let Some(header) = header {
                line.begin(&header).await.ok()?;
            }
            let whom = Whom {
                host: &source.host,
                helo: None,
            };
            secure(&mut line, endpoint, whom, |_| ()).await.ok()?;
            return converse(line, learner).await;
        }
    }
    None
}

async fn converse(mut line: Line, learner: &mut dyn Learner) -> Option<Words> {
    let mut out = Vec::new();
    loop {
        let reply = line
            .exchange(&mut out, |bytes| learner.whole(bytes))
            .await
            .ok()?;
        match learner.advance(&reply, &mut out) {
            Lesson::Read => {}
            Lesson::Unexpected => return None,
            Lesson::Learned(words) => {
                // The goodbye is politeness: whether it arrives does not matter.
                let mut backend = line.into_bridge().backend;
                let _ = backend.write_all(&out).await;
                let _ = backend.shutdown().await;
                return Some(words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(protocol: Protocol) -> Source {
        Source {
            protocol,
            addresses: Vec::new(),
            host: Box::default(),
            server_name: Box::default(),
            header: ProxyProtocol::Off,
            tls: None,
        }
    }

    #[test]
    fn one_caller_fetches() {
        let asked = source(Protocol::Smtp);
        let learned = Learned::default();
        assert_eq!(learned.look(&asked), (None, true));
        assert_eq!(learned.look(&asked), (None, false));
        learned.keep(&asked, Some([b"DSN".as_slice().into()].into()));
        let (words, due) = learned.look(&asked);
        assert_eq!((words.map(|words| words.len()), due), (Some(1), false));
    }

    #[tokio::test]
    async fn the_first_list_is_waited_for() {
        let asked = source(Protocol::Pop3);
        let learned = Arc::new(Learned::default());
        assert!(learned.arriving(&asked).await.is_none(), "nobody asks");
        learned.look(&asked);
        let waiter = tokio::spawn({
            let (learned, asked) = (learned.clone(), asked.clone());
            async move { learned.arriving(&asked).await.is_some() }
        });
        tokio::task::yield_now().await;
        learned.keep(&asked, Some(Box::default()));
        assert!(waiter.await.expect("the waiter"));
        let other = source(Protocol::Imap);
        learned.look(&other);
        learned.keep(&other, None);
        assert!(learned.arriving(&other).await.is_none(), "it will not come");
    }
}
