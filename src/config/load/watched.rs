//! The TLS files that a running gateway reads again when they change (`ssl_certificate_watch`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::server::{Authenticator, Server};
use crate::config::model::{ClientTls, TlsFile, TlsMaterial};

/// The files of certificates, keys, revocation lists and CAs, in groups: files of one group are used together, so that a certificate
/// and its key change at the same time. A file may be in several groups.
pub fn watched_files(config: &Config) -> BTreeSet<BTreeSet<PathBuf>> {
    let routes = config.sockets.iter().flat_map(|socket| &socket.routes);
    let watched = routes.filter(|route| route.server.ssl.ssl_certificate_watch);
    let groups = watched.flat_map(|route| {
        let own = route.tls.tls().map(|tls| of_server(tls));
        own.into_iter().chain(of_peers(&route.server))
    });
    groups.filter(|group| !group.is_empty()).collect()
}

fn of_server(tls: &TlsMaterial) -> BTreeSet<PathBuf> {
    let pairs = tls.pairs.iter().flat_map(|(chain, key)| [chain, key]);
    let others = [&tls.client_cas, &tls.trusted_cas, &tls.crl];
    paths(pairs.chain(others.into_iter().flatten()))
}

/// Those for connections to the auth server and the backend.
fn of_peers(server: &Server) -> impl Iterator<Item = BTreeSet<PathBuf>> {
    let auth = match &server.authenticator {
        Authenticator::AuthHttp { server, .. } => server.tls.as_ref(),
        Authenticator::Backend(_) => None,
    };
    let peers = [auth, server.backend_tls.tls()];
    peers.into_iter().flatten().map(of_client)
}

fn of_client(tls: &ClientTls) -> BTreeSet<PathBuf> {
    let pair = tls.pair.iter().flat_map(|(chain, key)| [chain, key]);
    let verify = tls.verify.as_ref();
    let verify = verify.map(|verify| [&verify.roots, &verify.crl]);
    paths(pair.chain(verify.into_iter().flatten().flatten()))
}

fn paths<'a>(files: impl Iterator<Item = &'a TlsFile>) -> BTreeSet<PathBuf> {
    // Text within the configuration has no file.
    let named = files.filter(|file| file.path != Path::new("data:"));
    named.map(|file| file.path.clone()).collect()
}
