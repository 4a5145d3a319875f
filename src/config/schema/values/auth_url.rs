//! `auth_http`: the URL of the authentication server.

use super::url::{Rules, parse};
use crate::base::Address;
use crate::config::model::AuthUrl;
use crate::config::schema::{Arguments, Parsed, Repeated, ValueError, ValueKind};
use crate::config::syntax::message;

/// `[http[s]://]host[:port][/uri]` or `[http[s]://]unix:path[:uri]`.
#[derive(Debug)]
pub struct HttpUrl;

impl ValueKind for HttpUrl {
    type Value = AuthUrl;
    const SYNTAX: &'static str = "URL";
    const ABOUT: &'static str = "The URL is `[http://]host[:port][/uri]`, or `[http://]unix:path[:uri]` for a UNIX-domain \
        socket; `https://` replaces `http://` for TLS. The default port is 80, or 443 with `https://`; the default URI is `/`. \
        The host name must resolve when the configuration is read.";
    const REPEATED: Repeated = Repeated::Replaces;

    fn read(args: &mut Arguments<'_>, _: Option<AuthUrl>) -> Parsed<AuthUrl> {
        let written = args.first();
        let (tls, text) = match written.strip_prefix(b"https://") {
            Some(text) => (true, text),
            None => (false, written.strip_prefix(b"http://").unwrap_or(written)),
        };
        let rules = Rules {
            uri: true,
            port: if tls { 443 } else { 80 },
            listen: false,
        };
        let url = parse(args.names, text, rules).map_err(|reason| {
            let shown = if tls { written } else { text };
            ValueError::says(message!(reason, " in auth_http \"", shown, "\""))
        })?;
        let host = match url.addresses.first() {
            Some(Address::Unix(_)) => b"localhost".as_slice().into(),
            _ => url.host,
        };
        let uri = match &*url.uri {
            b"" => b"/".as_slice().into(),
            _ => url.uri,
        };
        let name = url.named.then(|| String::from_utf8_lossy(&host).into());
        Ok(AuthUrl {
            name: name.zip(url.addresses.first().map(Address::port)),
            addresses: url.addresses,
            host,
            uri,
            tls,
        })
    }
}
