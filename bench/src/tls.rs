//! The TLS client of the benchmark. Both gateways have to do the same work for it.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use support::unverified;

use crate::failure::{Context as _, Failure};

/// A client that does a full TLS 1.3 handshake each time and accepts any certificate.
///
/// It offers one group and one cipher suite, so that the gateways cannot choose different ones.
///
/// # Errors
/// When the TLS library refuses these settings.
pub fn client() -> Result<Arc<ClientConfig>, Failure> {
    let provider = CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
        ..aws_lc_rs::default_provider()
    };
    let mut config = unverified::client(provider, &[&rustls::version::TLS13])
        .context(|| "set up TLS".to_owned())?
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
