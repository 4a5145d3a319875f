//! The gateway inside another program: generations and sessions, without listening sockets, signals and a pid file.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::acceptor::Acceptor;
use super::gateway::Gateway;
use super::generation::Generation;
use super::limits;
use crate::base::Address;
use crate::config::{self, Options, World};
use crate::log::Files;
use crate::net::accept::Keeper;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolvers;
use crate::net::socket::{Peer, Socket};
use crate::session::CapabilityCache;
use crate::tls::{Connectors, Resumption};

/// A gateway whose owner accepts and makes its connections.
#[derive(Debug)]
pub struct Embedded(Arc<Gateway>);

impl Embedded {
    /// Loads the configuration of `options`, opens its logs and asks backends for their capabilities. Connections to auth
    /// servers and backends are made by `dialer`. Must be called inside a runtime.
    ///
    /// # Errors
    /// The first error of the configuration, in nginx's words.
    pub fn new(
        options: Options,
        world: Arc<dyn World + Send + Sync>,
        dialer: Dialer,
    ) -> Result<Self, String> {
        let config = config::load(&*world, &options, &mut |_| ())
            .map_err(|fault| String::from_utf8_lossy(&fault.message).into_owned())?
            .config;
        let (files, resolvers) = (Files::default(), Resolvers::default());
        let (resumption, connectors) = (Resumption::default(), Connectors::default());
        let capabilities = CapabilityCache::default();
        let generation = Generation::build(
            config,
            &options,
            &files,
            &resolvers,
            &resumption,
            &connectors,
            &capabilities,
            &dialer,
        );
        let gateway = Gateway {
            options,
            world,
            files,
            resolvers,
            generation: ArcSwap::from_pointee(generation.map_err(|fault| fault.to_string())?),
            resumption,
            connectors,
            capabilities,
            dialer,
            sessions: Arc::default(),
            shared: Arc::default(),
            descriptors: limits::Files::now(),
        };
        gateway.generation.load().ask_ahead();
        Ok(Self(Arc::new(gateway)))
    }

    /// Serves a client that has connected to the `listen` address.
    pub fn accept(&self, listen: &Address, socket: Socket, peer: Peer) {
        Acceptor::new(Arc::clone(&self.0), listen.clone()).admit(socket, peer);
    }
}
