//! Networks.

use std::net::IpAddr;

use super::ip::{ipv4, ipv6};
use crate::config::model::{Cidr, masked};
use crate::config::schema::{Arguments, Parsed, Repeated, ValueKind, refuse};
use crate::config::syntax::{digits, message};

/// `set_real_ip_from`: an address, a network, `unix:`, or a host name.
#[derive(Debug)]
pub struct Cidrs;

impl ValueKind for Cidrs {
    type Value = Vec<Cidr>;
    const SYNTAX: &'static str = "address | CIDR | unix:";
    const ABOUT: &'static str = "The value is an address, a network such as `192.0.2.0/24` or `2001:db8::/32`, a host name, or `unix:` for all UNIX-domain sockets.";
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, before: Option<Vec<Cidr>>) -> Parsed<Vec<Cidr>> {
        let mut cidrs = before.unwrap_or_default();
        let word = args.first();
        if word == b"unix:" {
            cidrs.push(Cidr::Unix);
        } else if let Some((cidr, is_clean)) = parse_network(word) {
            if !is_clean {
                let end = " are meaningless";
                args.warn(message!("low address bits of ", word, end));
            }
            cidrs.push(cidr);
        } else {
            let host = std::str::from_utf8(word);
            let found = host.map(|host| args.names.lookup(host)).unwrap_or_default();
            if found.is_empty() {
                let name = args.name;
                return Err(refuse!("host not found in ", name, " \"", word, "\""));
            }
            cidrs.extend(found.into_iter().map(Cidr::host));
        }
        Ok(cidrs)
    }
}

/// Reads a network (`ngx_ptocidr`). Returns the network, and whether its host bits are 0 as written.
pub fn parse_network(text: &[u8]) -> Option<(Cidr, bool)> {
    let mut halves = text.splitn(2, |byte| *byte == b'/');
    let address = halves.next()?;
    let address = ipv4(address)
        .map(IpAddr::from)
        .or_else(|| ipv6(address).map(IpAddr::from))?;
    let Some(mask) = halves.next() else {
        return Some((Cidr::host(address), true));
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = digits(mask).and_then(|bits| u8::try_from(bits).ok())?;
    let net = masked(address, bits);
    let cidr = Cidr::Net { address: net, bits };
    (bits <= most).then_some((cidr, net == address))
}

/// `debug_connection`: accepted with the warning of an nginx that was built without debugging.
#[derive(Debug)]
pub struct DebugConnection;

impl ValueKind for DebugConnection {
    type Value = ();
    const SYNTAX: &'static str = "address | CIDR | unix:";
    const ABOUT: &'static str =
        "The value is an address, a network, or `unix:` for all UNIX-domain sockets.";
    const REPEATED: Repeated = Repeated::Adds;

    fn read(args: &mut Arguments<'_>, _: Option<()>) -> Parsed<()> {
        args.warn(
            "\"debug_connection\" is ignored, you need to rebuild nginx using --with-debug option to enable it",
        );
        Ok(())
    }
}
