//! Which of a server's certificates a client gets.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Chooses by key type (RSA, ECDSA) in the client's order, as OpenSSL does.
#[derive(Debug)]
pub(super) struct ByKeyType {
    /// The last one written first: with two keys of one type, nginx uses the later one.
    keys: Vec<Arc<CertifiedKey>>,
}

impl ByKeyType {
    /// From pairs in the order written.
    pub(super) fn new(mut keys: Vec<Arc<CertifiedKey>>) -> Self {
        keys.reverse();
        Self { keys }
    }
}

impl ResolvesServerCert for ByKeyType {
    /// Nobody's type: the first written is offered all the same, so that the handshake fails with the alert that says why.
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let signs = |scheme| {
            self.keys
                .iter()
                .find(|pair| pair.key.choose_scheme(&[scheme]).is_some())
        };
        let key = client.signature_schemes().iter().copied().find_map(signs);
        key.or(self.keys.last()).cloned()
    }
}
