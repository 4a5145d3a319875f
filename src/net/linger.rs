//! The end of a connection after a last reply.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::scratch;

/// How many bytes a peer may still send.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How long a connection is read after its last reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lingering {
    /// In all.
    pub time: Duration,
    /// For the peer's next bytes.
    pub timeout: Duration,
}

impl Lingering {
    /// At most this long in all.
    pub const fn brief(time: Duration) -> Self {
        Lingering {
            time,
            timeout: time,
        }
    }
}

/// Closes the sending side, and reads on until the peer closes, so that a reset for unread input does not overtake the last reply. That
/// reply is sent; it does not matter how the connection ends.
pub async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, lingering: Lingering) {
    let draining = async {
        timeout(lingering.timeout, stream.shutdown()).await??;
        let mut left = MOST_BYTES;
        while left > 0 {
            let read = poll_fn(|cx| scratch::with(|buffer| scratch::poll_fill(cx, stream, buffer)));
            match timeout(lingering.timeout, read).await?? {
                0 => break,
                n => left = left.saturating_sub(n),
            }
        }
        Ok::<(), io::Error>(())
    };
    let _ = timeout(lingering.time, draining).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, duplex};
    use tokio::time::{Instant, sleep};

    const LINGERING: Lingering = Lingering {
        time: Duration::from_secs(30),
        timeout: Duration::from_secs(5),
    };

    /// How long a stream lingers with a peer that sends `bytes` every `interval`, in milliseconds.
    async fn lingers(interval: u64, bytes: usize) -> u128 {
        let (mut stream, mut peer) = duplex(64 * 1024);
        let begun = Instant::now();
        let peer = tokio::spawn(async move {
            assert_eq!(peer.read(&mut [0]).await.expect("the end"), 0);
            loop {
                sleep(Duration::from_millis(interval)).await;
                if peer.write_all(&vec![0; bytes]).await.is_err() {
                    break;
                }
            }
        });
        linger(&mut stream, LINGERING).await;
        let lasted = begun.elapsed().as_millis();
        drop(stream);
        peer.await.expect("the peer");
        lasted
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_by_silence_by_time_and_by_the_number_of_bytes() {
        assert_eq!(lingers(3_600_000, 1).await, 5000);
        assert_eq!(lingers(5500, 1).await, 5000);
        assert_eq!(lingers(4000, 1).await, 30_000);
        assert_eq!(lingers(1, 1).await, 30_000);
        assert_eq!(lingers(1000, MOST_BYTES / 4).await, 4000);
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_peer_closes() {
        let (mut stream, peer) = duplex(64);
        let begun = Instant::now();
        drop(peer);
        linger(&mut stream, LINGERING).await;
        assert!(begun.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn without_time_nothing_is_waited_for() {
        let (mut stream, mut peer) = duplex(64);
        let begun = Instant::now();
        linger(&mut stream, Lingering::brief(Duration::ZERO)).await;
        assert!(begun.elapsed().is_zero());
        assert_eq!(peer.read(&mut [0]).await.expect("the end"), 0);
    }
}
