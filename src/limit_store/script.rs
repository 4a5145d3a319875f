//! A script of the store: called by its digest, and sent in full where the store does not know it yet.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, cmd};

use super::hash::hex;

/// What a script is called with. The bytes of keys and arguments are arbitrary.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    pub keys: Vec<Vec<u8>>,
    pub arguments: Vec<Vec<u8>>,
}

/// A script, and its digest as the store knows it.
pub(super) struct Script {
    text: &'static str,
    digest: LazyLock<String>,
}

/// Checks a login, and takes its result.
pub(super) static AUTH: Script = Script {
    text: include_str!("auth.lua"),
    digest: LazyLock::new(|| digest_of(AUTH.text)),
};
/// Checks and counts a session.
pub(super) static SESSION: Script = Script {
    text: include_str!("session.lua"),
    digest: LazyLock::new(|| digest_of(SESSION.text)),
};
/// Tells whether the others can run.
pub(super) static PROBE: Script = Script {
    text: include_str!("probe.lua"),
    digest: LazyLock::new(|| digest_of(PROBE.text)),
};

fn digest_of(text: &str) -> String {
    hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref())
}

impl Script {
    /// Runs it. Calls on one connection are pipelined.
    ///
    /// # Errors
    /// The connection is broken, or the store refuses the script.
    pub async fn call(
        &self,
        mut connection: MultiplexedConnection,
        with: &Arguments,
    ) -> RedisResult<Vec<i64>> {
        let known = command("EVALSHA", &self.digest, with);
        match known.query_async(&mut connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let whole = command("EVAL", self.text, with);
                whole.query_async(&mut connection).await
            }
            called => called,
        }
    }
}

fn command(name: &str, script: &str, with: &Arguments) -> Cmd {
    let mut command = cmd(name);
    command.arg(script).arg(with.keys.len());
    command.arg(&with.keys).arg(&with.arguments);
    command
}
