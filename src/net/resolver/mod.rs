//! Looks up names and addresses for running sessions, with the name servers of a `resolver` directive or the system's.
//!
//! Answers are cached for their time to live or for `valid=`, and concurrent equal queries share one request. A resolver outlives a reload
//! that names the same servers.

mod absent;
mod error;
mod name_servers;
mod provider;
mod system;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time;

pub use error::ResolveError;
use name_servers::NameServers;
pub use system::SystemNames;

use crate::base::Registry;
use crate::config;

/// How long the first answer (A or AAAA) waits for the other, where any address is sufficient (compare RFC 8305 section 3).
const GRACE: Duration = Duration::from_secs(2);
/// The time to live of an address that is written in place of a name.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// Looks up names and addresses, each within `resolver_timeout`.
#[derive(Clone, Debug)]
pub struct Resolver {
    source: Arc<Source>,
    timeout: Duration,
}

/// Records and their time to live.
type Answer = Result<(Vec<RData>, Duration), ResolveError>;

#[derive(Debug)]
enum Source {
    /// `resolver address …`
    Configured(NameServers),
    /// No `resolver`: /etc/hosts and the name servers of /etc/resolv.conf.
    System(SystemNames, OnceLock<Option<Box<TokioResolver>>>),
}

/// The resolvers that are in use, by their configuration. It outlives every reload.
#[derive(Debug, Default)]
pub struct Resolvers(Registry<config::Resolver, Source>);

impl Resolvers {
    /// The resolver of a configuration. Without name servers in it, one that finds nothing.
    pub fn get(&self, configuration: &config::Resolver, timeout: Duration) -> Resolver {
        let config::Resolver::Servers {
            addresses,
            valid,
            ipv4,
            ipv6,
        } = configuration
        else {
            return Resolver::system(SystemNames::default()).with_timeout(timeout);
        };
        let Ok(source) = self.0.get_or_make(configuration.clone(), |_| {
            let servers = NameServers::new(addresses, *valid, (*ipv4, *ipv6));
            Ok::<_, Infallible>(Source::Configured(servers))
        });
        Resolver { source, timeout }
    }
}

impl Resolver {
    /// The system's resolver. Its clones share a cache. A look-up takes no time at all: see [`Resolver::with_timeout`].
    pub fn system(names: SystemNames) -> Self {
        Self {
            source: Arc::new(Source::System(names, OnceLock::new())),
            timeout: Duration::ZERO,
        }
    }

    /// The same resolver with another `resolver_timeout`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let source = Arc::clone(&self.source);
        Self { source, timeout }
    }

    /// The addresses of a host, A before AAAA, and their time to live. A name that is an address is that address.
    ///
    /// # Errors
    /// The host has no address, or none is found in time. An error about one family is ignored if the other has addresses.
    pub async fn addresses(
        &self,
        name: &str,
        port: u16,
    ) -> Result<(Vec<SocketAddr>, Duration), ResolveError> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok((vec![SocketAddr::new(address, port)], FOR_EVER));
        }
        let name = Name::from_ascii(name).map_err(|_| ResolveError::NOT_FOUND)?;
        let (found, valid, error) = self.hosts(name, GRACE).await;
        if found.is_empty() {
            return Err(error.unwrap_or(ResolveError::NOT_FOUND));
        }
        let found = found.into_iter().map(|ip| SocketAddr::new(ip, port));
        Ok((found.collect(), valid))
    }

    /// All addresses of a host, A before AAAA, and their time to live.
    ///
    /// # Errors
    /// The host has no address, or the look-up of one family failed, so that addresses may be missing.
    pub async fn each_address(
        &self,
        name: &str,
        port: u16,
    ) -> Result<(Vec<SocketAddr>, Duration), ResolveError> {
        let name = Name::from_ascii(name).map_err(|_| ResolveError::NOT_FOUND)?;
        match self.hosts(name, self.timeout).await {
            (_, _, Some(error)) => Err(error),
            (found, ..) if found.is_empty() => Err(ResolveError::NOT_FOUND),
            (found, valid, None) => {
                let found = found.into_iter().map(|ip| SocketAddr::new(ip, port));
                Ok((found.collect(), valid))
            }
        }
    }

    /// All addresses of a name from another answer.
    ///
    /// # Errors
    /// The name has no address, or the look-up of one family failed, so that addresses may be missing.
    pub async fn addresses_of(&self, name: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
        match self.hosts(name.0.clone(), self.timeout).await {
            (_, _, Some(error)) => Err(error),
            (found, ..) if found.is_empty() => Err(ResolveError::NOT_FOUND),
            (found, ..) => Ok(found),
        }
    }

    /// The first name of an address (PTR).
    ///
    /// # Errors
    /// The address has no name, or none is found in time.
    pub async fn name_of(&self, address: IpAddr) -> Result<HostName, ResolveError> {
        let name = Name::from(address.to_canonical());
        let (found, _) = self.records(name, RecordType::PTR).await?;
        found
            .into_iter()
            .find_map(|data| match data {
                // As in nginx, whatever the case that the server uses.
                RData::PTR(name) => Some(HostName(name.0.to_lowercase())),
                _ => None,
            })
            .ok_or(ResolveError::NOT_FOUND)
    }

    /// The addresses of both families (A before AAAA), their time to live, and the error of one family. After the first answer the other is
    /// awaited for `grace` at most.
    async fn hosts(
        &self,
        name: Name,
        grace: Duration,
    ) -> (Vec<IpAddr>, Duration, Option<ResolveError>) {
        let (ipv4, ipv6) = self.source.families();
        let ask = async |wanted: bool, kind| match wanted {
            true => self.records(name.clone(), kind).await,
            false => Err(ResolveError::NOT_FOUND),
        };
        let (four, six) = (ask(ipv4, RecordType::A), ask(ipv6, RecordType::AAAA));
        let (mut four, mut six) = (pin!(four), pin!(six));
        // Where one family is in /etc/hosts, there may be no name server for the other.
        let late = |found: bool| if found { grace } else { self.timeout };
        let (four, six) = tokio::select! {
            four = &mut four => {
                let six = time::timeout(late(four.is_ok()), six).await;
                (four, six.unwrap_or(Err(ResolveError::TIMED_OUT)))
            }
            six = &mut six => {
                let four = time::timeout(late(six.is_ok()), four).await;
                (four.unwrap_or(Err(ResolveError::TIMED_OUT)), six)
            }
        };
        self.source
            .note_absent(&name, [(RecordType::A, &four), (RecordType::AAAA, &six)]);
        let (mut found, mut valid, mut error) = (Vec::new(), FOR_EVER, None);
        for answer in [four, six] {
            match answer {
                Ok((data, time)) => {
                    found.extend(data.iter().filter_map(RData::ip_addr));
                    valid = valid.min(time);
                }
                // A name may have addresses of one family alone.
                Err(ResolveError::NOT_FOUND) => {}
                Err(other) => error = Some(other),
            }
        }
        (found, valid, error)
    }

    async fn records(
        &self,
        name: Name,
        kind: RecordType,
    ) -> Result<(Vec<RData>, Duration), ResolveError> {
        match time::timeout(self.timeout, self.source.records(name, kind)).await {
            Ok(answer) => answer.map_err(|error| ResolveError::of(&error)),
            Err(_) => Err(ResolveError::TIMED_OUT),
        }
    }
}

impl Source {
    /// Whether A and AAAA records are looked up.
    fn families(&self) -> (bool, bool) {
        match self {
            Self::Configured(servers) => servers.families,
            Self::System(..) => (true, true),
        }
    }

    /// Notes a family in which the name has no address, for the time that those of the other one are valid.
    fn note_absent(&self, name: &Name, [four, six]: [(RecordType, &Answer); 2]) {
        let Self::Configured(servers) = self else {
            return;
        };
        for ((kind, answer), (_, other)) in [(four, six), (six, four)] {
            if let (Err(ResolveError::NOT_FOUND), Ok((_, valid))) = (answer, other) {
                let mut name = name.clone();
                name.set_fqdn(true);
                servers.absent.insert(&name, kind, *valid);
            }
        }
    }

    /// The records of one type and their time to live.
    async fn records(
        &self,
        name: Name,
        kind: RecordType,
    ) -> Result<(Vec<RData>, Duration), NetError> {
        match self {
            Self::Configured(servers) => servers.records(name, kind).await,
            Self::System(names, resolver) => {
                let resolver = resolver.get_or_init(|| names.resolver()).as_ref();
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

/// A host name from an answer. Its labels may have any bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(Name);

impl HostName {
    /// The labels separated by dots, without the last dot.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.iter().collect::<Vec<_>>().join(&b'.')
    }

    /// The name as text, if it consists of letters, digits, hyphens and dots.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let bytes = self.bytes();
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let is_plain = !bytes.is_empty() && bytes.iter().all(is_plain);
        is_plain.then(|| String::from_utf8(bytes).ok()).flatten()
    }
}
