//! ALPN (RFC 7301): a client that names protocols must name ours; one that names none is served.

use crate::base::Protocol;

/// The protocol names of a server. rustls answers a list without any of them with the alert no_application_protocol.
pub(super) fn names(protocol: Protocol) -> Vec<Vec<u8>> {
    let name: &[u8] = match protocol {
        Protocol::Smtp => b"smtp",
        Protocol::Imap => b"imap",
        Protocol::Pop3 => b"pop3",
    };
    vec![name.to_vec()]
}
