//! The listening sockets of the process with their accept loops, by address.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::acceptor::ListenerHandler;
use super::instance::Instance;
use super::threads::Threads;
use crate::base::Address;
use crate::net::accept::accept;
use crate::net::listener::Listener;

/// All open acceptors. Dropping it closes them.
#[derive(Debug)]
pub struct Acceptors {
    open: HashMap<Address, Open>,
    threads: Arc<Threads>,
    /// The number of sockets so far: one after the other goes to the next thread.
    count: usize,
}

/// A listening socket in the runtime of the thread that will accept on it.
#[derive(Debug)]
pub struct Bound {
    listener: Listener,
    thread: usize,
}

#[derive(Debug)]
struct Open {
    listener: Arc<Listener>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Acceptors {
    /// No acceptors, for sessions on these threads.
    pub fn new(threads: Arc<Threads>) -> Self {
        Self {
            open: HashMap::new(),
            threads,
            count: 0,
        }
    }

    /// Moves a socket to a thread.
    ///
    /// # Errors
    /// Its runtime cannot register the socket with epoll.
    pub fn bind(&mut self, descriptor: OwnedFd, address: Address) -> io::Result<Bound> {
        let (thread, runtime) = self.threads.of_listener(self.count);
        self.count += 1;
        let _entered = runtime.enter();
        let listener = Listener::new(descriptor, address)?;
        Ok(Bound { listener, thread })
    }

    /// Whether this address is open.
    pub fn has(&self, address: &Address) -> bool {
        self.open.contains_key(address)
    }

    /// Starts accepting.
    pub fn open(&mut self, listeners: Vec<Bound>, instance: &Arc<Instance>) {
        for Bound { listener, thread } in listeners {
            let address = listener.address().clone();
            let listener = Arc::new(listener);
            let threads = Arc::clone(&self.threads);
            let handler =
                ListenerHandler::new(Arc::clone(instance), address.clone(), threads, thread);
            let (stop, stopped) = watch::channel(false);
            let (_, runtime) = self.threads.of_listener(thread);
            let accepting = runtime.spawn({
                let listener = Arc::clone(&listener);
                async move { accept(&listener, &handler, stopped).await }
            });
            self.open.insert(
                address,
                Open {
                    listener,
                    stop,
                    accepting,
                },
            );
        }
    }

    /// Stops accepting on an address, takes the connections that the kernel has already accepted, and closes the socket.
    pub async fn close(&mut self, address: &Address) {
        if let Some(Open {
            listener,
            stop,
            accepting,
        }) = self.open.remove(address)
        {
            stop.send_replace(true);
            let _ = accepting.await;
            drop(listener);
        }
    }

    /// Stops accepting everywhere.
    pub async fn close_all(&mut self) {
        let addresses: Vec<_> = self.open.keys().cloned().collect();
        for address in addresses {
            self.close(&address).await;
        }
    }
}
