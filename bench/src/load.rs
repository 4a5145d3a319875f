//! A closed-loop load generator: a fixed number of clients, each of which starts a new session when its last one has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::client::{Client, TIMEOUT, Target};
use crate::scenario::Work;

/// A load.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server, once for each client; there are as many concurrent sessions.
    pub targets: Vec<Target>,
    /// What each session does.
    pub work: Work,
    /// The total number of sessions.
    pub sessions: usize,
}

/// The result of a run.
#[derive(Debug, Default)]
pub struct LoadResult {
    /// The duration of each session without an error, from connect to the reply to the last command.
    pub latencies: Vec<Duration>,
    /// Failed sessions.
    pub errors: usize,
    /// The error of the first one.
    pub first_error: Option<String>,
    /// The duration of the whole run.
    pub elapsed: Duration,
}

impl Load {
    /// Runs all sessions, from connect to logout.
    pub async fn run(&self) -> LoadResult {
        let message: Arc<[u8]> = match self.work {
            Work::Message(bytes) => message(bytes).into(),
            Work::Greeting | Work::Login | Work::Fetch(_) => Arc::default(),
        };
        let (work, sessions) = (self.work, self.sessions);
        let started = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let mut clients = JoinSet::new();
        for target in &self.targets {
            let (target, message, started) =
                (target.clone(), Arc::clone(&message), Arc::clone(&started));
            clients.spawn(async move {
                let mut result = LoadResult::default();
                while started.fetch_add(1, Ordering::Relaxed) < sessions {
                    let start = Instant::now();
                    match timeout(TIMEOUT, session(&target, work, &message)).await {
                        Ok(Ok(())) => result.latencies.push(start.elapsed()),
                        Ok(Err(e)) => result.error(e),
                        Err(_) => {
                            result.error(format!("not finished within {} s", TIMEOUT.as_secs()))
                        }
                    }
                }
                result
            });
        }
        let mut total = LoadResult::default();
        while let Some(joined) = clients.join_next().await {
            match joined {
                Ok(result) => total.add(result),
                Err(e) => total.error(e.to_string()),
            }
        }
        total.elapsed = start.elapsed();
        total.latencies.sort_unstable();
        total
    }
}

impl LoadResult {
    /// Counts an error and keeps the first one.
    pub fn error(&mut self, what: String) {
        self.errors += 1;
        self.first_error.get_or_insert(what);
    }

    /// The quantile of the latencies, with `share` from 0 to 1; zero without sessions.
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

async fn session(target: &Target, work: Work, message: &[u8]) -> Result<(), String> {
    let mut client = Client::open(target, work).await?;
    match work {
        Work::Greeting | Work::Login => {}
        Work::Message(_) => client.send(message).await?,
        Work::Fetch(bytes) => client.fetch(bytes).await?,
    }
    client.quit().await
}

/// A message of this many bytes, and the final dot.
fn message(bytes: usize) -> Vec<u8> {
    let mut text =
        "From: <bench@example.org>\r\nTo: <sink@example.net>\r\nSubject: benchmark\r\n\r\n"
            .to_owned();
    while text.len() < bytes {
        // RFC 5322, section 2.1.1: 998 characters at most. A line needs at least three bytes.
        let left = bytes - text.len();
        let line = match left {
            0..=1000 => left,
            1001..1003 => 500,
            _ => 1000,
        };
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
    fn messages_have_their_size() {
        for bytes in [1024, 1085, 1086, 1087, 8 << 20] {
            let message = message(bytes);
            assert_eq!(message.len(), bytes + 3);
            assert!(message.ends_with(b"x\r\n.\r\n"));
        }
    }

    #[test]
    fn quantiles() {
        let latencies = (0..=100).map(Duration::from_millis).collect();
        let result = LoadResult {
            latencies,
            ..LoadResult::default()
        };
        assert_eq!(result.quantile(0.5), Duration::from_millis(50));
        assert_eq!(result.quantile(0.99), Duration::from_millis(99));
        assert_eq!(LoadResult::default().quantile(0.5), Duration::ZERO);
    }
}
