//! Which of the servers of an address a request reaches, by its `Host` (`ngx_http_find_virtual_server`).

use super::lines::HttpLine;
use super::listener::Listeners;
use super::pcre;

/// The server of a request.
#[derive(Debug)]
pub struct NamedServer<'a> {
    /// It.
    pub server: &'a HttpLine,
    /// The regular expression of `server_name` that has matched.
    pub pattern: Option<&'a [u8]>,
}

/// How well a name fits. Greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// `www.*`, with its length.
    Tail(usize),
    /// `*.example.com`, with its length.
    Head(usize),
    Exact,
}

impl<'a> NamedServer<'a> {
    /// The server for this host, in lower case. `machine` is the name of the machine.
    ///
    /// # Errors
    /// A regular expression that must be tried cannot be evaluated.
    pub fn find(
        listeners: &Listeners<'a>,
        host: &[u8],
        machine: &dyn Fn() -> String,
    ) -> Result<Self, String> {
        let mut best: Option<(Fit, Self)> = None;
        for (server, name) in listeners.servers.iter().copied().flat_map(names) {
            let fit = match name {
                [b'~', ..] => None,
                b"$hostname" => (*host == *machine().as_bytes()).then_some(Fit::Exact),
                name => fit(&name.to_ascii_lowercase(), host),
            };
            if let Some(fit) = fit
                && best.as_ref().is_none_or(|(before, _)| *before < fit)
            {
                let found = Self {
                    server,
                    pattern: None,
                };
                best = Some((fit, found));
            }
        }
        if let Some((_, found)) = best {
            return Ok(found);
        }
        // nginx compiles one with capitals without regard to case; the host has none.
        for (server, name) in listeners.servers.iter().copied().flat_map(names) {
            if let [b'~', pattern @ ..] = name
                && pcre::compile(pattern, true)?.is_match(host)
            {
                let pattern = Some(pattern);
                return Ok(Self { server, pattern });
            }
        }
        Ok(Self {
            server: listeners.default,
            pattern: None,
        })
    }
}

/// The names of a server.
pub fn names(server: &HttpLine) -> impl Iterator<Item = (&HttpLine, &[u8])> {
    let lines = server.block.iter();
    let lines = lines.filter(|line| line.name() == b"server_name");
    lines.flat_map(move |line| line.args().iter().map(move |name| (server, &**name)))
}

fn fit(name: &[u8], host: &[u8]) -> Option<Fit> {
    let below = |domain: &[u8]| {
        let begin = host.strip_suffix(domain)?;
        (begin.len() > 1 && begin.ends_with(b".")).then_some(Fit::Head(domain.len()))
    };
    match name {
        _ if name == host => Some(Fit::Exact),
        [b'.', domain @ ..] if domain == host => Some(Fit::Exact),
        [b'.', domain @ ..] | [b'*', b'.', domain @ ..] => below(domain),
        [begin @ .., b'.', b'*'] => {
            let end = host.strip_prefix(begin)?;
            (end.len() > 1 && end.starts_with(b".")).then_some(Fit::Tail(begin.len()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fit, fit};

    #[test]
    fn names_of_servers() {
        let cases: [(&[u8], Option<Fit>); 9] = [
            (b"mail.example.com", Some(Fit::Exact)),
            (b".mail.example.com", Some(Fit::Exact)),
            (b".example.com", Some(Fit::Head(11))),
            (b"*.com", Some(Fit::Head(3))),
            (b"mail.*", Some(Fit::Tail(4))),
            (b"mail.example.*", Some(Fit::Tail(12))),
            (b"*.mail.example.com", None),
            (b"example.com", None),
            (b"mail", None),
        ];
        for (name, expected) in cases {
            let name_shown = name.escape_ascii();
            assert_eq!(fit(name, b"mail.example.com"), expected, "{name_shown}");
        }
        assert!(Fit::Head(3) > Fit::Tail(12));
    }
}
