//! The thread of the status pages, and the sockets that it accepts on.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::access::Access;
use super::connection::serve;
use super::state::{MOST_CLIENTS, State};
use crate::base::Address;
use crate::net::listener::Listener;

/// The pause after a failed accept4(2): the process has no descriptors left.
const BACK_OFF: Duration = Duration::from_millis(500);

/// The status pages of a process. Dropping it ends their thread, with all connections.
#[derive(Debug)]
pub struct Admin {
    changes: UnboundedSender<Vec<Listening>>,
}

/// An address of the pages.
#[derive(Debug)]
pub struct Listening {
    /// The address.
    pub address: Address,
    /// Its listening socket, which is closed if the address is open already.
    pub socket: OwnedFd,
    /// Who may read.
    pub access: Access,
}

/// An address that is open.
struct Open {
    access: Arc<ArcSwap<Access>>,
    accepting: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Admin {
    /// Starts the thread, which has no sockets yet.
    ///
    /// # Errors
    /// The system has no more threads, or the runtime gets no epoll instance.
    pub fn start(state: Arc<State>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (changes, changed) = unbounded_channel();
        let thread = thread::Builder::new().name("status".to_owned());
        thread.spawn(move || runtime.block_on(run(state, changed)))?;
        Ok(Self { changes })
    }

    /// Accepts on these addresses, and on no others any more. Clients that are connected stay.
    pub fn listen(&self, all: Vec<Listening>) {
        // The thread ends with this handle, not before.
        let _ = self.changes.send(all);
    }
}

/// Follows the changes.
async fn run(state: Arc<State>, mut changes: UnboundedReceiver<Vec<Listening>>) {
    let mut open: HashMap<Address, Open> = HashMap::new();
    let room = Arc::new(Semaphore::new(MOST_CLIENTS));
    while let Some(wanted) = changes.recv().await {
        open.retain(|address, _| wanted.iter().any(|one| one.address == *address));
        for Listening {
            address,
            socket,
            access,
        } in wanted
        {
            if let Some(open) = open.get(&address) {
                open.access.store(Arc::new(access));
                continue;
            }
            let Ok(listener) = Listener::new(socket, address.clone()) else {
                continue;
            };
            let access = Arc::new(ArcSwap::from_pointee(access));
            let accepting = accept(listener, state.clone(), access.clone(), room.clone());
            let accepting = tokio::spawn(accepting).abort_handle();
            open.insert(address, Open { access, accepting });
        }
    }
}

async fn accept(
    listener: Listener,
    state: Arc<State>,
    access: Arc<ArcSwap<Access>>,
    room: Arc<Semaphore>,
) {
    loop {
        // Fails only for a semaphore that is closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener
            .accept()
            .await
            .map(|accepted| accepted.into_socket())
        {
            Ok(Ok(socket)) => {
                let connection = serve(socket, Arc::clone(&state), Arc::clone(&access));
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Ok(Err(_)) | Err(_) => sleep(BACK_OFF).await,
        }
    }
}
