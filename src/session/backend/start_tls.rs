//! TLS with a backend: at once, or once the backend has agreed to it. A connection that should be TLS and is not is given up.

use tokio::time::timeout;

use super::connect;
use super::conversation::{Broken, Line, READING, log_broken, log_unexpected};
use crate::base::Escaped;
use crate::base::Level;
use crate::proto::upgrade::Rise;
use crate::proto::{Helo, Upgrade, settings};
use crate::session::Endpoint;
use crate::session::log::SessionLog;

/// What is being done while hands are shaken.
const SHAKING: &str = "SSL handshaking to upstream";

/// Who the backend is, and for whom.
#[derive(Clone, Copy)]
pub(in crate::session) struct Whom<'a> {
    /// Its host, which is its name unless the configuration says another.
    pub host: &'a [u8],
    /// How the client has greeted, where there is a client of SMTP.
    pub helo: Option<&'a Helo>,
}

/// Why there is no TLS.
pub(in crate::session) enum Unsafe {
    Broken(Broken),
    TimedOut,
    /// The handshake failed; this is what the log says.
    Handshake(String),
    /// The backend has no name that a certificate could have.
    Nameless(Vec<u8>),
    /// The backend does not announce that it can.
    NotOffered,
    /// It sent something behind its agreement, in clear text: anybody may have put that there.
    Ahead,
    /// Its greeting lets nobody in.
    Unwelcome(Vec<u8>),
    /// Its reply is not what it must be.
    Unexpected(Vec<u8>),
}

/// Makes a new connection TLS, where it is to be. The dialogue behind it begins with the greeting in any case. `doing` hears what
/// is being done.
pub(in crate::session) async fn secure(
    line: &mut Line,
    endpoint: &Endpoint,
    whom: Whom<'_>,
    mut doing: impl FnMut(&'static str),
) -> Result<(), Unsafe> {
    let Some(connector) = &endpoint.backend_tls else {
        return Ok(());
    };
    let greeting = match settings::upgrade(&endpoint.server, whom.helo) {
        Some(upgrade) => Some(agree(line, upgrade, &mut doing).await?),
        None => None,
    };
    doing(SHAKING);
    let towards = connector.towards(whom.host);
    let towards = towards.ok_or_else(|| Unsafe::Nameless(whom.host.into()))?;
    let patience = endpoint.server.proxy.proxy_connect_timeout;
    let shaken = timeout(patience, line.secure(&towards)).await;
    shaken
        .map_err(|_| Unsafe::TimedOut)?
        .map_err(Unsafe::Handshake)?;
    doing(READING);
    if let Some(greeting) = greeting {
        line.hear_first(greeting);
    }
    Ok(())
}

/// Has the backend agree. What stands for its greeting inside TLS comes back.
async fn agree(
    line: &mut Line,
    mut upgrade: Box<dyn Upgrade>,
    doing: &mut impl FnMut(&'static str),
) -> Result<&'static [u8], Unsafe> {
    let mut out = Vec::new();
    loop {
        let heard = line.exchange(&mut out, |bytes| upgrade.whole(bytes)).await;
        let reply = heard.map_err(Unsafe::Broken)?;
        match upgrade.advance(&reply, &mut out) {
            Rise::Read => doing(upgrade.action()),
            Rise::Shake(_) if line.is_ahead() => return Err(Unsafe::Ahead),
            Rise::Shake(greeting) => return Ok(greeting),
            Rise::NotOffered => return Err(Unsafe::NotOffered),
            Rise::Unwelcome => {
                doing(READING);
                return Err(Unsafe::Unwelcome(reply));
            }
            Rise::Unexpected => return Err(Unsafe::Unexpected(reply)),
        }
    }
}

impl Unsafe {
    /// Writes it down, but for a greeting: what that means is for others to say.
    pub fn log(&self, log: &SessionLog) {
        let level = Level::Error;
        match self {
            Self::Broken(broken) => {
                if matches!(broken, Broken::Closed) {
                    let closed = "upstream prematurely closed connection";
                    log.line(level, format_args!("{closed}"));
                }
                log_broken(log, broken);
            }
            Self::TimedOut => connect::upstream_timed_out(log),
            Self::Handshake(text) => log.line(level, format_args!("{text}")),
            Self::Nameless(host) => log.line(
                level,
                format_args!(
                    "upstream SSL certificate does not match \"{}\"",
                    Escaped(host)
                ),
            ),
            Self::NotOffered => {
                log.line(level, format_args!("upstream does not offer STARTTLS"));
            }
            Self::Ahead => log.line(
                level,
                format_args!("upstream sent data in clear text before SSL handshake"),
            ),
            Self::Unwelcome(_) => {}
            Self::Unexpected(reply) => log_unexpected(log, level, reply),
        }
    }
}
