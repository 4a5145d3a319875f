//! One line of a `geo` block, in nginx's words.

use std::net::{IpAddr, Ipv4Addr};

use crate::config::model::{Cidr, GeoBuilder};
use crate::config::schema::values::{parse_ipv4, parse_network};
use crate::config::syntax::{Span, message};

/// Receives warnings.
type Warn<'w> = &'w mut dyn FnMut(Vec<u8>);

/// Applies a line.
///
/// # Errors
/// nginx's sentence.
pub fn line(
    geo: &mut GeoBuilder,
    key: &[u8],
    value: &[u8],
    span: &Span,
    warn: Warn<'_>,
) -> Result<(), Vec<u8>> {
    match (key, geo.has_ranges()) {
        (b"default", has_ranges) => {
            let begin = match has_ranges {
                true => "duplicate default geo range value: \"",
                false => "duplicate network \"default\", value: \"",
            };
            for old in geo.default(value, span) {
                warn(message!(begin, value, "\", old value: \"", old, "\""));
            }
        }
        (b"delete", true) => {
            let (start, end) = range(value)?;
            if !geo.delete_range(start, end) {
                warn(message!("no address range \"", value, "\" to delete"));
            }
        }
        (b"delete", false) => {
            if !geo.delete_network(network(value, warn)?) {
                warn(message!("no network \"", value, "\" to delete"));
            }
        }
        (name, true) => {
            let set = geo.range(range(name)?, (name, value), span);
            let set = set.map_err(|overlap| {
                let end = format!("\" overlaps \"{}-{}\"", overlap.start, overlap.end);
                message!("range \"", name, end)
            })?;
            for old in set {
                warn(message!(
                    "duplicate range \"",
                    name,
                    "\", value: \"",
                    value,
                    "\", old value: \"",
                    old,
                    "\""
                ));
            }
        }
        (name, false) => {
            let network = network(name, warn)?;
            if let Some(old) = geo.network(network, name, value, span) {
                warn(message!(
                    "duplicate network \"",
                    name,
                    "\", value: \"",
                    value,
                    "\", old value: \"",
                    old,
                    "\""
                ));
            }
        }
    }
    Ok(())
}

fn network(text: &[u8], warn: Warn<'_>) -> Result<(IpAddr, u8), Vec<u8>> {
    if text == b"255.255.255.255" {
        return Ok((Ipv4Addr::BROADCAST.into(), 32));
    }
    match parse_network(text) {
        Some((Cidr::Net { address, bits }, is_clean)) => {
            if !is_clean {
                warn(message!("low address bits of ", text, " are meaningless"));
            }
            Ok((address, bits))
        }
        Some((Cidr::Unix, _)) | None => Err(message!("invalid network \"", text, "\"")),
    }
}

fn range(text: &[u8]) -> Result<(Ipv4Addr, Ipv4Addr), Vec<u8>> {
    let mut halves = text.splitn(2, |byte| *byte == b'-');
    let mut half = || parse_ipv4(halves.next()?);
    let parsed = half().zip(half());
    let parsed = parsed.filter(|(start, end)| start <= end);
    parsed.ok_or_else(|| message!("invalid range \"", text, "\""))
}
