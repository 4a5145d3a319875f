//! The backends that a session may be connected to, one after the other.

use std::sync::Arc;

use tokio::time::Instant;

use crate::base::Address;
use crate::config::unbracketed;
use crate::upstream::{Balancer, Lease, Selection};

/// The backends that a session may be connected to.
#[derive(Debug)]
pub(super) enum Candidates {
    /// The addresses of the one that the auth server or the variables of `proxy_pass` name.
    Named {
        /// Those that were not tried yet.
        addresses: std::vec::IntoIter<Address>,
        /// Its name in the log, if that is not the address.
        name: Option<Box<str>>,
        /// Its host: its name in TLS, unless the configuration has another.
        host: Box<[u8]>,
    },
    /// The peers of `proxy_pass`.
    Group(Selection),
}

/// One of them.
#[derive(Debug)]
pub(super) struct Candidate {
    pub address: Address,
    /// Its name in the log, if that is not the address.
    pub name: Option<Box<str>>,
    /// Its host: its name in TLS, unless the configuration has another.
    pub host: Box<[u8]>,
    /// Its place in a group.
    pub lease: Option<Lease>,
}

impl Candidates {
    /// The peers of a group for one session; `key` is that of `hash`.
    pub fn of(balancer: &Arc<Balancer>, key: &[u8]) -> Self {
        Self::Group(Selection::new(balancer, key))
    }

    /// The next one.
    pub fn next(&mut self) -> Option<Candidate> {
        match self {
            Self::Named {
                addresses,
                name,
                host,
            } => addresses.next().map(|address| Candidate {
                address,
                name: name.clone(),
                host: host.clone(),
                lease: None,
            }),
            Self::Group(selection) => {
                let lease = selection.next(now())?;
                Some(Candidate {
                    address: lease.peer().address.clone(),
                    name: None,
                    host: unbracketed(&lease.peer().server.host).into(),
                    lease: Some(lease),
                })
            }
        }
    }

    /// Whether there is one candidate only.
    pub fn is_single(&self) -> bool {
        match self {
            Self::Named { addresses, .. } => addresses.len() == 1,
            Self::Group(selection) => selection.is_single(),
        }
    }

    /// Whether another one may be left.
    pub fn has_more(&self) -> bool {
        match self {
            Self::Named { addresses, .. } => addresses.len() > 0,
            Self::Group(selection) => selection.has_more(),
        }
    }
}

/// The time for groups.
pub(super) fn now() -> std::time::Instant {
    Instant::now().into_std()
}
