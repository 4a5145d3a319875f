//! The gateway inside another program: generations and sessions, without listening sockets, signals and a pid file.

use std::sync::Arc;

use super::acceptor::Acceptor;
use super::generation::Generation;
use super::instance::Instance;
use super::registries::Registries;
use crate::base::Address;
use crate::config::{self, Options, World};
use crate::net::dialer::Dialer;
use crate::net::resolver::SystemNames;
use crate::net::socket::{Peer, Socket};
use crate::process::limits::DescriptorLimit;

/// A gateway whose owner accepts and makes its connections.
#[derive(Debug)]
pub struct Embedded(Arc<Instance>);

impl Embedded {
    /// Loads the configuration of `options`, opens its logs and asks backends for their capabilities. Connections to auth servers and
    /// backends are made by `dialer`. Must be called inside a runtime.
    ///
    /// # Errors
    /// The first error of the configuration, in nginx's words.
    pub fn new(options: Options, world: &dyn World, dialer: Dialer) -> Result<Self, String> {
        let loaded = config::load(world, &options, &mut |_| ());
        let loaded =
            loaded.map_err(|fault| String::from_utf8_lossy(&fault.message).into_owned())?;
        let registries = Registries {
            dialer,
            ..Registries::default()
        };
        let generation =
            Generation::build(loaded.config, SystemNames::read(world), &registries, None);
        let generation = generation.map_err(|error| error.to_string())?;
        generation.fetch_capabilities();
        generation.start_limit_stores();
        let limit = DescriptorLimit::now();
        let instance = Instance::new(registries, generation, limit);
        Ok(Self(Arc::new(instance)))
    }

    /// Serves a client that has connected to the `listen` address.
    pub fn accept(&self, listen: &Address, socket: Socket, peer: Peer) {
        Acceptor::new(Arc::clone(&self.0), listen.clone()).serve(socket, peer);
    }
}
