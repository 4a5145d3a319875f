//! The other servers: `auth_http`, `proxy_pass`, `resolver`.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::time::seconds;
use super::url::{NOT_FOUND, Reason, Rules, parse, parse_with};
use crate::base::Address;
use crate::config::model::{
    AuthUrl, BackendAddress, Names, Nowhere, ProxyPassText, Resolver, RouteText, UpstreamServer,
};
use crate::config::schema::{Arguments, Arity, Parsed, Repeated, ValueError, ValueKind, refuse};

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
            refuse!(reason, " in auth_http \"", shown, "\"")
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

/// `host[:port]`, `unix:path`, the name of a group, or a text with variables. A group may be defined after its use, so a name is
/// looked up at the end of `mail {}`.
#[derive(Debug)]
pub struct UpstreamName;

impl ValueKind for UpstreamName {
    type Value = ProxyPassText;
    const SYNTAX: &'static str = "address | group | $variable";

    fn read(args: &mut Arguments<'_>, _: Option<ProxyPassText>) -> Parsed<ProxyPassText> {
        let name = args.first();
        if name.contains(&b'$') {
            let template = args.variables.template(name, args.span);
            let template = template.map_err(|error| refuse!(error.of_value()))?;
            return Ok(ProxyPassText::Route(RouteText {
                written: name.into(),
                template,
            }));
        }
        match parse(&Nowhere, name, Rules::default()) {
            Ok(_) | Err(NOT_FOUND) => Ok(ProxyPassText::Name(name.into())),
            Err(reason) => Err(upstream_refused(reason, name)),
        }
    }
}

/// The server at an address that no `upstream {}` defines.
///
/// # Errors
/// Its name has no address.
pub fn upstream_server(names: &dyn Names, name: &[u8]) -> Parsed<UpstreamServer> {
    let url = parse(names, name, Rules::default());
    let url = url.map_err(|reason| upstream_refused(reason, name))?;
    Ok(UpstreamServer {
        name: name.into(),
        host: url.host,
        addresses: url.addresses,
        ..UpstreamServer::default()
    })
}

/// nginx's sentence for an address of a backend.
pub fn upstream_refused(reason: Reason, name: &[u8]) -> ValueError {
    refuse!(reason, " in upstream \"", name, "\"")
}

/// Reads the backend that a text with variables has named. `port` holds where none is written.
///
/// # Errors
/// nginx's reason.
pub fn backend_address(text: &[u8], port: u16) -> Result<BackendAddress, &'static str> {
    let rules = Rules {
        port,
        ..Rules::default()
    };
    let any = |_: &str| vec![Ipv4Addr::UNSPECIFIED.into()];
    let url = parse_with(&any, text, rules)?;
    let port = url.addresses.first().map_or(port, Address::port);
    Ok(match url.named {
        true => BackendAddress::Name(String::from_utf8_lossy(&url.host).into(), port),
        false => BackendAddress::Literal {
            host: url.host,
            addresses: url.addresses,
        },
    })
}

/// `address ... [valid=time] [ipv4=on|off] [ipv6=on|off] | off`
#[derive(Debug)]
pub struct Resolvers;

impl ValueKind for Resolvers {
    type Value = Resolver;
    const SYNTAX: &'static str = "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] | off";
    const ABOUT: &'static str = "A name server is specified by its address or host name, optionally with a port (default 53). `valid=time` overrides how \
        long an answer is cached, which is otherwise its TTL. `ipv4=off` and `ipv6=off` disable lookups of addresses of that kind.";
    const ARITY: Arity = Arity::SOME;

    fn read(args: &mut Arguments<'_>, _: Option<Resolver>) -> Parsed<Resolver> {
        if args.first() == b"off" {
            return Ok(Resolver::Off);
        }
        let (mut addresses, mut valid, mut ipv4, mut ipv6) = (Vec::new(), None, true, true);
        let rules = Rules {
            port: 53,
            ..Rules::default()
        };
        for word in args.words {
            let bad = || refuse!("invalid parameter: ", word);
            if let Some(text) = word.strip_prefix(b"valid=") {
                valid = Some(Duration::from_secs(seconds(text).ok_or_else(bad)?));
            } else if let Some(text) = word.strip_prefix(b"ipv4=") {
                ipv4 = on_or_off(text).ok_or_else(bad)?;
            } else if let Some(text) = word.strip_prefix(b"ipv6=") {
                ipv6 = on_or_off(text).ok_or_else(bad)?;
            } else {
                let url = parse(args.names, word, rules);
                let url = url.map_err(|reason| refuse!(reason, " in resolver \"", word, "\""))?;
                addresses.extend(url.addresses);
            }
        }
        if !ipv4 && !ipv6 {
            return Err(refuse!("\"ipv4\" and \"ipv6\" cannot both be \"off\""));
        }
        if addresses.is_empty() {
            return Err(refuse!("no name servers defined"));
        }
        Ok(Resolver::Servers {
            addresses,
            valid,
            ipv4,
            ipv6,
        })
    }
}

fn on_or_off(word: &[u8]) -> Option<bool> {
    match word {
        b"on" => Some(true),
        b"off" => Some(false),
        _ => None,
    }
}
