//! `proxy_pass`: the backend of a server, or the text that names the backend of each session.

use std::sync::Arc;

use super::upstream_group::{Upstream, UpstreamGroup};
use super::variable::{Template, Variable};
use crate::base::Address;

/// `proxy_pass` as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyPassText {
    /// The name of a group, or an address.
    Name(Box<[u8]>),
    /// A text with variables.
    Route(RouteText),
}

/// A text with variables that names a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteText {
    /// As written.
    pub written: Box<[u8]>,
    /// With its variables.
    pub template: Template,
}

/// `proxy_pass`: the backend of a server.
#[derive(Clone, Debug)]
pub enum ProxyPass {
    /// The same group for all sessions.
    Upstream(Upstream),
    /// A text with variables that names the backend of a session.
    Route(ProxyRoute),
}

/// A text with variables, and the groups that it can name.
#[derive(Clone, Debug)]
pub struct ProxyRoute {
    /// The text.
    pub text: RouteText,
    /// The groups of `upstream {}`.
    pub groups: Arc<[Arc<UpstreamGroup>]>,
}

/// A backend that a text names while the gateway runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendAddress {
    /// Addresses as they are.
    Literal {
        /// The host as written: IPv6 has its brackets; the path of a unix socket.
        host: Box<[u8]>,
        /// The addresses.
        addresses: Vec<Address>,
    },
    /// A name that must be looked up, and the port.
    Name(String, u16),
}

impl ProxyPass {
    /// The group, if it is the same for all sessions.
    pub fn upstream(&self) -> Option<&Upstream> {
        match self {
            Self::Upstream(upstream) => Some(upstream),
            Self::Route(_) => None,
        }
    }

    /// Whether the variables of a session decide about its backend.
    pub fn depends_on_session(&self) -> bool {
        match self {
            Self::Upstream(upstream) => upstream.group.balancing.key().is_some(),
            Self::Route(_) => true,
        }
    }

    /// Whether a built-in variable for which `is_it` holds decides about the backend of a session.
    pub fn names(&self, is_it: &dyn Fn(&Variable) -> bool) -> bool {
        let in_key = |group: &UpstreamGroup| {
            let key = group.balancing.key();
            key.is_some_and(|key| key.names(is_it))
        };
        match self {
            Self::Upstream(upstream) => in_key(&upstream.group),
            Self::Route(ProxyRoute { text, groups }) => {
                text.template.names(is_it) || groups.iter().any(|group| in_key(group))
            }
        }
    }
}

impl ProxyRoute {
    /// The group of this name, in any case of letters.
    pub fn group(&self, name: &[u8]) -> Option<&Arc<UpstreamGroup>> {
        let mut groups = self.groups.iter();
        groups.find(|group| group.name.as_bytes().eq_ignore_ascii_case(name))
    }
}
