//! A connection to a backend.

use tokio::time::timeout;

use super::Shared;
use super::dialogue::{Line, READING, log_broken};
use super::journal::Journal;
use crate::config::Server;
use crate::config::address::Address;
use crate::config::level::Level;
use crate::net::socket::Socket;

/// What is being done while a backend is told who the client is, before it says anything itself.
const SENDING_HEADER: &str = "sending PROXY protocol header to upstream";

/// Where a backend is to be found.
pub(super) struct Target<'a> {
    /// Its addresses; the next one when one cannot be reached.
    pub addresses: &'a [Address],
    /// Its name in the log, where it has one besides its address.
    pub name: Option<&'a str>,
    /// The PROXY header that it reads first.
    pub header: Option<&'a [u8]>,
}

impl Target<'_> {
    /// Connects to the first address that answers. `None` when none does: the log says why.
    pub async fn connect(
        &self,
        server: &Server,
        shared: &Shared,
        journal: &mut Journal,
    ) -> Option<Line> {
        let patience = server.proxy.proxy_connect_timeout.min(server.mail.timeout);
        journal.doing("connecting to upstream");
        for address in self.addresses {
            shared.next_number();
            let shown = address.to_string();
            journal.upstream(Some(self.name.unwrap_or(&shown)));
            match timeout(patience, Socket::connect(address)).await {
                Ok(Ok(socket)) => {
                    let mut line = Line::new(socket, server.proxy.proxy_buffer);
                    if let Some(header) = self.header {
                        journal.doing(SENDING_HEADER);
                        let sent = line.begin(header).await;
                        sent.inspect_err(|broken| log_broken(journal, broken))
                            .ok()?;
                    }
                    return Some(line);
                }
                Ok(Err(error)) => {
                    let (doing, call) = match self.header {
                        None => (READING, "recv"),
                        Some(_) => (SENDING_HEADER, "send"),
                    };
                    journal.doing(doing);
                    journal.unconnected(address, call, &error);
                    journal.doing("connecting to upstream");
                }
                Err(_) => upstream_timed_out(journal),
            }
        }
        None
    }
}

/// A backend that says nothing.
pub(super) fn upstream_timed_out(journal: &Journal) {
    journal.line(
        Level::Info,
        format_args!("upstream timed out (110: Connection timed out)"),
    );
}
