//! Keeps a connection to the store: connects, tells the log when the store is lost and when it is back, and connects again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::Peer;
use super::connection::{Driver, Live, connect};
use super::failure::Failure;
use crate::base::Level;

/// The time for a connection with TLS and login.
const CONNECTING: Duration = Duration::from_secs(5);
/// The pauses between two attempts. One that does not last makes the next pause longer.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// A connection that lasts so long is renewed at once.
const LASTING: Duration = Duration::from_secs(10);

/// Runs for as long as the store is used.
pub(super) async fn keep(peer: Arc<Peer>) {
    let mut lost: Option<Instant> = None;
    let mut pause = PAUSES.0;
    loop {
        let failure = match connected(&peer).await {
            Ok((live, mut driver)) => {
                let begun = Instant::now();
                peer.live.store(Some(Arc::new(live)));
                match lost.take() {
                    Some(since) => {
                        let seconds = since.elapsed().as_secs();
                        peer.tell(
                            Level::Error,
                            format_args!("is used again after {seconds} s"),
                        );
                    }
                    None => peer.tell(Level::Notice, format_args!("is connected")),
                }
                let failure = driver.run().await;
                peer.live.store(None);
                if begun.elapsed() >= LASTING {
                    pause = PAUSES.0;
                    if matches!(failure, Failure::Closed) {
                        // A server may close connections that were silent for long.
                        continue;
                    }
                } else {
                    pause = (pause * 2).min(PAUSES.1);
                }
                failure
            }
            Err(failure) => failure,
        };
        if lost.is_none() {
            lost = Some(Instant::now());
            let line = format_args!(
                "cannot be used ({failure}): this gateway's own counts decide until it is back"
            );
            peer.tell(Level::Error, line);
        }
        sleep(pause).await;
    }
}

async fn connected(peer: &Peer) -> Result<(Live, Driver), Failure> {
    let connecting = timeout(CONNECTING, connect(peer));
    let connected = connecting.await;
    connected.unwrap_or(Err(Failure::NotConnected(CONNECTING)))
}

impl Peer {
    fn tell(&self, level: Level, text: std::fmt::Arguments<'_>) {
        if let Some(log) = &*self.log.load() {
            let shown = &self.config.shown;
            let line = format_args!("limit_store \"{shown}\" {text}");
            log.line(level, None, line);
        }
    }
}
