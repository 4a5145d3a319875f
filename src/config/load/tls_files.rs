//! The TLS files of a configuration: those that belong together, and those that a running gateway reads again when they change
//! (`ssl_certificate_watch`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::server::{Authenticator, Server};
use super::sockets::Route;
use crate::config::model::{ClientTls, PassPhrases, TlsFile, TlsMaterial};

/// The files of certificates, keys, revocation lists and CAs, in groups: files of one group are used together, so that a certificate
/// and its key change at the same time. A file may be in several groups.
pub fn watched(config: &Config) -> BTreeSet<BTreeSet<PathBuf>> {
    let watched = routes(config).filter(|route| route.server.ssl.ssl_certificate_watch);
    let groups = watched.flat_map(|route| {
        let own = route.tls.tls().map(|tls| paths(of_server(tls)));
        let peers = peers(&route.server).map(|tls| paths(of_client(tls)));
        own.into_iter().chain(peers)
    });
    groups.filter(|group| !group.is_empty()).collect()
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
    let others = [&tls.client_cas, &tls.trusted_cas, &tls.crl];
    pairs.chain(others.into_iter().flatten())
}

/// The files for connections to other servers that are watched.
pub fn of_client(tls: &ClientTls) -> impl Iterator<Item = &TlsFile> {
    let pair = tls.pair.iter().flat_map(|(chain, key)| [chain, key]);
    let verify = tls.verify.as_ref();
    let verify = verify.map(|verify| [&verify.roots, &verify.crl]);
    pair.chain(verify.into_iter().flatten().flatten())
}

fn routes(config: &Config) -> impl Iterator<Item = &Route> {
    config.sockets.iter().flat_map(|socket| &socket.routes)
}

/// TLS for connections to the auth server and the backend.
fn peers(server: &Server) -> impl Iterator<Item = &ClientTls> {
    let auth = match &server.authenticator {
        Authenticator::AuthHttp { server, .. } => server.tls.as_ref(),
        Authenticator::Backend(_) => None,
    };
    [auth, server.backend_tls.tls()].into_iter().flatten()
}

fn paths<'a>(files: impl Iterator<Item = &'a TlsFile>) -> BTreeSet<PathBuf> {
    // Text within the configuration has no file.
    let named = files.filter(|file| file.path != Path::new("data:"));
    named.map(|file| file.path.clone()).collect()
}
