//! Chooses the certificate for a client: by the name that it asks for (SNI, RFC 6066), then by key type as in nginx.

use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConnection, SignatureScheme as Scheme, SupportedCipherSuite};

use crate::config::CertificateNames as Names;

/// OpenSSL's order of signature schemes, for `ssl_prefer_server_ciphers on`.
const OWN_ORDER: [Scheme; 10] = [
    Scheme::ECDSA_NISTP256_SHA256,
    Scheme::ECDSA_NISTP384_SHA384,
    Scheme::ECDSA_NISTP521_SHA512,
    Scheme::ED25519,
    Scheme::RSA_PSS_SHA256,
    Scheme::RSA_PSS_SHA384,
    Scheme::RSA_PSS_SHA512,
    Scheme::RSA_PKCS1_SHA256,
    Scheme::RSA_PKCS1_SHA384,
    Scheme::RSA_PKCS1_SHA512,
];

/// A server's pairs in the order written, with their names.
#[derive(Debug)]
pub(super) struct ByName {
    pairs: Vec<(Names, Arc<CertifiedKey>)>,
    prefer_own_order: bool,
}

impl ByName {
    /// Takes pairs in the order written.
    pub(super) fn new(keys: Vec<Arc<CertifiedKey>>, prefer_own_order: bool) -> Self {
        let named = |key: Arc<CertifiedKey>| {
            let names = key.cert.first().map(|own| Names::of(own));
            (names.unwrap_or_default(), key)
        };
        Self {
            pairs: keys.into_iter().map(named).collect(),
            prefer_own_order,
        }
    }

    /// The certificate that a client has received. rustls does not say which one it was; where a name has certificates of several
    /// key types, the cipher suite tells them apart in TLS 1.2, and in TLS 1.3 the client is taken to accept all of them.
    pub(super) fn sent_on(&self, connection: &ServerConnection) -> Option<&CertifiedKey> {
        let schemes = match connection.negotiated_cipher_suite()? {
            SupportedCipherSuite::Tls12(suite) => suite.sign,
            SupportedCipherSuite::Tls13(_) => &OWN_ORDER,
        };
        let (first, key) = self.pairs.first()?;
        let asked = connection.server_name();
        let found = asked
            .and_then(|host| self.signing(schemes, |names| names.include(host)))
            .or_else(|| self.signing(schemes, |names| names.overlap(first)))
            .or_else(|| self.signing(schemes, |_| true));
        Some(found.unwrap_or(key))
    }

    /// The first pair that `fits` and whose key makes a signature that the client takes, in the client's order of schemes or in
    /// OpenSSL's.
    fn find(
        &self,
        client: &ClientHello<'_>,
        fits: impl Fn(&Names) -> bool,
    ) -> Option<Arc<CertifiedKey>> {
        let offered = client.signature_schemes();
        let own: Vec<_> = OWN_ORDER
            .into_iter()
            .filter(|own| offered.contains(own))
            .collect();
        let schemes = if self.prefer_own_order { &own } else { offered };
        self.signing(schemes, fits).map(Arc::clone)
    }

    /// The first pair that `fits` and whose key makes a signature of the first possible scheme.
    fn signing(
        &self,
        schemes: &[Scheme],
        fits: impl Fn(&Names) -> bool,
    ) -> Option<&Arc<CertifiedKey>> {
        schemes.iter().find_map(|scheme| {
            let signs = |(names, key): &&(Names, Arc<CertifiedKey>)| {
                fits(names) && key.key.choose_scheme(&[*scheme]).is_some()
            };
            self.pairs.iter().find(signs).map(|(_, key)| key)
        })
    }
}

impl ResolvesServerCert for ByName {
    /// A client without a name, or with one that no certificate has, gets a certificate for the names of the first pair. Where no key type
    /// fits, the first pair is offered all the same, so that the handshake fails with the matching alert.
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let (first, key) = self.pairs.first()?;
        let asked = client.server_name();
        asked
            .and_then(|host| self.find(&client, |names| names.include(host)))
            .or_else(|| self.find(&client, |names| names.overlap(first)))
            .or_else(|| self.find(&client, |_| true))
            .or_else(|| Some(Arc::clone(key)))
    }
}
