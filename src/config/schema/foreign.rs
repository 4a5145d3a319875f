//! `http {}` and `stream {}`, which are skipped. Their directives are not checked, except for those that mail servers have too: one that
//! stands in a wrong block is an error in nginx, so a mail server that was put into `http {}` is reported.

use super::nginx::in_nginx;
use super::table::{self, Entry};

/// A block of `http {}` or `stream {}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// `http {}`
    Http,
    /// `server {}` in `http {}`
    HttpServer,
    /// `if {}` in such a server
    HttpIf,
    /// `location {}`
    Location,
    /// `if {}` in a location
    LocationIf,
    /// `limit_except {}`
    LimitExcept,
    /// `upstream {}` in `http {}`
    HttpUpstream,
    /// `stream {}`
    Stream,
    /// `server {}` in `stream {}`
    StreamServer,
    /// `upstream {}` in `stream {}`
    StreamUpstream,
    /// Any other block: its words need not be directives (`map`, `types`).
    Other,
}

impl Foreign {
    /// The block that `name` opens in this one.
    pub fn opened_by(self, name: &[u8]) -> Self {
        match (self, name) {
            (Self::Http, b"server") => Self::HttpServer,
            (Self::Http, b"upstream") => Self::HttpUpstream,
            (Self::HttpServer, b"if") => Self::HttpIf,
            (Self::HttpServer | Self::Location, b"location") => Self::Location,
            (Self::Location, b"if") => Self::LocationIf,
            (Self::Location, b"limit_except") => Self::LimitExcept,
            (Self::Stream, b"server") => Self::StreamServer,
            (Self::Stream, b"upstream") => Self::StreamUpstream,
            _ => Self::Other,
        }
    }

    /// The start of the names of its modules, and its names in nginx's documentation; `None` for a block that is not checked.
    fn documented(self) -> Option<(&'static str, &'static [&'static str])> {
        const HTTP: &str = "ngx_http_";
        const STREAM: &str = "ngx_stream_";
        match self {
            Self::Http => Some((HTTP, &["http"])),
            Self::HttpServer => Some((HTTP, &["server"])),
            Self::HttpIf => Some((HTTP, &["if"])),
            Self::Location => Some((HTTP, &["location"])),
            Self::LocationIf => Some((HTTP, &["if", "if in location"])),
            Self::LimitExcept => Some((HTTP, &["limit_except"])),
            Self::HttpUpstream => Some((HTTP, &["upstream"])),
            Self::Stream => Some((STREAM, &["stream"])),
            Self::StreamServer => Some((STREAM, &["server"])),
            Self::StreamUpstream => Some((STREAM, &["upstream"])),
            Self::Other => None,
        }
    }

    /// Whether nginx has the directive for mail servers or for the process, and not in this block. Directives of other kinds are not
    /// checked: third-party modules add to them.
    pub fn refuses(self, name: &str) -> bool {
        let Some((prefix, contexts)) = self.documented() else {
            return false;
        };
        let modules = in_nginx(name);
        let is_of_mail = |entry: &Entry| matches!(entry, Entry::Mail(_));
        let concerns_mail = modules
            .iter()
            .any(|one| one.module.starts_with("ngx_mail_") || one.module == "ngx_core_module")
            || table::find(name).iter().any(is_of_mail);
        let is_here = modules.iter().any(|one| {
            let mut places = one.contexts.split(',');
            one.contexts.is_empty()
                || (one.module.starts_with(prefix) || one.module == "ngx_core_module")
                    && places.any(|place| contexts.contains(&place))
        });
        !modules.is_empty() && concerns_mail && !is_here
    }
}

#[cfg(test)]
mod tests {
    use super::Foreign;

    #[test]
    fn directives_of_mail_are_refused_where_nginx_refuses_them() {
        let cases = [
            (
                Foreign::Http,
                "mail events worker_processes auth_http protocol imap_auth xclient listen proxy_timeout proxy_pass",
            ),
            (
                Foreign::HttpServer,
                "mail protocol auth_http starttls smtp_auth proxy_timeout server",
            ),
            (Foreign::Location, "listen protocol ssl_certificate"),
            (Foreign::LocationIf, "listen protocol error_log"),
            (Foreign::HttpUpstream, "listen protocol"),
            (Foreign::Stream, "mail protocol imap_auth timeout"),
            (Foreign::StreamServer, "protocol smtp_auth"),
        ];
        for (block, names) in cases {
            for name in names.split(' ') {
                assert!(block.refuses(name), "{name} in {block:?}");
            }
        }
        let cases = [
            (
                Foreign::Http,
                "include server error_log ssl_certificate resolver keepalive_timeout third_party ssl server_name_in_redirect map",
            ),
            (
                Foreign::HttpServer,
                "listen server_name error_log ssl_protocols ssl location resolver_timeout",
            ),
            (
                Foreign::Location,
                "proxy_pass error_log resolver proxy_read_timeout",
            ),
            (Foreign::HttpUpstream, "server"),
            (
                Foreign::Stream,
                "server proxy_timeout ssl_certificate set_real_ip_from error_log",
            ),
            (
                Foreign::StreamServer,
                "listen proxy_pass proxy_timeout proxy_protocol proxy_ssl starttls_of_others",
            ),
            (Foreign::StreamUpstream, "server"),
            (Foreign::Other, "mail protocol listen"),
        ];
        for (block, names) in cases {
            for name in names.split(' ') {
                assert!(!block.refuses(name), "{name} in {block:?}");
            }
        }
    }
}
