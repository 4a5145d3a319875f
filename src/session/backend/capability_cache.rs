//! The capabilities of backends, for servers that announce those of their backend: each backend is asked once a minute at most,
//! over a separate connection, and only the first client waits for the answer.
//!
//! [`CapabilityCache`] hands out one [`BackendCapabilities`] for each source of a list when a generation is built; sessions
//! reach it through their endpoint's [`Backends`], without a lock.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::Backends;
use super::not_offered::NotOffered;
use super::probe::ask;
use crate::base::{Level, Protocol, Registry, TlvName};
use crate::config::{Admission, Method, Methods, ProxyProtocol, Server, UpstreamGroup};
use crate::proto::CapabilityList;
use crate::proto::backend::capability_probe::Answer;
use crate::proto::client::READING;
use crate::proto::{dialogues, sasl};
use crate::session::phase::Phase;
use crate::tls;

/// How long a list is fresh. An older one is still announced while a new one is fetched.
const FRESH: Duration = Duration::from_secs(60);
/// How soon a backend is asked again when it has not answered.
const RETRY: Duration = Duration::from_secs(5);
/// How long a client may wait for the first list, from when that was asked for.
const MOMENT: Duration = Duration::from_millis(250);
/// The most backends that are asked at the same time.
const PROBES: usize = 16;

/// Where a list comes from, and what was sent to get it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    protocol: Protocol,
    group: Arc<UpstreamGroup>,
    server_name: Box<[u8]>,
    /// The PROXY header: a backend may announce one list to clients that send it and another one to the rest.
    header: ProxyProtocol,
    /// The header's extensions: those without variables.
    tlvs: Vec<(TlvName, Vec<u8>)>,
    /// The TLS of the connection: through another one, or in clear text, another server may have answered.
    tls: Option<tls::ConnectorId>,
}

/// The lists of all generations. A list outlives a reload if the new generation has a server with the same source.
#[derive(Debug)]
pub struct CapabilityCache {
    entries: Registry<Source, BackendCapabilities>,
    probes: Arc<Semaphore>,
}

impl Default for CapabilityCache {
    fn default() -> Self {
        CapabilityCache {
            entries: Registry::default(),
            probes: Arc::new(Semaphore::new(PROBES)),
        }
    }
}

/// The extensions in the PROXY header of a probe.
fn literal_tlvs(server: &Server) -> Vec<(TlvName, Vec<u8>)> {
    let tlvs = server.sent_tlvs().iter();
    tlvs.filter_map(|tlv| Some((tlv.name, tlv.value.literal()?)))
        .collect()
}

impl CapabilityCache {
    /// The entry of a server's backend; `None` where the backend is not asked. `tls` is what `proxy_ssl` makes of the
    /// connection.
    pub fn get(
        &self,
        server: &Server,
        tls: Option<&tls::Connector>,
    ) -> Option<Arc<BackendCapabilities>> {
        dialogues::capability_probe(server)?;
        let upstream = server.authenticator.upstream()?;
        Some(self.entry(Source {
            protocol: server.protocol(),
            group: Arc::clone(&upstream.group),
            server_name: server.name.clone(),
            header: server.proxy.proxy_protocol,
            tlvs: literal_tlvs(server),
            tls: tls.map(tls::Connector::id),
        }))
    }

    fn entry(&self, source: Source) -> Arc<BackendCapabilities> {
        let make = |_: &Source| Ok::<_, Infallible>(BackendCapabilities::new(self.probes.clone()));
        let Ok(entry) = self.entries.get_or_make(source, make);
        entry
    }
}

/// The capabilities that one backend announces.
#[derive(Debug)]
pub struct BackendCapabilities {
    list: ArcSwapOption<CapabilityList>,
    created: Instant,
    /// When it is time to ask again, in milliseconds after `created`.
    due: AtomicU64,
    /// Since when the backend is being asked.
    asked: watch::Sender<Option<Instant>>,
    /// The log says that no client can log in.
    reported: AtomicBool,
    /// Limits the backends that are asked at the same time.
    probes: Arc<Semaphore>,
}

impl BackendCapabilities {
    fn new(probes: Arc<Semaphore>) -> Self {
        BackendCapabilities {
            list: ArcSwapOption::empty(),
            created: Instant::now(),
            due: AtomicU64::new(0),
            asked: watch::Sender::new(None),
            reported: AtomicBool::new(false),
            probes,
        }
    }

    /// Whether the caller must fetch a new list: `true` for only one of several callers.
    fn begins(&self) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        let begins = self.now() >= due && self.postpone(due, RETRY);
        if begins {
            self.asked.send_replace(Some(Instant::now()));
        }
        begins
    }

    /// Keeps the new list, if one came.
    fn keep(&self, list: Option<CapabilityList>) {
        if let Some(list) = list {
            self.list.store(Some(Arc::new(list)));
            let due = self.due.load(Ordering::Relaxed);
            self.postpone(due, FRESH);
        }
        self.asked.send_replace(None);
    }

    /// The first list; `None` when it does not come soon, or at all.
    async fn first(&self) -> Option<Arc<CapabilityList>> {
        let mut asked = self.asked.subscribe();
        let since = *asked.borrow();
        if let Some(since) = since {
            let answered = asked.wait_for(Option::is_none);
            // The wait ends at that time even without a list.
            let _ = timeout_at(since + MOMENT, answered).await;
        }
        self.list.load_full()
    }

    fn now(&self) -> u64 {
        millis(self.created.elapsed())
    }

    /// Sets the time to ask again, unless another caller has done so.
    fn postpone(&self, due: u64, by: Duration) -> bool {
        let next = self.now() + millis(by);
        let set = (self.due).compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed);
        set.is_ok()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Backends {
    /// The backend's capabilities, if they are known. Starts to fetch a new list when that is due; the caller does not wait
    /// for it.
    pub fn capabilities(self: &Arc<Self>) -> Option<Arc<CapabilityList>> {
        let entry = self.capabilities.as_ref()?;
        if entry.begins() {
            tokio::spawn(probe(self.clone(), entry.clone()));
        }
        entry.list.load_full()
    }

    /// The same for a client that has just connected: it waits briefly for the first list.
    pub async fn first_capabilities(self: &Arc<Self>) -> Option<Arc<CapabilityList>> {
        match self.capabilities() {
            None => self.capabilities.as_ref()?.first().await,
            list => list,
        }
    }
}

/// Asks a backend, and keeps its answer.
async fn probe(backends: Arc<Backends>, entry: Arc<BackendCapabilities>) {
    let _permit = entry.probes.acquire().await;
    let server = &backends.server;
    let answer = timeout(server.mail.timeout, ask_peers(&backends)).await;
    let mut answer = answer.unwrap_or_default();
    if let Some(answer) = &mut answer
        && server.proxy.proxy_protocol == ProxyProtocol::V2
    {
        // The header tells the backend of the client's TLS, for which it may offer more than the probe has seen.
        answer.list.methods = Methods::ALL;
    }
    match &answer {
        Some(answer) => report(&backends, &entry, answer),
        None => tracing::debug!(
            backend = %name(server),
            "the backend did not announce its capabilities"
        ),
    }
    entry.keep(answer.map(|answer| answer.list));
}

/// Writes that no client can log in, once until one can.
fn report(backends: &Backends, entry: &BackendCapabilities, answer: &Answer) {
    let server = &backends.server;
    let mut wanted = server.methods();
    wanted.remove(Method::None);
    wanted.remove(Method::Apop);
    let lacking = !wanted.is_empty() && wanted.common(answer.list.methods).is_empty();
    if entry.reported.swap(lacking, Ordering::Relaxed) || !lacking {
        return;
    }
    let names: Vec<_> = sasl::client::names(wanted).collect();
    let line = NotOffered {
        server,
        mechanisms: &names.join(" "),
        offer: &answer.offer,
        tls: backends.tls.is_some(),
    };
    let upstream = name(server);
    let message = format_args!("no client can log in: {line}, upstream: {upstream}");
    backends.log.line(Level::Error, None, message);
}

/// The name of a server's backend.
fn name(server: &Server) -> Cow<'_, str> {
    let upstream = server.authenticator.upstream();
    String::from_utf8_lossy(upstream.map_or(&[], |upstream| &*upstream.name))
}

/// Asks the first peer that answers.
async fn ask_peers(backends: &Backends) -> Option<Answer> {
    // A probe has no log lines.
    let phase = &mut Phase::Backend(READING);
    for peer in backends.balancers().next()?.peers() {
        let (address, host) = (&peer.address, &peer.server.host);
        let dialogue = dialogues::capability_probe(&backends.server)?;
        if peer.server.admission == Admission::Open
            && let Ok((answer, connection)) = ask(backends, address, host, dialogue, phase).await
        {
            connection.leave(answer.quit).await;
            return Some(answer);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UpstreamServer;

    fn source(protocol: Protocol) -> Source {
        Source {
            protocol,
            group: Arc::new(UpstreamGroup::of_one(UpstreamServer::default())),
            server_name: Box::default(),
            header: ProxyProtocol::Off,
            tlvs: Vec::new(),
            tls: None,
        }
    }

    fn entry() -> BackendCapabilities {
        BackendCapabilities::new(Arc::new(Semaphore::new(1)))
    }

    #[test]
    fn a_source_has_one_entry_while_it_is_used() {
        let cache = CapabilityCache::default();
        let smtp = cache.entry(source(Protocol::Smtp));
        assert!(Arc::ptr_eq(&smtp, &cache.entry(source(Protocol::Smtp))));
        assert!(!Arc::ptr_eq(&smtp, &cache.entry(source(Protocol::Imap))));
        smtp.keep(Some(CapabilityList::default()));
        drop(smtp);
        assert!(cache.entry(source(Protocol::Smtp)).list.load().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_fetches() {
        let entry = entry();
        assert!(entry.begins());
        assert!(!entry.begins());
        tokio::time::advance(RETRY).await;
        assert!(entry.begins(), "nobody answered");
        let list = CapabilityList::configured(&[b"DSN".as_slice().into()]);
        entry.keep(Some(list));
        let list = entry.list.load_full();
        assert_eq!(list.map(|list| list.words.len()), Some(1));
        tokio::time::advance(FRESH - Duration::from_millis(1)).await;
        assert!(!entry.begins());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(entry.begins());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_list_is_waited_for() {
        let entry = entry();
        assert!(entry.first().await.is_none(), "nobody asks");
        entry.begins();
        let (first, ()) = tokio::join!(entry.first(), async {
            tokio::task::yield_now().await;
            entry.keep(Some(CapabilityList::default()));
        });
        assert!(first.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_does_not_come_is_not_waited_for() {
        let refused = entry();
        refused.begins();
        let (first, ()) = tokio::join!(refused.first(), async { refused.keep(None) });
        assert!(first.is_none());
        assert_eq!(refused.created.elapsed(), Duration::ZERO);
        let slow = entry();
        slow.begins();
        assert!(slow.first().await.is_none());
        assert_eq!(slow.created.elapsed(), MOMENT);
    }
}
