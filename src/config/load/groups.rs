//! The groups of backends: those of `upstream {}`, and one for each other address of a `proxy_pass`.

use std::collections::HashMap;
use std::sync::Arc;

use super::messages::refused;
use super::report::{Report, Stop};
use super::scopes::Scopes;
use crate::config::model::{Names, Upstream, UpstreamGroup};
use crate::config::schema::modules::proxy;
use crate::config::schema::values::upstream_server;

/// The groups by name.
#[derive(Debug, Default)]
pub struct Groups(HashMap<Box<[u8]>, Arc<UpstreamGroup>>);

impl Groups {
    /// The groups that the blocks define and use. Names of hosts are looked up.
    pub fn resolve(
        names: &dyn Names,
        scopes: &Scopes,
        report: &mut Report<'_>,
    ) -> Result<Self, Stop> {
        let defined = scopes.groups.iter();
        let defined = defined.map(|block| (block.name.clone(), Arc::new(block.group())));
        let mut groups = Self(defined.collect());
        let servers = scopes.servers.iter().map(|server| &server.scope);
        for scope in std::iter::once(&scopes.mail).chain(servers) {
            let Some(line) = &scope.proxy.proxy_pass else {
                continue;
            };
            if groups.0.contains_key(&line.value) {
                continue;
            }
            match upstream_server(names, &line.value) {
                Ok(server) => {
                    let group = UpstreamGroup::of_one(server);
                    groups.0.insert(line.value.clone(), Arc::new(group));
                }
                Err(why) => {
                    let name = proxy::directives::proxy_pass().name;
                    report.fault(refused(why, name, &line.span))?;
                }
            }
        }
        Ok(groups)
    }

    /// The backend of a `proxy_pass`, with this port where none is written. `None`: a fault in it was reported.
    pub fn upstream(&self, name: &[u8], port: u16) -> Option<Upstream> {
        Some(Upstream {
            name: name.into(),
            group: self.0.get(name)?.with_default_port(port),
        })
    }
}
