//! The accept loop of one listening socket. What becomes of a connection is its keeper's business.

use std::future::Future;
use std::io;
use std::time::Duration;

use nix::errno::Errno;
use tokio::sync::watch;
use tokio::time::sleep;

use super::listener::Listener;
use super::socket::{Peer, Socket};

/// Pause after the kernel ran out of something; nginx's accept_mutex_delay.
const BACK_OFF: Duration = Duration::from_millis(500);

/// What stands at the door: decides who comes in, and serves them.
pub trait Keeper: Send + Sync {
    /// Returns once one more session can be served to its end.
    fn room(&self) -> impl Future<Output = ()> + Send;
    /// Takes a connection. Must not wait.
    fn admit(&self, socket: Socket, peer: Peer);
    /// Hears that accept4(2) failed.
    fn failed(&self, error: &io::Error, trouble: Trouble);
}

/// How bad a failed accept4(2) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The client went away before it was accepted.
    Gone,
    /// No descriptors or memory left: the connection waits in the kernel.
    Exhausted,
    /// Anything else.
    Odd,
}

/// Accepts until `stop` becomes true or its sender is gone; then takes what the kernel has already accepted, so that a
/// removed `listen` refuses nobody who was let in.
pub async fn accept(listener: &Listener, keeper: &impl Keeper, mut stop: watch::Receiver<bool>) {
    let turn = async {
        loop {
            keeper.room().await;
            match listener.accept().await {
                Ok((socket, peer)) => keeper.admit(socket, peer),
                Err(error) => {
                    let trouble = Trouble::of(&error);
                    keeper.failed(&error, trouble);
                    if trouble != Trouble::Gone {
                        sleep(BACK_OFF).await;
                    }
                }
            }
        }
    };
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = turn => {}
    }
    while let Ok((socket, peer)) = listener.accept_now() {
        keeper.admit(socket, peer);
    }
}

impl Trouble {
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ECONNABORTED | Errno::EPROTO | Errno::EINTR) => Self::Gone,
            Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => Self::Exhausted,
            _ => Self::Odd,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_follows_errno() {
        for (errno, trouble) in [
            (Errno::ECONNABORTED, Trouble::Gone),
            (Errno::EMFILE, Trouble::Exhausted),
            (Errno::ENFILE, Trouble::Exhausted),
            (Errno::EINVAL, Trouble::Odd),
        ] {
            assert_eq!(Trouble::of(&io::Error::from(errno)), trouble);
        }
    }
}
