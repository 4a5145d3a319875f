//! The groups of backends: those of `upstream {}`, and one for each other address of a `proxy_pass`.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::messages::refused;
use super::report::{Report, Stop};
use super::scopes::Scopes;
use crate::base::Level;
use crate::config::model::{Names, ProxyPass, ProxyPassText, ProxyRoute, Upstream, UpstreamGroup};
use crate::config::schema::modules::proxy;
use crate::config::schema::values::upstream_server;
use crate::config::syntax::{Diagnostic, message};

/// The groups by name.
#[derive(Debug, Default)]
pub struct Groups {
    /// Those of `upstream {}`, in one order always, with their names in lower case: nginx finds them in any case of letters.
    defined: BTreeMap<Box<[u8]>, Arc<UpstreamGroup>>,
    /// Those of addresses, as written.
    addresses: HashMap<Box<[u8]>, Arc<UpstreamGroup>>,
    /// Those of `upstream {}` with a default port. The servers with that port share them.
    with_port: RefCell<HashMap<u16, Arc<[Arc<UpstreamGroup>]>>>,
}

impl Groups {
    /// The groups that the blocks define and use. Names of hosts are looked up.
    pub fn resolve(
        names: &dyn Names,
        scopes: &Scopes,
        report: &mut Report<'_>,
    ) -> Result<Self, Stop> {
        for block in &scopes.groups {
            if let Some((span, name)) = block.unknown_match(&scopes.matches) {
                let message = message!("unknown match \"", name, "\"");
                report.fault(Diagnostic::new(Level::Emerg, message, span))?;
            }
        }
        let defined = scopes.groups.iter();
        let defined = defined.map(|block| {
            let group = block.group(&scopes.matches);
            (folded(&block.name), Arc::new(group))
        });
        let mut groups = Self {
            defined: defined.collect(),
            ..Self::default()
        };
        let servers = scopes.servers.iter().map(|server| &server.scope);
        for scope in std::iter::once(&scopes.mail).chain(servers) {
            let Some(line) = &scope.proxy.proxy_pass else {
                continue;
            };
            let ProxyPassText::Name(name) = &line.value else {
                continue;
            };
            if groups.get(name).is_some() {
                continue;
            }
            match upstream_server(names, name) {
                Ok(server) => {
                    let group = UpstreamGroup::of_one(server);
                    groups.addresses.insert(name.clone(), Arc::new(group));
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
    pub fn proxy_pass(&self, text: &ProxyPassText, port: u16) -> Option<ProxyPass> {
        Some(match text {
            ProxyPassText::Name(name) => ProxyPass::Upstream(Upstream {
                name: name.clone(),
                group: self.get(name)?.with_default_port(port),
            }),
            ProxyPassText::Route(text) => ProxyPass::Route(ProxyRoute {
                text: text.clone(),
                groups: self.defined(port),
            }),
        })
    }

    fn get(&self, name: &[u8]) -> Option<&Arc<UpstreamGroup>> {
        let defined = self.defined.get(&folded(name));
        defined.or_else(|| self.addresses.get(name))
    }

    /// The groups of `upstream {}`, with this port where none is written.
    fn defined(&self, port: u16) -> Arc<[Arc<UpstreamGroup>]> {
        let mut known = self.with_port.borrow_mut();
        let all = known.entry(port).or_insert_with(|| {
            let groups = self.defined.values();
            groups.map(|group| group.with_default_port(port)).collect()
        });
        Arc::clone(all)
    }
}

/// A name in lower case.
fn folded(name: &[u8]) -> Box<[u8]> {
    name.to_ascii_lowercase().into()
}
