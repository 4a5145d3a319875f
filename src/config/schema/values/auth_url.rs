//! `auth_http`: the URL of the authentication server.

use super::url::{Rules, parse};
use super::{Call, Lines, Refusal, Value, sentence};
use crate::base::Address;

/// The authentication server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthUrl {
    /// Its addresses, never empty.
    pub addresses: Vec<Address>,
    /// What `Host:` carries: the host without port, IPv6 in brackets, `localhost` for a unix socket.
    pub host: Box<[u8]>,
    /// What is asked for; `/` unless given.
    pub uri: Box<[u8]>,
    /// The name and the port that the addresses come from: they are looked up again. `None` where an address is written.
    pub name: Option<(Box<str>, u16)>,
    /// Whether it is `https://`.
    pub tls: bool,
}

/// `[http[s]://]host[:port][/uri]` or `[http[s]://]unix:path[:uri]`; the last line wins.
#[derive(Debug)]
pub struct HttpUrl;

impl Value for HttpUrl {
    type Plain = AuthUrl;
    const SYNTAX: &'static str = "URL";
    const ABOUT: &'static str = "The URL is `[http://]host[:port][/uri]`, or `[http://]unix:path[:uri]` for a UNIX-domain \
        socket; `https://` replaces `http://` for TLS. The default port is 80, or 443 with `https://`; the default URI is `/`. \
        The host name must resolve when the configuration is read.";
    const LINES: Lines = Lines::LastHolds;

    fn read(call: &mut Call<'_>, _: Option<AuthUrl>) -> Result<AuthUrl, Refusal> {
        let written = call.first();
        let (tls, text) = match written.strip_prefix(b"https://") {
            Some(text) => (true, text),
            None => (false, written.strip_prefix(b"http://").unwrap_or(written)),
        };
        let url = parse(
            call.world,
            text,
            Rules {
                uri: true,
                port: if tls { 443 } else { 80 },
                listen: false,
            },
        )
        .map_err(|reason| {
            Refusal::Says(sentence(&[
                reason.as_bytes(),
                b" in auth_http \"",
                if tls { written } else { text },
                b"\"",
            ]))
        })?;
        let host = match url.addresses.first() {
            Some(Address::Unix(_)) => b"localhost".as_slice().into(),
            _ => url.host,
        };
        let uri = if url.uri.is_empty() {
            b"/".as_slice().into()
        } else {
            url.uri
        };
        let name = url.named.then(|| String::from_utf8_lossy(&host).into());
        let name = name.zip(url.addresses.first().map(Address::port));
        Ok(AuthUrl {
            addresses: url.addresses,
            host,
            uri,
            name,
            tls,
        })
    }
}
