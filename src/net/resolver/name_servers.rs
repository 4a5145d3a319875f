//! Queries to configured name servers: cached, sent to one server after another, with CNAMEs followed.
//!
//! hickory's resolver answers queries for loopback addresses and `localhost` itself, while nginx sends a query for every client. So only
//! hickory's pool of name servers and its cache are used here.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, ResponseCache, TlsConfig, TtlConfig};
use tokio::time::sleep;

use super::absent::Absent;
use super::provider::Provider;
use crate::base::Address;

/// How long one server may take before the next is queried, as in nginx.
const SERVER_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after a query that could not be sent.
const PAUSE: Duration = Duration::from_millis(500);
/// The size of the cache, in answers.
const CACHE: u64 = 8192;
/// The largest number of CNAMEs that are followed, as in nginx.
const CNAMES: usize = 8;

/// The servers of one `resolver` directive.
pub(super) struct NameServers {
    /// One pool for each server, since the order of servers is decided here. A pool shares concurrent equal queries.
    servers: Vec<NameServerPool<Provider>>,
    cache: ResponseCache,
    pub absent: Absent,
    /// Whether A and AAAA records are looked up.
    pub families: (bool, bool),
}

impl NameServers {
    pub fn new(addresses: &[Address], valid: Option<Duration>, families: (bool, bool)) -> Self {
        let mut options = ResolverOpts::default();
        options.timeout = SERVER_TIMEOUT;
        options.edns0 = false;
        (options.positive_min_ttl, options.positive_max_ttl) = (valid, valid);
        let ttl = TtlConfig::from_opts(&options);
        // Cannot fail without TLS. If it does, there is no server to query.
        let context = TlsConfig::new().map(|tls| Arc::new(PoolContext::new(options, tls)));
        let pool = |server| {
            let context = Arc::clone(context.as_ref().ok()?);
            Some(NameServerPool::from_config(
                [server],
                context,
                Provider::default(),
            ))
        };
        let servers = addresses.iter().filter_map(server);
        Self {
            servers: servers.filter_map(pool).collect(),
            cache: ResponseCache::new(CACHE, ttl),
            absent: Absent::default(),
            families,
        }
    }

    /// The records of one type at the end of a name's CNAMEs, and their time to live.
    pub async fn records(
        &self,
        mut name: Name,
        kind: RecordType,
    ) -> Result<(Vec<RData>, Duration), NetError> {
        name.set_fqdn(true);
        if self.absent.has(&name, kind) {
            let query = Query::query(name, kind);
            return Err(NoRecords::new(query, ResponseCode::NoError).into());
        }
        let (mut followed, mut ttl) = (0, u32::MAX);
        loop {
            let query = Query::query(name.clone(), kind);
            let answer = self.answer(&query).await?;
            while let Some((target, time)) = cname(&answer, &name) {
                (name, ttl, followed) = (target, ttl.min(time), followed + 1);
                if followed > CNAMES {
                    return Err(NoRecords::new(query, ResponseCode::NXDomain).into());
                }
            }
            let own = |record: &&Record| record.name == name && record.record_type() == kind;
            let found: Vec<_> = answer.answers.iter().filter(own).collect();
            if found.is_empty() && &name == query.name() {
                if !answer.answers.is_empty() {
                    return Err(unusable(&answer, kind));
                }
                return Err(NoRecords::new(query, ResponseCode::NXDomain).into());
            }
            if !found.is_empty() {
                let ttl = found.iter().map(|record| record.ttl).fold(ttl, u32::min);
                let data = found.iter().map(|record| record.data.clone()).collect();
                return Ok((data, Duration::from_secs(ttl.into())));
            }
        }
    }

    /// The answer to one query: from the cache, or from the first server that answers. The caller limits the time.
    async fn answer(&self, query: &Query) -> Result<Message, NetError> {
        if let Some(known) = self.cache.get(query, Instant::now()) {
            return known;
        }
        let mut refused = 0;
        // Equal queries begin with the same server, so that concurrent ones share a request.
        let mut turn = first_server(query);
        loop {
            let began = Instant::now();
            let server = self.servers.get(turn % self.servers.len().max(1));
            let server = server.ok_or(NetError::NoConnections)?;
            let asked = server.lookup(query.clone(), DnsRequestOptions::default());
            let answer = asked.first_answer().await.map(DnsResponse::into_message);
            turn = turn.wrapping_add(1);
            match &answer {
                // nginx keeps no answer that says that there are no records.
                Err(NetError::Dns(DnsError::NoRecordsFound(_))) => return answer,
                Ok(message) if !has_records(message, query.query_type()) => return answer,
                Ok(_) => {
                    self.cache
                        .insert(query.clone(), answer.clone(), Instant::now());
                    // The entry is read back, because `valid=` changes its time to live.
                    return self.cache.get(query, Instant::now()).unwrap_or(answer);
                }
                // After SERVFAIL and similar codes the next server is queried.
                Err(NetError::Dns(DnsError::ResponseCode(code))) if is_answer(*code) => {
                    refused += 1;
                    if refused >= self.servers.len() {
                        return answer;
                    }
                }
                Err(_) if began.elapsed() < PAUSE => sleep(PAUSE).await,
                Err(_) => {}
            }
        }
    }
}

fn server(address: &Address) -> Option<NameServerConfig> {
    let Address::Inet(address) = address else {
        return None;
    };
    let mut ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for way in &mut ways {
        way.port = address.port();
    }
    Some(NameServerConfig::new(address.ip(), true, ways.into()))
}

/// Whether an answer has records of this type, or CNAMEs that lead to them.
fn has_records(answer: &Message, kind: RecordType) -> bool {
    let wanted = [kind, RecordType::CNAME];
    let mut types = answer.answers.iter().map(Record::record_type);
    types.any(|found| wanted.contains(&found))
}

/// The error of an answer that has records, but none that was asked for. nginx waits for another answer until
/// `resolver_timeout`; none will come.
fn unusable(answer: &Message, kind: RecordType) -> NetError {
    for record in &answer.answers {
        let found = u16::from(record.record_type());
        tracing::error!("unexpected RR type {found} in DNS response");
    }
    let wanted = match kind {
        RecordType::PTR => "PTR type",
        _ => "A or CNAME types",
    };
    tracing::error!("no {wanted} in DNS response");
    NetError::Timeout
}

/// Whether a response code counts as an answer. As in nginx, codes above REFUSED do not.
fn is_answer(code: ResponseCode) -> bool {
    u16::from(code) <= u16::from(ResponseCode::Refused)
}

/// The server that a query is sent to first: always the same for equal queries.
fn first_server(query: &Query) -> usize {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    usize::try_from(hasher.finish() >> 32).unwrap_or_default()
}

/// The target of a name's CNAME and its time to live.
fn cname(answer: &Message, name: &Name) -> Option<(Name, u32)> {
    answer.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record.name == *name => Some((target.0.clone(), record.ttl)),
        _ => None,
    })
}

impl fmt::Debug for NameServers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NameServers")
            .field("servers", &self.servers.len())
            .finish_non_exhaustive()
    }
}
