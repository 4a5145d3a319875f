//! One client's connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::access::Access;
use super::patient::Patient;
use super::router;
use super::state::State;
use crate::net::socket::Socket;

/// How long a client may take for the header of a request.
const HEADER: Duration = Duration::from_secs(10);
/// How long a client may neither send nor read.
const SILENCE: Duration = Duration::from_secs(30);
/// The most bytes of a request's header.
const LONGEST: usize = 16 * 1024;

/// Serves a client to its end.
pub(super) async fn serve(socket: Socket, state: Arc<State>, access: Arc<ArcSwap<Access>>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let answer = router::answer(&state, &access.load(), &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let stream = TokioIo::new(Patient::new(socket, SILENCE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(LONGEST)
        .serve_connection(stream, answer);
    // Nobody waits for the reason why a client has left.
    let _ = connection.await;
}
