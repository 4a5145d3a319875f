//! TLS with a client: the handshake, and the client's certificate.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::buffer::Client;
use crate::base::{Errno, Level};
use crate::net::stream::Unshaken;
use crate::proto::{LastReply, Settings};
use crate::session::Over;
use crate::session::log::SessionLog;
use crate::tls::{self, Refusal};

impl Client {
    /// Shakes hands. What the client sent in clear text is gone before the first byte of TLS is read. A client whose certificate
    /// is not good enough is told so, and sent away.
    ///
    /// # Errors
    /// The session is over, and the log says why.
    pub async fn secure(
        &mut self,
        tls: &tls::Server,
        settings: &Settings,
        patience: Duration,
        log: &SessionLog,
    ) -> Result<(), Over> {
        self.input = Vec::new();
        match timeout(patience, self.stream.accept_tls(tls.config())).await {
            Err(_) => {
                log.timed_out();
                return Err(Over);
            }
            Ok(Err(unshaken)) => {
                log_handshake(log, &unshaken);
                return Err(Over);
            }
            Ok(Ok(())) => {}
        }
        self.certificate = self.tls().and_then(|connection| tls.client(connection));
        let Some(Err(refusal)) = self.certificate.as_ref().map(tls::Client::admit) else {
            return Ok(());
        };
        match refusal {
            Refusal::Bad(reason) => log.line(
                Level::Info,
                format_args!(
                    "client SSL certificate verify error: ({}:{reason})",
                    reason.number()
                ),
            ),
            Refusal::Missing => log.line(
                Level::Info,
                format_args!("client sent no required SSL certificate"),
            ),
        }
        settings.last_reply(
            match refusal {
                Refusal::Bad(_) => LastReply::InvalidCertificate,
                Refusal::Missing => LastReply::MissingCertificate,
            },
            &mut self.out,
        );
        self.close().await?;
        Err(Over)
    }
}

/// A handshake that failed, in nginx's words. Whatever it was, the client caused it.
fn log_handshake(log: &SessionLog, Unshaken { error, first }: &Unshaken) {
    let level = Level::Info;
    let closed = "peer closed connection in SSL handshake";
    match tls::failure(error, first) {
        Some(failure) => log.line(
            level,
            format_args!("SSL_do_handshake() failed (SSL: {failure})"),
        ),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            log.line(level, format_args!("{closed}"));
        }
        None => log.line(level, format_args!("{closed}{}", Errno(error))),
    }
}
