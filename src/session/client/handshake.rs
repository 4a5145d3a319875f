//! TLS with a client: the handshake, and the check of the client's certificate.

use std::time::Duration;

use tokio::time::timeout;

use super::connection::Client;
use crate::net::stream::HandshakeError;
use crate::tls::{self, Refusal};

/// The reason why TLS with a client was not established.
#[derive(Debug)]
pub(in crate::session) enum TlsError {
    /// The server has no TLS.
    NotConfigured,
    /// The handshake took too long.
    Timeout,
    /// The handshake failed.
    Handshake(HandshakeError),
    /// The client's certificate is refused. TLS is established, so the client can get a reply.
    Certificate(Refusal),
}

impl Client {
    /// Runs the TLS handshake within `limit` and checks the client's certificate. Input that was received in clear text is
    /// discarded before the first byte of TLS is read.
    pub async fn secure(&mut self, tls: &tls::ServerTls, limit: Duration) -> Result<(), TlsError> {
        self.input = Vec::new();
        let handshake = timeout(limit, self.stream.accept_tls(|hello| tls.config(hello))).await;
        handshake
            .map_err(|_| TlsError::Timeout)?
            .map_err(TlsError::Handshake)?;
        self.certificate = (self.tls())
            .and_then(|connection| tls.client(connection))
            .map(Box::new);
        let admitted = self
            .certificate
            .as_deref()
            .map(tls::ClientCertificate::admit);
        admitted.unwrap_or(Ok(())).map_err(TlsError::Certificate)
    }
}
