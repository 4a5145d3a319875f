//! `/healthz` and `/readyz`, for supervisors and load balancers. They need no token and show nothing else.

use hyper::StatusCode;

use crate::admin::page::{Answer, Call, plain};

/// The process is alive.
pub(in crate::admin) fn live(_: &Call<'_>) -> Answer {
    plain(StatusCode::OK, "ok\n")
}

/// The process accepts clients.
pub(in crate::admin) fn ready(call: &Call<'_>) -> Answer {
    match call.state.is_ready() {
        true => plain(StatusCode::OK, "ready\n"),
        false => plain(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}
