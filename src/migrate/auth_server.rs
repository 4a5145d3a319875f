//! Whether the auth server of `auth_http` is the nginx that is to be migrated: one of its `http {}` servers listens on that address.

use std::net::{IpAddr, Ipv4Addr};

use super::outline::{Line, Outline};
use crate::config::Names;

/// Where something listens, or what something connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Unix(String),
    /// The host is empty for every address of the machine.
    Inet {
        host: String,
        port: u16,
    },
}

/// The `listen` of `http {}` that an `auth_http` URL leads to.
pub fn answered_by<'a>(url: &str, outline: &'a Outline, names: &dyn Names) -> Option<&'a Line> {
    let asked = target(url)?;
    let mut listens = outline
        .named("http")
        .flat_map(|block| &block.lines)
        .filter(|line| line.name == "listen");
    listens.find(|line| listen(&line.value).is_some_and(|place| reaches(&asked, &place, names)))
}

/// The address in a URL of `auth_http`: `http://` may be missing.
fn target(url: &str) -> Option<Place> {
    let (rest, port) = match url.strip_prefix("https://") {
        Some(rest) => (rest, 443),
        None => (url.strip_prefix("http://").unwrap_or(url), 80),
    };
    if let Some(path) = rest.strip_prefix("unix:") {
        let path = path.split(':').next().unwrap_or_default();
        return Some(Place::Unix(path.to_owned()));
    }
    inet(rest.split('/').next().unwrap_or_default(), port)
}

/// The address of a `listen`.
fn listen(value: &str) -> Option<Place> {
    if let Some(path) = value.strip_prefix("unix:") {
        return Some(Place::Unix(path.to_owned()));
    }
    if let Ok(port) = value.parse() {
        let host = String::new();
        return Some(Place::Inet { host, port });
    }
    inet(value, 80)
}

fn inet(text: &str, default: u16) -> Option<Place> {
    let (host, port) = match text.rsplit_once(':') {
        // The last colon of an IPv6 address without port is within its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (text, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = match host {
        "*" | "0.0.0.0" | "::" => String::new(),
        host => host.to_lowercase(),
    };
    Some(Place::Inet { host, port })
}

fn reaches(asked: &Place, listens: &Place, names: &dyn Names) -> bool {
    match (asked, listens) {
        (
            Place::Inet { host, port },
            Place::Inet {
                host: own,
                port: on,
            },
        ) if port == on => {
            let mut asked = addresses(host, names).into_iter();
            match own.is_empty() {
                true => asked.any(|address| names.has_address(address)),
                false => {
                    let own_addresses = addresses(own, names);
                    host == own || asked.any(|address| own_addresses.contains(&address))
                }
            }
        }
        (Place::Unix(asked), Place::Unix(listens)) => asked == listens,
        _ => false,
    }
}

fn addresses(host: &str, names: &dyn Names) -> Vec<IpAddr> {
    match host.parse() {
        Ok(address) => vec![address],
        Err(_) if host == "localhost" => vec![Ipv4Addr::LOCALHOST.into()],
        Err(_) => names.lookup(host),
    }
}

#[cfg(test)]
mod tests {
    use super::{listen, target};

    #[test]
    fn addresses_are_read_as_nginx_reads_them() {
        for (url, value) in [
            ("127.0.0.1:9000/auth", "127.0.0.1:9000"),
            ("http://localhost/auth", "localhost:80"),
            ("https://auth.test", "auth.test:443"),
            ("http://[::1]:8080/", "[::1]:8080"),
            ("[::1]/", "[::1]"),
            ("unix:/run/auth.sock:/auth", "unix:/run/auth.sock"),
        ] {
            assert_eq!(target(url), listen(value), "{url}");
            assert!(target(url).is_some(), "{url}");
        }
        assert_eq!(listen("80"), listen("*:80"));
        assert_eq!(listen("[::]:80"), listen("80"));
        assert_eq!(listen("*:nonsense"), None);
    }
}
