//! The guard against an open relay: a backend that trusts the gateway's address and sees every client under it relays for the whole
//! internet.

use std::sync::atomic::Ordering;

use super::ClientContext;
use crate::base::Level;
use crate::config::{Method, ProtocolSettings, ProxyProtocol, Xclient};
use crate::proto::backend::wire::Trust;

impl ClientContext<'_> {
    /// Writes an error if clients may send without a login, to a backend that does not know their addresses. One line for each
    /// server and configuration is enough.
    pub(super) fn guard_relay(&self, trust: Trust) {
        let server = &self.backends.server;
        let ProtocolSettings::Smtp(smtp) = &server.settings else {
            return;
        };
        let is_told = trust.client_address || server.proxy.proxy_protocol != ProxyProtocol::Off;
        if is_told || !smtp.smtp_auth.has(Method::None) {
            return;
        }
        if self.backends.relay_reported.swap(true, Ordering::Relaxed) {
            return;
        }
        let (sees, cure) = match server.proxy.xclient {
            Xclient::On | Xclient::Announced => (
                "announces no XCLIENT and sees",
                "permission for XCLIENT at the backend",
            ),
            Xclient::Off => ("sees", "\"xclient on\""),
        };
        let message = format_args!(
            "a client may send without a login (\"smtp_auth none\"), and the backend {sees} every client under the gateway's \
             address: a backend that trusts that address relays for the whole internet; the cures are {cure} and \
             \"proxy_protocol on\""
        );
        self.log.line(*self.phase, Level::Error, message);
    }
}
