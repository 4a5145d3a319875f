//! The TLS files of a configuration: those that belong together, and those that a running gateway reads again when they change
//! (`ssl_certificate_watch`).

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::config::Config;
use super::server::{Authenticator, Server};
use super::sockets::Route;
use crate::config::model::{ClientTls, PassPhrases, TlsFile, TlsMaterial};

/// Files that are used together.
pub type Group = BTreeSet<PathBuf>;

/// The files of certificates, keys, revocation lists and CAs, in groups of those that change at the same time: a certificate and its key
/// with all that share one of these files, the CAs and the lists of a server. A file is in one group.
pub fn watched(config: &Config) -> BTreeSet<Group> {
    let watched = routes(config).filter(|route| route.server.ssl.ssl_certificate_watch);
    let mut groups = Groups::default();
    for route in watched {
        if let Some(tls) = route.tls.tls() {
            let pairs = tls.pairs.iter();
            pairs.for_each(|(certificate, key)| groups.add([certificate, key]));
            groups.add(of_verification(tls));
        }
        for tls in peers(&route.server) {
            let pair = tls.pair.iter();
            groups.add(pair.flat_map(|(certificate, key)| [certificate, key]));
            groups.add(of_peer_verification(tls));
        }
    }
    groups
        .all
        .into_iter()
        .filter(|one| !one.is_empty())
        .collect()
}

/// Groups that have no file in common.
#[derive(Default)]
struct Groups {
    /// Empty where a group has become part of another one.
    all: Vec<Group>,
    /// The place of the group of each file.
    places: HashMap<PathBuf, usize>,
}

impl Groups {
    /// Adds a group, joined with those that have a file of it.
    fn add<'f>(&mut self, files: impl IntoIterator<Item = &'f TlsFile>) {
        // Text within the configuration has no file.
        let files = files
            .into_iter()
            .filter(|file| file.path != Path::new("data:"));
        let mut group: Group = files.map(|file| file.path.clone()).collect();
        let known: BTreeSet<_> = group
            .iter()
            .filter_map(|path| self.places.get(path))
            .collect();
        for place in known {
            group.append(&mut self.all[*place]);
        }
        for path in &group {
            self.places.insert(path.clone(), self.all.len());
        }
        self.all.push(group);
    }
}

/// The certificates and keys that the gateway presents to clients and other servers, with pass phrases for the keys.
pub fn pairs(config: &Config) -> impl Iterator<Item = (&TlsFile, &TlsFile, &PassPhrases)> {
    routes(config).flat_map(|route| {
        let own = route.tls.tls().into_iter().flat_map(|tls| {
            let pairs = tls.pairs.iter();
            pairs.map(|(certificate, key)| (certificate, key, &tls.passwords))
        });
        let peers = peers(&route.server).filter_map(|tls| {
            let (certificate, key) = tls.pair.as_ref()?;
            Some((certificate, key, &tls.passwords))
        });
        own.chain(peers)
    })
}

/// The files of a server that are watched.
pub fn of_server(tls: &TlsMaterial) -> impl Iterator<Item = &TlsFile> {
    let pairs = tls.pairs.iter().flat_map(|(chain, key)| [chain, key]);
    pairs.chain(of_verification(tls))
}

/// The files for connections to other servers that are watched.
pub fn of_client(tls: &ClientTls) -> impl Iterator<Item = &TlsFile> {
    let pair = tls.pair.iter().flat_map(|(chain, key)| [chain, key]);
    pair.chain(of_peer_verification(tls))
}

fn of_verification(tls: &TlsMaterial) -> impl Iterator<Item = &TlsFile> {
    let files = [&tls.client_cas, &tls.trusted_cas, &tls.crl];
    files.into_iter().flatten()
}

fn of_peer_verification(tls: &ClientTls) -> impl Iterator<Item = &TlsFile> {
    let verify = tls.verify.as_ref();
    let files = verify.map(|verify| [&verify.roots, &verify.crl]);
    files.into_iter().flatten().flatten()
}

fn routes(config: &Config) -> impl Iterator<Item = &Route> {
    config.sockets.iter().flat_map(|socket| &socket.routes)
}

/// TLS for connections to the auth server, the backend and the store of the limits.
fn peers(server: &Server) -> impl Iterator<Item = &ClientTls> {
    let auth = match &server.authenticator {
        Authenticator::AuthHttp { server, .. } => server.tls.as_ref(),
        Authenticator::Backend(_) => None,
    };
    let limits = server.limits.as_ref();
    let store = limits.and_then(|limits| limits.store.as_ref());
    let store = store.and_then(|store| store.tls.as_deref());
    [auth, server.backend_tls.tls(), store]
        .into_iter()
        .flatten()
}
