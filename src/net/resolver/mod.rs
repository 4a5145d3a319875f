//! Names to addresses and back, for running sessions: the name servers of a `resolver` directive, or the system's.
//!
//! What is learned is kept as long as it holds (its time to live, or `valid=`), and a question that is being asked is not
//! asked again. A resolver outlives a reload that names the same servers.

mod fault;
mod name_servers;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::timeout;

pub use fault::Fault;
use name_servers::NameServers;

use crate::config;

/// How long A records wait for AAAA records, and these for those, where any address will do (RFC 8305, 3; generously).
const GRACE: Duration = Duration::from_secs(2);
/// How long an address holds that was written as such.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// Looks names and addresses up, each within `resolver_timeout`.
#[derive(Clone, Debug)]
pub struct Resolver {
    source: Arc<Source>,
    patience: Duration,
}

#[derive(Debug)]
enum Source {
    /// `resolver address …`
    Configured(NameServers),
    /// No `resolver`: /etc/hosts and the name servers of /etc/resolv.conf, read at the first look-up.
    System(OnceLock<Option<Box<TokioResolver>>>),
}

/// The resolvers that are in use, by their configuration. It outlives every reload.
#[derive(Debug, Default)]
pub struct Resolvers(Mutex<HashMap<config::Resolver, Weak<Source>>>);

impl Resolvers {
    /// The resolver of a configuration, the one in use if there is one. Without name servers in it, the system's.
    pub fn of(&self, configuration: &config::Resolver, patience: Duration) -> Resolver {
        let config::Resolver::Servers {
            addresses,
            valid,
            ipv4,
            ipv6,
        } = configuration
        else {
            return Resolver::system(patience);
        };
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|_, source| source.strong_count() > 0);
        let source = made.get(configuration).and_then(Weak::upgrade);
        let source = source.unwrap_or_else(|| {
            let servers = NameServers::new(addresses, *valid, (*ipv4, *ipv6));
            let source = Arc::new(Source::Configured(servers));
            made.insert(configuration.clone(), Arc::downgrade(&source));
            source
        });
        Resolver { source, patience }
    }
}

impl Resolver {
    /// What the machine itself uses. Clones share what they have learned.
    pub fn system(patience: Duration) -> Self {
        Self {
            source: Arc::new(Source::System(OnceLock::new())),
            patience,
        }
    }

    /// The same resolver with another `resolver_timeout`.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        let source = Arc::clone(&self.source);
        Self { source, patience }
    }

    /// The addresses of a host, A before AAAA, and how long they hold. A name that is an address is that address.
    ///
    /// # Errors
    /// When there is none, or nobody knows in time. Nothing known of one family does no harm if the other is known.
    pub async fn addresses(
        &self,
        name: &str,
        port: u16,
    ) -> Result<(Vec<SocketAddr>, Duration), Fault> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok((vec![SocketAddr::new(address, port)], FOR_EVER));
        }
        let name = Name::from_ascii(name).map_err(|_| Fault::NOT_FOUND)?;
        let (found, valid, fault) = self.hosts(name, GRACE).await;
        if found.is_empty() {
            return Err(fault.unwrap_or(Fault::NOT_FOUND));
        }
        let found = found.into_iter().map(|ip| SocketAddr::new(ip, port));
        Ok((found.collect(), valid))
    }

    /// All addresses of a name that another answer gave.
    ///
    /// # Errors
    /// When there is none, or somebody who was asked does not know: then some may be missing.
    pub async fn addresses_of(&self, name: &HostName) -> Result<Vec<IpAddr>, Fault> {
        match self.hosts(name.0.clone(), self.patience).await {
            (_, _, Some(fault)) => Err(fault),
            (found, ..) if found.is_empty() => Err(Fault::NOT_FOUND),
            (found, ..) => Ok(found),
        }
    }

    /// The first name of an address (PTR).
    ///
    /// # Errors
    /// When it has none, or nobody knows in time.
    pub async fn name_of(&self, address: IpAddr) -> Result<HostName, Fault> {
        let name = Name::from(address.to_canonical());
        let (found, _) = self.patiently(name, RecordType::PTR).await?;
        found
            .into_iter()
            .find_map(|data| match data {
                RData::PTR(name) => Some(HostName(name.0)),
                _ => None,
            })
            .ok_or(Fault::NOT_FOUND)
    }

    /// What there is of both families, for how long, and what went wrong with one of them.
    /// A before AAAA. When one has come, the other is waited for no longer than `grace`.
    async fn hosts(&self, name: Name, grace: Duration) -> (Vec<IpAddr>, Duration, Option<Fault>) {
        let (ipv4, ipv6) = self.source.families();
        let ask = async |wanted: bool, kind| match wanted {
            true => self.patiently(name.clone(), kind).await,
            false => Err(Fault::NOT_FOUND),
        };
        let (four, six) = (ask(ipv4, RecordType::A), ask(ipv6, RecordType::AAAA));
        let (mut four, mut six) = (pin!(four), pin!(six));
        // Where one kind is in /etc/hosts, nobody may be there to ask about the other.
        let late = |found: bool| if found { grace } else { self.patience };
        let (four, six) = tokio::select! {
            four = &mut four => {
                let six = timeout(late(four.is_ok()), six).await;
                (four, six.unwrap_or(Err(Fault::TIMED_OUT)))
            }
            six = &mut six => {
                let four = timeout(late(six.is_ok()), four).await;
                (four.unwrap_or(Err(Fault::TIMED_OUT)), six)
            }
        };
        let (mut found, mut valid, mut fault) = (Vec::new(), FOR_EVER, None);
        for answer in [four, six] {
            match answer {
                Ok((data, time)) => {
                    found.extend(data.iter().filter_map(RData::ip_addr));
                    valid = valid.min(time);
                }
                // That a name has no addresses of one family is no fault.
                Err(Fault::NOT_FOUND) => {}
                Err(worse) => fault = Some(worse),
            }
        }
        (found, valid, fault)
    }

    async fn patiently(
        &self,
        name: Name,
        kind: RecordType,
    ) -> Result<(Vec<RData>, Duration), Fault> {
        match timeout(self.patience, self.source.records(name, kind)).await {
            Ok(answer) => answer.map_err(|error| Fault::of(&error)),
            Err(_) => Err(Fault::TIMED_OUT),
        }
    }
}

impl Source {
    /// Whether A and AAAA records are asked for.
    fn families(&self) -> (bool, bool) {
        match self {
            Self::Configured(servers) => servers.families,
            Self::System(_) => (true, true),
        }
    }

    /// The records of one kind, and how long they hold.
    async fn records(
        &self,
        name: Name,
        kind: RecordType,
    ) -> Result<(Vec<RData>, Duration), NetError> {
        match self {
            Self::Configured(servers) => servers.records(name, kind).await,
            Self::System(resolver) => {
                let resolver = resolver.get_or_init(of_the_system).as_ref();
                let resolver = resolver.ok_or(NetError::NoConnections)?;
                let found = resolver.lookup(name, kind).await?;
                let valid = found.valid_until();
                let data = found.answers().iter().map(|record| record.data.clone());
                let data = data.filter(|data| data.record_type() == kind).collect();
                Ok((data, valid.saturating_duration_since(Instant::now())))
            }
        }
    }
}

/// Without a readable /etc/resolv.conf only /etc/hosts is left.
fn of_the_system() -> Option<Box<TokioResolver>> {
    let provider = TokioRuntimeProvider::default;
    let builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        TokioResolver::builder_with_config(ResolverConfig::default(), provider())
    });
    builder.build().ok().map(Box::new)
}

/// A host name from an answer: any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(Name);

impl HostName {
    /// Its labels with dots between them, without the last dot.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.iter().collect::<Vec<_>>().join(&b'.')
    }

    /// As text, if it has letters, digits, hyphens and dots only.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let bytes = self.bytes();
        let fit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let fit = !bytes.is_empty() && bytes.iter().all(fit);
        fit.then(|| String::from_utf8(bytes).ok()).flatten()
    }
}
