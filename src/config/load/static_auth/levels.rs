//! What a location inherits: the blocks around it, and the directives in them that matter for a reply of the rewrite module.

use super::lines::HttpLine;
use crate::config::schema::nginx::in_nginx;
use crate::config::syntax::digits;

/// The blocks around a line, `http` first, and the innermost one.
#[derive(Clone, Debug)]
pub struct Levels<'a>(Vec<&'a [HttpLine]>);

/// Modules of others whose directives change no reply.
const HARMLESS: [&[u8]; 8] = [
    b"brotli",
    b"geoip2",
    b"init_by_lua",
    b"init_worker_by_lua",
    b"lua_",
    b"passenger_",
    b"vhost_traffic_status",
    b"zstd",
];

/// Directives of nginx that act before or after the rewrite module.
const HARMFUL: [&[u8]; 5] = [
    b"early_hints",
    b"image_filter",
    b"js_header_filter",
    b"xslt_stylesheet",
    b"ssl_reject_handshake",
];

/// Directives that answer a request which no `return` has answered, or decide about it.
const ANSWERING: [&[u8]; 16] = [
    b"access_by_lua",
    b"auth_basic",
    b"auth_request",
    b"content_by_lua",
    b"empty_gif",
    b"fastcgi_pass",
    b"grpc_pass",
    b"js_content",
    b"memcached_pass",
    b"perl",
    b"proxy_pass",
    b"rewrite_by_lua",
    b"scgi_pass",
    b"stub_status",
    b"try_files",
    b"uwsgi_pass",
];

impl<'a> Levels<'a> {
    /// `http {}` itself.
    pub fn of(http: &'a [HttpLine]) -> Self {
        Self(vec![http])
    }

    /// These blocks and one inside them.
    pub fn with(&self, inner: &'a HttpLine) -> Self {
        let mut levels = self.0.clone();
        levels.push(&inner.block);
        Self(levels)
    }

    /// The lines of a directive that is inherited where a block has none of its own.
    pub fn inherited(&self, name: &[u8]) -> Vec<&'a HttpLine> {
        let own = self.0.iter().rev().map(|lines| named(lines, name));
        let mut own = own.filter(|lines| !lines.is_empty());
        own.next().unwrap_or_default()
    }

    /// Whether a flag is on.
    pub fn is_on(&self, name: &[u8]) -> bool {
        let lines = self.inherited(name);
        lines.last().is_some_and(|line| line.arg(0) == b"on")
    }

    /// The lines of `add_header` in force (`add_header_inherit`).
    pub fn headers(&self) -> Vec<&'a HttpLine> {
        let Some((lines, outer)) = self.0.split_last() else {
            return Vec::new();
        };
        let own = named(lines, b"add_header");
        let outer = || Self(outer.to_vec()).headers();
        let mode = self.inherited(b"add_header_inherit");
        match mode.last().map(|line| line.arg(0)) {
            Some(b"off") => own,
            Some(b"merge") => own.into_iter().chain(outer()).collect(),
            _ if own.is_empty() => outer(),
            _ => own,
        }
    }

    /// The line that may keep the reply of a `return` from being sent as it is.
    pub fn obstacle(&self) -> Option<&'a HttpLine> {
        let all = self.0.iter().find_map(|lines| obstacle(lines));
        let inner = self.0.last().map_or(&[][..], |lines| lines);
        all.or_else(|| named(inner, b"internal").first().copied())
    }

    /// Whether an `error_page` of these blocks or of an `if` in them replaces replies with this status.
    pub fn replaces(&self, status: u16) -> bool {
        self.0.iter().any(|lines| replaces(lines, status))
    }
}

fn named<'a>(lines: &'a [HttpLine], name: &[u8]) -> Vec<&'a HttpLine> {
    lines.iter().filter(|line| line.name() == name).collect()
}

fn obstacle(lines: &[HttpLine]) -> Option<&HttpLine> {
    lines.iter().find_map(|line| {
        let name = line.name();
        let text = String::from_utf8_lossy(name);
        let is_known = in_nginx(&text).iter().any(|one| {
            let of_mail =
                one.module.starts_with("ngx_mail") || one.module.starts_with("ngx_stream");
            !of_mail
        });
        let is_unreached = ANSWERING.iter().any(|begin| name.starts_with(begin));
        let is_harmless = HARMLESS.iter().any(|begin| name.starts_with(begin));
        let is_script = matches!(name, b"js_import" | b"js_path" | b"js_set" | b"js_var");
        let is_off = line.arg(0) == b"off";
        let verifies = name == b"ssl_verify_client" && line.arg(0) == b"on";
        let is_harmful = HARMFUL.contains(&name) && !is_off || verifies;
        match name == b"if" {
            true => obstacle(&line.block),
            false => {
                let is_fine = is_known || is_unreached || is_harmless || is_script;
                (is_harmful || !is_fine).then_some(line)
            }
        }
    })
}

fn replaces(lines: &[HttpLine], status: u16) -> bool {
    let is_it = |word: &[u8]| digits(word) == Some(status.into());
    lines.iter().any(|line| match line.name() {
        b"error_page" => line.args().iter().any(|word| is_it(word)),
        b"if" => replaces(&line.block, status),
        _ => false,
    })
}

/// Why a location without a `return` on every path does not answer by itself.
pub fn answering(lines: &[HttpLine]) -> String {
    match first_answering(lines) {
        Some(line) => uses(line),
        None => "serves files".to_owned(),
    }
}

fn first_answering(lines: &[HttpLine]) -> Option<&HttpLine> {
    lines.iter().find_map(|line| match line.name() {
        b"if" => first_answering(&line.block),
        name => {
            let is_it = name == b"rewrite" || ANSWERING.iter().any(|begin| name.starts_with(begin));
            is_it.then_some(line)
        }
    })
}

/// `uses NAME in FILE:LINE`
pub fn uses(line: &HttpLine) -> String {
    format!("uses {} in {}", line.shown(), line.span)
}
