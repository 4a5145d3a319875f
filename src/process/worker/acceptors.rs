//! The listening sockets of the process with their accept loops, by address.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::acceptor::Acceptor;
use super::instance::Instance;
use crate::base::Address;
use crate::net::accept::accept;
use crate::net::listener::Listener;

/// All open acceptors. Dropping it closes them.
#[derive(Debug, Default)]
pub struct Acceptors {
    open: HashMap<Address, Open>,
}

#[derive(Debug)]
struct Open {
    listener: Arc<Listener>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Acceptors {
    /// Whether this address is open.
    pub fn has(&self, address: &Address) -> bool {
        self.open.contains_key(address)
    }

    /// Starts accepting. Must be called inside the runtime.
    pub fn open(&mut self, listeners: Vec<Listener>, instance: &Arc<Instance>) {
        for listener in listeners {
            let address = listener.address().clone();
            let listener = Arc::new(listener);
            let acceptor = Acceptor::new(Arc::clone(instance), address.clone());
            let (stop, stopped) = watch::channel(false);
            let accepting = tokio::spawn({
                let listener = Arc::clone(&listener);
                async move { accept(&listener, &acceptor, stopped).await }
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
