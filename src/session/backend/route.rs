//! The backend of a session: a peer of the group of `proxy_pass`, or what its variables name.

use std::collections::HashMap;
use std::sync::Arc;

use super::Backends;
use super::candidates::Candidates;
use super::error::LoginError;
use crate::base::{Address, Escaped};
use crate::config::{BackendAddress, Found, RouteStep, RouteText, backend_address, unbracketed};
use crate::session::log::SessionLog;
use crate::upstream::Balancer;

/// How `proxy_pass` chooses the backend of a session.
#[derive(Debug)]
pub enum BackendChoice {
    /// It is not set: the auth server names the backend.
    AuthServer,
    /// Among the peers of one group.
    Group(Arc<Balancer>),
    /// By a text with variables, whose value is the name of one of these groups or an address.
    Route(RouteText, Arc<BalancersByName>),
}

impl BackendChoice {
    /// The groups that it can lead to.
    pub fn groups(&self) -> Vec<&Arc<Balancer>> {
        match self {
            Self::AuthServer => Vec::new(),
            Self::Group(group) => vec![group],
            Self::Route(_, groups) => groups.values().collect(),
        }
    }
}

/// Groups by their names in lower case.
pub type BalancersByName = HashMap<Box<str>, Arc<Balancer>>;

impl Backends {
    /// The backends of `proxy_pass` for the session that `log` belongs to.
    ///
    /// # Errors
    /// There is no `proxy_pass`, or its variables name no backend, or one that has no address.
    pub(super) async fn candidates(&self, log: &SessionLog) -> Result<Candidates, LoginError> {
        match &self.choice {
            BackendChoice::AuthServer => Err(LoginError::NoBackend),
            BackendChoice::Group(group) => Ok(peers(group, log)),
            BackendChoice::Route(text, groups) => self.routed(text, groups, log).await,
        }
    }

    /// The backends that a text with variables names.
    async fn routed(
        &self,
        text: &RouteText,
        groups: &BalancersByName,
        log: &SessionLog,
    ) -> Result<Candidates, LoginError> {
        let (value, steps) = log.trace(&text.template);
        if value.is_empty() {
            return Err(LoginError::NoRoute(empty(text, &steps)));
        }
        let name = String::from_utf8_lossy(&value).to_ascii_lowercase();
        if let Some(group) = groups.get(&*name) {
            return Ok(peers(group, log));
        }
        let address = backend_address(&value, self.server.protocol().port());
        let address = address.map_err(|reason| {
            let (value, by) = (Escaped(&value), by(&steps));
            LoginError::NoRoute(format!("{reason} in \"{value}\"{by}"))
        })?;
        Ok(match address {
            BackendAddress::Literal { host, addresses } => Candidates::Named {
                name: None,
                addresses: addresses.into_iter(),
                host: unbracketed(&host).into(),
            },
            BackendAddress::Name(host, port) => {
                // Boxed: most routes lead to addresses.
                let found = Box::pin(self.resolver.addresses(&host, port)).await;
                let (found, _) =
                    found.map_err(|fault| LoginError::Unresolved(host.as_str().into(), fault))?;
                log.resolved(&host);
                let addresses: Vec<_> = found.into_iter().map(Address::Inet).collect();
                Candidates::Named {
                    addresses: addresses.into_iter(),
                    name: Some(format!("{host}:{port}").into()),
                    host: host.into_bytes().into(),
                }
            }
        })
    }
}

/// The peers of a group for a session.
fn peers(group: &Arc<Balancer>, log: &SessionLog) -> Candidates {
    let key = group.group.balancing.key();
    let key = key.map_or_else(Vec::new, |key| log.value(key));
    Candidates::of(group, &key)
}

/// Why a route is empty: the key that has no entry, or the line whose value is empty.
fn empty(text: &RouteText, steps: &[RouteStep]) -> String {
    let written = String::from_utf8_lossy(&text.written);
    match steps.last() {
        Some(step) => {
            let (key, variable) = (Escaped(&step.key), &step.variable);
            match &step.found {
                Found::Nothing => format!("\"{key}\" has no value in \"${variable}\""),
                Found::Line(_) | Found::Default(_) => {
                    let by = by(steps);
                    format!("the value of \"{key}\" in \"${variable}\" is empty{by}")
                }
            }
        }
        None => format!("\"{written}\" is empty"),
    }
}

/// The line that decided last.
fn by(steps: &[RouteStep]) -> String {
    match steps.last().map(|step| &step.found) {
        Some(Found::Line(span) | Found::Default(span)) => format!(", by {span}"),
        Some(Found::Nothing) | None => String::new(),
    }
}
