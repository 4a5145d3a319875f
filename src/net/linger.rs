//! The end of a connection after a last reply.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::scratch;

/// How long a peer may take to close after the last reply.
const LINGER: Duration = Duration::from_secs(2);
/// How many bytes such a peer may still send.
const LINGER_BYTES: usize = 64 * 1024;

/// Closes the sending side, and reads on for a moment until the peer closes, so that a reset for unread input does not overtake
/// the last reply. That reply is sent; it does not matter how the connection ends.
pub async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let lingering = async {
        stream.shutdown().await?;
        let mut left = LINGER_BYTES;
        while left > 0 {
            let read = poll_fn(|cx| scratch::with(|buffer| scratch::poll_fill(cx, stream, buffer)));
            match read.await? {
                0 => break,
                n => left = left.saturating_sub(n),
            }
        }
        Ok::<(), io::Error>(())
    };
    let _ = timeout(LINGER, lingering).await;
}
