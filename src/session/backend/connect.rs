//! A connection to a backend, up to the point where a login can be spoken of: the PROXY header, then TLS.

use tokio::time::timeout;

use super::conversation::{Line, READING, log_broken};
use super::start_tls::{Unsafe, Whom, secure};
use crate::base::address::Address;
use crate::base::level::Level;
use crate::net::socket::Socket;
use crate::session::log::SessionLog;
use crate::session::{Endpoint, Shared};

/// What is being done while a backend is told who the client is, before it says anything itself.
const SENDING_HEADER: &str = "sending PROXY protocol header to upstream";

/// Where a backend is to be found.
pub(in crate::session) struct Target<'a> {
    /// Its addresses; the next one when one cannot be reached.
    pub addresses: &'a [Address],
    /// Its name in the log, where it has one besides its address.
    pub name: Option<&'a str>,
    /// The PROXY header that it reads first.
    pub header: Option<&'a [u8]>,
    /// Who it is to TLS.
    pub whom: Whom<'a>,
}

/// Why there is no connection.
pub(in crate::session) enum Unmet {
    /// The log says it.
    Reported,
    /// The backend's greeting lets nobody in.
    Unwelcome(Vec<u8>),
}

impl Target<'_> {
    /// Connects to the first address that answers.
    ///
    /// # Errors
    /// None does, or TLS does not come about: a connection that should be TLS and is not is not handed out.
    pub async fn connect(
        &self,
        endpoint: &Endpoint,
        shared: &Shared,
        log: &mut SessionLog,
    ) -> Result<Line, Unmet> {
        let server = &endpoint.server;
        let patience = server.proxy.proxy_connect_timeout.min(server.mail.timeout);
        log.doing("connecting to upstream");
        for address in self.addresses {
            shared.next_number();
            let shown = address.to_string();
            log.upstream(Some(self.name.unwrap_or(&shown)));
            match timeout(patience, Socket::connect(address)).await {
                Ok(Ok(socket)) => {
                    let mut line = Line::new(socket, server.proxy.proxy_buffer);
                    if let Some(header) = self.header {
                        log.doing(SENDING_HEADER);
                        let sent = line.begin(header).await;
                        sent.map_err(|broken| {
                            log_broken(log, &broken);
                            Unmet::Reported
                        })?;
                    }
                    let secured = secure(&mut line, endpoint, self.whom, |what| log.doing(what));
                    return match secured.await {
                        Ok(()) => Ok(line),
                        Err(Unsafe::Unwelcome(greeting)) => Err(Unmet::Unwelcome(greeting)),
                        Err(why) => {
                            why.log(log);
                            Err(Unmet::Reported)
                        }
                    };
                }
                Ok(Err(error)) => {
                    let (doing, call) = match self.header {
                        None => (READING, "recv"),
                        Some(_) => (SENDING_HEADER, "send"),
                    };
                    log.doing(doing);
                    log.unconnected(address, call, &error);
                    log.doing("connecting to upstream");
                }
                Err(_) => upstream_timed_out(log),
            }
        }
        Err(Unmet::Reported)
    }
}

/// A backend that says nothing.
pub(in crate::session) fn upstream_timed_out(log: &SessionLog) {
    log.line(
        Level::Info,
        format_args!("upstream timed out (110: Connection timed out)"),
    );
}
