//! The log line for a backend that offers no usable way to log in: what it offers, and what to set.

use std::fmt;

use crate::base::Escaped;
use crate::config::Server;
use crate::proto::backend::wire::Offer;

/// A backend that offers none of these mechanisms.
#[derive(Debug)]
pub(in crate::session) struct NotOffered<'a> {
    pub server: &'a Server,
    /// The names of the mechanisms that would do, with spaces between.
    pub mechanisms: &'a str,
    pub offer: &'a Offer,
    /// The connection uses TLS.
    pub tls: bool,
}

impl fmt::Display for NotOffered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            mechanisms: wanted,
            offer,
            tls,
        } = self;
        let when = if *tls { "after" } else { "before" };
        write!(f, "upstream does not offer \"{wanted}\" {when} TLS, ")?;
        let offered = &*offer.mechanisms;
        match offered {
            [] => f.write_str("it offers no authentication")?,
            offered => write!(f, "it offers \"{}\"", Escaped(offered))?,
        }
        if let Some(command) = offer.start_tls.filter(|_| !tls) {
            let but = if offered.is_empty() { ", but" } else { " and" };
            return write!(f, "{but} {command}: set \"proxy_ssl starttls;\"");
        }
        let directive = server.protocol().word();
        match offered {
            [] if *tls => write!(f, ": enable authentication on the upstream"),
            [] => write!(
                f,
                ": enable authentication on the upstream, or set \"proxy_ssl on;\" and its port for TLS"
            ),
            _ => write!(
                f,
                ": enable one of them on the upstream, or set \"{directive}_auth\" to what it offers"
            ),
        }
    }
}
