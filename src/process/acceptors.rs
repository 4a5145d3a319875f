//! The listening sockets of the process and their accept loops, by address.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::acceptor::Acceptor;
use super::gateway::Gateway;
use crate::base::{Address, Errno, Level};
use crate::config::sockets;
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
    turn: JoinHandle<()>,
}

impl Acceptors {
    /// Starts accepting. Must be called inside the runtime.
    pub fn open(&mut self, listeners: Vec<Listener>, gateway: &Arc<Gateway>) {
        for listener in listeners {
            let address = listener.address().clone();
            let listener = Arc::new(listener);
            let acceptor = Acceptor::new(Arc::clone(gateway), address.clone());
            let (stop, stopped) = watch::channel(false);
            let turn = tokio::spawn({
                let listener = Arc::clone(&listener);
                async move { accept(&listener, &acceptor, stopped).await }
            });
            self.open.insert(
                address,
                Open {
                    listener,
                    stop,
                    turn,
                },
            );
        }
    }

    /// Stops accepting on an address, after those whom the kernel has let in already; then its socket is closed.
    pub async fn close(&mut self, address: &Address) {
        if let Some(Open {
            listener,
            stop,
            turn,
        }) = self.open.remove(address)
        {
            stop.send_replace(true);
            let _ = turn.await;
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

    /// Gives kept sockets the options of a new configuration.
    pub fn configure(&self, sockets: &[sockets::Socket], gateway: &Gateway) {
        let kept = sockets
            .iter()
            .filter_map(|socket| Some((self.open.get(&socket.address)?, socket)));
        for (open, socket) in kept {
            for fault in open.listener.configure(&socket.options) {
                gateway.log().line(
                    Level::Alert,
                    None,
                    format_args!("{fault}{}, ignored", Errno(&fault.error)),
                );
            }
        }
    }
}
