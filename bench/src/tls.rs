//! The TLS clients of the benchmark. Every program has to do the same work for them.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, HandshakeKind};
use support::unverified;

use crate::failure::{Context as _, Failure};
use crate::scenario::Handshake;

/// A TLS client.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The settings, and the tickets of earlier sessions.
    pub config: Arc<ClientConfig>,
    handshake: Handshake,
}

impl Tls {
    /// A client that uses TLS 1.3 and accepts any certificate; `None` for sessions in clear text.
    ///
    /// It offers one group and one cipher suite, so that the programs cannot choose different ones. A client that resumes
    /// sessions uses its own tickets only: it must not run two sessions at once.
    ///
    /// # Errors
    /// When the TLS library refuses these settings.
    pub fn client(handshake: Handshake) -> Result<Option<Self>, Failure> {
        let resumption = match handshake {
            Handshake::None => return Ok(None),
            Handshake::Full => Resumption::disabled(),
            Handshake::Resumed => Resumption::in_memory_sessions(8),
        };
        let provider = CryptoProvider {
            kx_groups: vec![aws_lc_rs::kx_group::X25519],
            cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
            ..aws_lc_rs::default_provider()
        };
        let mut config = unverified::client(provider, &[&rustls::version::TLS13])
            .context(|| "set up TLS".to_owned())?
            .with_no_client_auth();
        config.resumption = resumption;
        let config = Arc::new(config);
        Ok(Some(Self { config, handshake }))
    }

    /// Checks that the handshake is of the wanted kind. The first one of a client that resumes sessions is not.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, kind: Option<HandshakeKind>) -> Result<(), String> {
        let resumed = kind == Some(HandshakeKind::Resumed);
        if resumed == (self.handshake == Handshake::Resumed) {
            Ok(())
        } else {
            Err(format!("TLS handshake: {kind:?}, not {:?}", self.handshake))
        }
    }
}
