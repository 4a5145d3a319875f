//! What a session publishes besides the facts of its record. Without `status` each call is one comparison.

use super::client::handshake::TlsError;
use super::end::Cause;
use super::log::SessionLog;
use crate::monitor::{CloseRequest, TlsFailure};
use crate::net::stream::HandshakeError;
use crate::tls::{self, Failure};

impl SessionLog {
    /// The administrator's request to close the session.
    pub fn close_request(&self) -> Option<CloseRequest> {
        self.record.as_ref()?.close_request()
    }

    /// Publishes that TLS with the client was not established, if that is the end of the session.
    pub fn tls_failed(&self, cause: &Cause) {
        if let (Some(record), Cause::Tls(error)) = (&self.record, cause) {
            record.tls_failed(failure(error));
        }
    }

    /// Publishes the bytes that the tunnel has carried so far.
    pub fn carrying(&self, (up, down): (u64, u64)) {
        if let Some(record) = &self.record {
            record.carrying(up, down);
        }
    }
}

fn failure(error: &TlsError) -> TlsFailure {
    let HandshakeError { error, hello } = match error {
        TlsError::NotConfigured => return TlsFailure::Other,
        TlsError::Timeout => return TlsFailure::Timeout,
        TlsError::Certificate(_) => return TlsFailure::Certificate,
        TlsError::Handshake(error) => error,
    };
    match tls::failure(error, hello) {
        None => TlsFailure::Closed,
        Some(Failure::Alert(..)) => TlsFailure::Alert,
        Some(Failure::NoProtocol(..)) => TlsFailure::Protocol,
        Some(Failure::Other(_)) => TlsFailure::Other,
        Some(Failure::Known(code, _)) => match code {
            // OpenSSL's codes: unsupported protocol; HTTP request, HTTPS proxy request, wrong version number.
            0x102 => TlsFailure::Version,
            0x9C | 0x9B | 0x10B => TlsFailure::NotTls,
            // No shared cipher, no suitable key share, no suitable signature algorithm.
            0xC1 | 0x65 | 0x76 => TlsFailure::Cipher,
            0xC7 | 0x86 => TlsFailure::Certificate,
            _ => TlsFailure::Other,
        },
    }
}
