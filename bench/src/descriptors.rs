//! The limit of open files.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::failure::{Context as _, Failure};

/// nginx warns if it cannot have `worker_connections` (16384) open files.
const LEAST: u64 = 17_000;

/// Raises the limit of open files to `wanted`, for this process and the gateways, which inherit it. Returns the limit, which may be
/// lower than `wanted`.
///
/// # Errors
/// When the limit cannot be read or set.
pub fn raise(wanted: u64) -> Result<u64, Failure> {
    let context = || "raise the limit of open files".to_owned();
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context(context)?;
    let raised = soft.max(hard.min(wanted.max(LEAST)));
    if raised < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_ok() {
        return Ok(wanted);
    }
    setrlimit(Resource::RLIMIT_NOFILE, raised, hard).context(context)?;
    Ok(raised)
}
