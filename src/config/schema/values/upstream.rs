//! `proxy_pass`: the mail server behind the gateway.

use super::url::{Rules, parse};
use crate::config::model::Upstream;
use crate::config::schema::{Arguments, Parsed, ValueError, ValueKind};
use crate::config::syntax::message;

/// `host[:port]` or `unix:path`. Without a port that of the server's protocol holds, which is set at the end of `mail {}`.
#[derive(Debug)]
pub struct UpstreamUrl;

impl ValueKind for UpstreamUrl {
    type Value = Upstream;
    const SYNTAX: &'static str = "address";

    fn read(args: &mut Arguments<'_>, _: Option<Upstream>) -> Parsed<Upstream> {
        let name = args.first();
        let url = parse(args.names, name, Rules::default());
        let url = url
            .map_err(|reason| ValueError::says(message!(reason, " in upstream \"", name, "\"")))?;
        Ok(Upstream {
            name: name.into(),
            host: url.host,
            addresses: url.addresses,
        })
    }
}
