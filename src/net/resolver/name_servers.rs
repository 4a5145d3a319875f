//! Questions to configured name servers: cached, asked of one server after the other, CNAMEs followed.
//!
//! hickory's own resolver answers for loopback addresses and `localhost` by itself; nginx asks about every client. So only its
//! pool of name servers and its cache are used here.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, ResponseCache, TlsConfig, TtlConfig};
use tokio::time::sleep;

use crate::base::Address;

/// How long one server is waited for before the next is asked, as in nginx.
const TURN: Duration = Duration::from_secs(5);
/// The pause after a server that cannot even be asked.
const PAUSE: Duration = Duration::from_millis(500);
/// Answers that are kept.
const KEPT: u64 = 8192;
/// CNAMEs that are followed; nginx has the same limit.
const CHAIN: usize = 8;

/// The servers of one `resolver` directive.
pub(super) struct NameServers {
    /// One pool for each server: which is asked first is decided here. A pool shares a question that is being asked.
    servers: Vec<NameServerPool<TokioRuntimeProvider>>,
    cache: ResponseCache,
    /// Whether A and AAAA records are asked for.
    pub families: (bool, bool),
}

impl NameServers {
    pub fn new(addresses: &[Address], valid: Option<Duration>, families: (bool, bool)) -> Self {
        let mut options = ResolverOpts::default();
        options.timeout = TURN;
        options.edns0 = false;
        (options.positive_min_ttl, options.positive_max_ttl) = (valid, valid);
        let ttl = TtlConfig::from_opts(&options);
        // Without TLS in it this cannot fail; if it did, nobody could be asked.
        let context = TlsConfig::new().map(|tls| Arc::new(PoolContext::new(options, tls)));
        let pool = |server| {
            let provider = TokioRuntimeProvider::default();
            let context = Arc::clone(context.as_ref().ok()?);
            Some(NameServerPool::from_config([server], context, provider))
        };
        let servers = addresses.iter().filter_map(server);
        Self {
            servers: servers.filter_map(pool).collect(),
            cache: ResponseCache::new(KEPT, ttl),
            families,
        }
    }

    /// The records of one kind at the end of a name's CNAMEs, and how long they hold.
    pub async fn records(
        &self,
        mut name: Name,
        kind: RecordType,
    ) -> Result<(Vec<RData>, Duration), NetError> {
        name.set_fqdn(true);
        let (mut followed, mut ttl) = (0, u32::MAX);
        loop {
            let query = Query::query(name.clone(), kind);
            let answer = self.answer(&query).await?;
            while let Some((target, time)) = cname(&answer, &name) {
                (name, ttl, followed) = (target, ttl.min(time), followed + 1);
                if followed > CHAIN {
                    return Err(NoRecords::new(query, ResponseCode::NXDomain).into());
                }
            }
            let own = |record: &&Record| record.name == name && record.record_type() == kind;
            let found: Vec<_> = answer.answers.iter().filter(own).collect();
            if found.is_empty() && &name == query.name() {
                return Err(NoRecords::new(query, ResponseCode::NXDomain).into());
            }
            if !found.is_empty() {
                let ttl = found.iter().map(|record| record.ttl).fold(ttl, u32::min);
                let data = found.iter().map(|record| record.data.clone()).collect();
                return Ok((data, Duration::from_secs(ttl.into())));
            }
        }
    }

    /// One question's answer, known already or asked for until somebody answers: the caller's patience ends it.
    async fn answer(&self, query: &Query) -> Result<Message, NetError> {
        if let Some(known) = self.cache.get(query, Instant::now()) {
            return known;
        }
        let mut refused = 0;
        // The same question begins with the same server, so that all who ask it now share it.
        let mut turn = turn_of(query);
        loop {
            let began = Instant::now();
            let server = self.servers.get(turn % self.servers.len().max(1));
            let server = server.ok_or(NetError::NoConnections)?;
            let asked = server.lookup(query.clone(), DnsRequestOptions::default());
            let answer = asked.first_answer().await.map(DnsResponse::into_message);
            turn = turn.wrapping_add(1);
            match &answer {
                Ok(_) | Err(NetError::Dns(DnsError::NoRecordsFound(_))) => {
                    self.cache
                        .insert(query.clone(), answer.clone(), Instant::now());
                    // Read back, for `valid=` has changed its time to live.
                    return self.cache.get(query, Instant::now()).unwrap_or(answer);
                }
                // SERVFAIL and the like: another server may know better.
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

/// Codes past REFUSED are no answer to a plain question, as in nginx.
fn is_answer(code: ResponseCode) -> bool {
    u16::from(code) <= u16::from(ResponseCode::Refused)
}

/// Which server a question goes to first: any, but always the same.
fn turn_of(query: &Query) -> usize {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    usize::try_from(hasher.finish() >> 32).unwrap_or_default()
}

/// Where a name's CNAME leads, and for how long.
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
