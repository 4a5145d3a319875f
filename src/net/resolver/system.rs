//! Name resolution as the machine has it, for servers without a `resolver` directive.

use std::path::Path;
use std::sync::Arc;

use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Hosts, TokioResolver};

use crate::config::Files;

/// The contents of /etc/resolv.conf and /etc/hosts. A worker cannot read them: the master does.
#[derive(Clone, Debug, Default)]
pub struct SystemNames {
    resolv_conf: Vec<u8>,
    hosts: Vec<u8>,
}

impl SystemNames {
    /// Reads them. A file that cannot be read is empty.
    pub fn read(files: &dyn Files) -> Self {
        let read = |path| files.read(Path::new(path)).unwrap_or_default();
        Self {
            resolv_conf: read("/etc/resolv.conf"),
            hosts: read("/etc/hosts"),
        }
    }

    /// The resolver; /etc/hosts alone without name servers.
    pub(super) fn resolver(&self) -> Option<Box<TokioResolver>> {
        let (config, options) = parse_resolv_conf(&self.resolv_conf).unwrap_or_default();
        let provider = TokioRuntimeProvider::default();
        let builder = TokioResolver::builder_with_config(config, provider);
        let mut resolver = builder.with_options(options).build().ok()?;
        let mut hosts = Hosts::default();
        // What cannot be parsed is not there.
        let _ = hosts.read_hosts_conf(self.hosts.as_slice());
        resolver.set_hosts(Arc::new(hosts));
        Some(Box::new(resolver))
    }
}
