//! A closed loop: a fixed number of clients at once, each starting a new session as soon as its last one has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Client, PATIENCE, Target};
use crate::protocol::Protocol;

/// What to do.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where.
    pub target: Target,
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions at the same time.
    pub concurrency: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Tally {
    /// From connect to the reply to the goodbye, of each session without an error.
    pub latencies: Vec<Duration>,
    /// Sessions that did not go as they should.
    pub errors: usize,
    /// What the first of them met.
    pub first_error: Option<String>,
    /// Of the whole run.
    pub elapsed: Duration,
}

impl Load {
    /// Runs all sessions to their end: login, one message of 1 kB where it is SMTP, and goodbye.
    pub async fn run(&self) -> Tally {
        let message: Arc<[u8]> = message().into();
        let begun = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..self.concurrency {
            let (load, message, begun) = (self.clone(), Arc::clone(&message), Arc::clone(&begun));
            clients.spawn(async move {
                let mut tally = Tally::default();
                while begun.fetch_add(1, Ordering::Relaxed) < load.sessions {
                    let start = Instant::now();
                    match timeout(PATIENCE, session(&load.target, &message)).await {
                        Ok(Ok(())) => tally.latencies.push(start.elapsed()),
                        Ok(Err(e)) => tally.error(e),
                        Err(_) => tally.error(format!("not done within {} s", PATIENCE.as_secs())),
                    }
                }
                tally
            });
        }
        let mut sum = Tally::default();
        while let Some(joined) = clients.join_next().await {
            match joined {
                Ok(tally) => sum.add(tally),
                Err(e) => sum.error(e.to_string()),
            }
        }
        sum.elapsed = start.elapsed();
        sum.latencies.sort_unstable();
        sum
    }
}

impl Tally {
    /// Counts an error; the first one is kept.
    pub fn error(&mut self, what: String) {
        self.errors += 1;
        self.first_error.get_or_insert(what);
    }

    /// The latency that the given share of sessions (0 to 1) did not exceed; zero without sessions.
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or_default()
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

async fn session(target: &Target, message: &[u8]) -> Result<(), String> {
    let mut client = Client::logged_in(target).await?;
    if target.protocol == Protocol::Smtp {
        client.send(message).await?;
    }
    client.quit().await
}

/// A message of 1024 bytes, and the dot.
fn message() -> Vec<u8> {
    let mut text =
        "From: <bench@example.org>\r\nTo: <sink@example.net>\r\nSubject: one kilobyte\r\n\r\n"
            .to_owned();
    while text.len() < 1024 {
        let line = (1024 - text.len()).min(72);
        text.push_str(&"x".repeat(line.saturating_sub(2)));
        text.push_str("\r\n");
    }
    text.push_str(".\r\n");
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_one_kilobyte() {
        let message = message();
        assert_eq!(message.len(), 1024 + 3);
        assert!(message.ends_with(b"x\r\n.\r\n"));
    }

    #[test]
    fn quantiles_are_of_the_sorted_latencies() {
        let latencies = (0..=100).map(Duration::from_millis).collect();
        let tally = Tally {
            latencies,
            ..Tally::default()
        };
        assert_eq!(tally.quantile(0.5), Duration::from_millis(50));
        assert_eq!(tally.quantile(0.99), Duration::from_millis(99));
        assert_eq!(Tally::default().quantile(0.5), Duration::ZERO);
    }
}
