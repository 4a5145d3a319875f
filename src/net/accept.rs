//! The accept loop of one listening socket. A handler serves or refuses each connection.

use std::future::Future;
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use tokio::sync::watch;
use tokio::time::sleep;

use super::listener::{Accepted, Listener};

/// The pause after the kernel ran out of a resource: nginx's accept_mutex_delay.
const BACK_OFF: Duration = Duration::from_millis(500);

/// Receives the connections of a listening socket.
pub trait AcceptHandler: Send + Sync {
    /// Returns when there is room for one more session.
    fn ready(&self) -> impl Future<Output = ()> + Send;
    /// Takes a connection. Must not block.
    fn accepted(&self, connection: Accepted);
    /// Reports a failed accept4(2).
    fn failed(&self, error: &io::Error, kind: AcceptFailure);
}

/// The kind of a failed accept4(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptFailure {
    /// The client closed the connection before it was accepted.
    Aborted,
    /// No descriptors or memory are left: the connection waits in the kernel.
    Exhausted,
    /// Any other error.
    Other,
}

/// Accepts until `stop` becomes true or its sender is dropped; then takes the connections that the kernel has already accepted, so that
/// removing a `listen` refuses no connected client.
pub async fn accept(
    listener: &Listener,
    handler: &impl AcceptHandler,
    mut stop: watch::Receiver<bool>,
) {
    let accepting = async {
        loop {
            handler.ready().await;
            match listener.accept().await {
                Ok(connection) => handler.accepted(connection),
                Err(error) => {
                    let kind = AcceptFailure::of(&error);
                    handler.failed(&error, kind);
                    if kind != AcceptFailure::Aborted {
                        sleep(BACK_OFF).await;
                    }
                }
            }
        }
    };
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = accepting => {}
    }
    while let Ok(connection) = listener.accept_now() {
        handler.accepted(connection);
    }
}

impl AcceptFailure {
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ECONNABORTED | Errno::EPROTO | Errno::EINTR) => Self::Aborted,
            Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => Self::Exhausted,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_follows_errno() {
        for (errno, kind) in [
            (Errno::ECONNABORTED, AcceptFailure::Aborted),
            (Errno::EMFILE, AcceptFailure::Exhausted),
            (Errno::ENFILE, AcceptFailure::Exhausted),
            (Errno::EINVAL, AcceptFailure::Other),
        ] {
            assert_eq!(AcceptFailure::of(&io::Error::from(errno)), kind);
        }
    }
}
