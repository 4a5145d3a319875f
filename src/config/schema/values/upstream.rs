//! `proxy_pass`: the mail server behind the gateway.

use super::url::{Rules, parse};
use super::{Call, Refusal, Value, sentence};
use crate::base::Address;

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// As written, for logs.
    pub name: Box<[u8]>,
    /// The host alone, as written: IPv6 has its brackets; the path of a unix socket.
    pub host: Box<[u8]>,
    /// Its addresses, never empty.
    pub addresses: Vec<Address>,
}

impl Upstream {
    /// The same with `port` where none was written.
    #[must_use]
    pub fn with_default_port(mut self, port: u16) -> Self {
        for address in &mut self.addresses {
            if let Address::Inet(address) = address
                && address.port() == 0
            {
                address.set_port(port);
            }
        }
        self
    }
}

/// `host[:port]` or `unix:path`; without a port that of the server's protocol, which is filled in at the end of `mail {}`.
#[derive(Debug)]
pub struct UpstreamUrl;

impl Value for UpstreamUrl {
    type Plain = Upstream;
    const SYNTAX: &'static str = "address";

    fn read(call: &mut Call<'_>, _: Option<Upstream>) -> Result<Upstream, Refusal> {
        let name = call.first();
        let url = parse(call.world, name, Rules::default()).map_err(|reason| {
            Refusal::Says(sentence(&[
                reason.as_bytes(),
                b" in upstream \"",
                name,
                b"\"",
            ]))
        })?;
        Ok(Upstream {
            name: name.into(),
            host: url.host,
            addresses: url.addresses,
        })
    }
}
