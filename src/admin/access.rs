//! Who may read the pages, and who may change something.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST};

use crate::base::Address;
use crate::config::StatusToken;

/// What a client of one address has to show.
#[derive(Clone, Debug)]
pub enum Access {
    /// The token, as `Authorization: Bearer`.
    Token(StatusToken),
    /// Nothing: the permissions of the Unix socket decide.
    Socket,
    /// A `Host` that is an address or `localhost`. A page in a browser on this machine could otherwise read the status by a name of its
    /// own that leads here (DNS rebinding).
    Loopback,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The token is missing or wrong.
    Token,
    /// The request is for another host.
    Host,
    /// Everybody on this machine may read here: nobody can change anything.
    ReadOnly,
    /// A browser sends it for a page of another site.
    OtherSite,
}

impl Access {
    /// That of an address, with its token if it has one.
    pub fn of(address: &Address, token: Option<StatusToken>) -> Self {
        match (token, address) {
            (Some(token), _) => Self::Token(token),
            (None, Address::Unix(_)) => Self::Socket,
            (None, Address::Inet(_)) => Self::Loopback,
        }
    }

    /// Whether a client that passes the check may change something.
    pub(super) const fn is_writable(&self) -> bool {
        match self {
            Self::Token(_) | Self::Socket => true,
            Self::Loopback => false,
        }
    }

    /// Checks a request.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        match self {
            Self::Socket => Ok(()),
            Self::Loopback => match headers.get(HOST).is_none_or(|host| is_own(host.as_bytes())) {
                true => Ok(()),
                false => Err(Refused::Host),
            },
            Self::Token(token) => check_token(token, headers),
        }
    }

    /// Checks a request that changes something. The token has to be in `Authorization`, which no browser adds by itself.
    pub(super) fn check_change(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
        if !matches!(site, None | Some(b"same-origin" | b"none")) {
            return Err(Refused::OtherSite);
        }
        match self {
            Self::Socket => Ok(()),
            Self::Loopback => Err(Refused::ReadOnly),
            Self::Token(token) => check_token(token, headers),
        }
    }
}

/// Checks the token in `Authorization`.
fn check_token(token: &StatusToken, headers: &HeaderMap) -> Result<(), Refused> {
    let sent = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let sent = sent.and_then(bearer).unwrap_or_default();
    let equal = verify_slices_are_equal(sent, token.reveal());
    // A file that could not be read is an empty token, which nobody has.
    match equal.is_ok() && !sent.is_empty() {
        true => Ok(()),
        false => Err(Refused::Token),
    }
}

/// The token in the value of `Authorization` (RFC 6750).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(b"Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| rest.trim_ascii())
}

/// Whether the value of `Host` is an address or `localhost`, with or without a port.
fn is_own(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;
    use crate::base::Secret;

    fn headers(name: hyper::header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_token_must_be_the_whole_one() {
        let access = Access::Token(Secret::new((*b"s3cret").into()));
        for (value, good) in [
            ("Bearer s3cret", true),
            ("bearer s3cret", true),
            ("Bearer s3cre", false),
            ("Bearer s3crets", false),
            ("Bearer ", false),
            ("Basic s3cret", false),
            ("s3cret", false),
        ] {
            let checked = access.check(&headers(AUTHORIZATION, value));
            assert_eq!(checked.is_ok(), good, "{value}");
        }
        assert_eq!(access.check(&HeaderMap::new()), Err(Refused::Token));
        let unread = Access::Token(Secret::default());
        let checked = unread.check(&headers(AUTHORIZATION, "Bearer "));
        assert_eq!(checked, Err(Refused::Token));
    }

    #[test]
    fn names_of_others_do_not_lead_here() {
        for (value, good) in [
            ("127.0.0.1:8025", true),
            ("localhost:8025", true),
            ("[::1]:8025", true),
            ("evil.example:8025", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            let checked = Access::Loopback.check(&headers(HOST, value));
            assert_eq!(checked.is_ok(), good, "{value}");
        }
    }
}
