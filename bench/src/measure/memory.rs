//! Memory: of idle sessions, after a burst of sessions, and after reloads.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Outcome, Problems, warm_up};
use crate::client::{Client, TIMEOUT, Target};
use crate::failure::Failure;
use crate::load::{Load, LoadResult};
use crate::metric::Metric;
use crate::process_tree::Tree;
use crate::program::running::Gateway;
use crate::scenario::Work;

/// How long a program has to return memory after a burst.
const SETTLE_TIME: Duration = Duration::from_secs(10);

/// Sessions that are opened and held.
#[derive(Debug, Clone)]
pub struct Held {
    /// The server.
    pub target: Target,
    /// How far each session goes.
    pub work: Work,
    /// How many.
    pub sessions: usize,
    /// How many are opened at the same time.
    pub clients: usize,
}

/// Measures the memory of idle sessions.
///
/// # Errors
/// When the memory cannot be read; likewise for the other measurements.
pub async fn idle(tree: Tree, held: &Held) -> Result<Outcome, Failure> {
    let (open, before) = held.open_after_warm_up(tree).await?;
    let with = tree.memory()?;
    let problems = open.check_and_close().await;
    let bytes = with as f64 - before as f64;
    Ok(Outcome {
        figures: vec![
            (Metric::Bytes, bytes / held.sessions as f64),
            (Metric::Memory, with as f64 / 1024.0),
            (Metric::Errors, problems.errors as f64),
        ],
        problems,
    })
}

/// Measures what remains of the memory some seconds after all sessions have ended.
pub async fn burst(tree: Tree, held: &Held) -> Result<Outcome, Failure> {
    let (open, before) = held.open_after_warm_up(tree).await?;
    let problems = open.check_and_close().await;
    // The pause is part of the measurement.
    sleep(SETTLE_TIME).await;
    Ok(after(before, tree.memory()?, problems))
}

/// Measures the memory after reloads, while sessions that began before them are open.
pub async fn reloads(
    gateway: &mut Gateway,
    held: &Held,
    reloads: usize,
) -> Result<Outcome, Failure> {
    let tree = gateway.tree();
    let (open, _) = held.open_after_warm_up(tree).await?;
    let before = tree.memory()?;
    for _ in 0..reloads {
        gateway.reload().await?;
    }
    tree.settled_cpu().await?;
    let now = tree.memory()?;
    Ok(after(before, now, open.check_and_close().await))
}

fn after(before: u64, now: u64, problems: Problems) -> Outcome {
    Outcome {
        figures: vec![
            (Metric::After, now as f64 / before as f64),
            (Metric::Memory, now as f64 / 1024.0),
            (Metric::Errors, problems.errors as f64),
        ],
        problems,
    }
}

/// Open sessions.
struct Open {
    clients: Vec<Client>,
    result: LoadResult,
}

impl Held {
    /// Opens all sessions, and returns them with the memory before.
    async fn open_after_warm_up(&self, tree: Tree) -> Result<(Open, u64), Failure> {
        // Only a few: the memory they free would be used by the measured sessions.
        let few = Load {
            targets: vec![self.target.clone(); 4],
            work: self.work,
            sessions: 0,
        };
        warm_up(&few).await;
        tree.settled_cpu().await?;
        let before = tree.memory()?;
        let open = self.open().await;
        tree.settled_cpu().await?;
        Ok((open, before))
    }

    /// Opens the sessions, with one command through the tunnel for each that is logged in.
    async fn open(&self) -> Open {
        let mut open = Open {
            clients: Vec::with_capacity(self.sessions),
            result: LoadResult::default(),
        };
        let mut opening = JoinSet::new();
        for started in 0..self.sessions + self.clients {
            if started < self.sessions {
                let (target, work) = (self.target.clone(), self.work);
                opening.spawn(async move {
                    let opened = async {
                        let mut client = Client::open(&target, work).await?;
                        if work != Work::Greeting {
                            client.noop().await?;
                        }
                        Ok(client)
                    };
                    timeout(TIMEOUT, opened)
                        .await
                        .unwrap_or_else(|_| Err("no login in time".to_owned()))
                });
            }
            if started + 1 < self.clients {
                continue;
            }
            match opening.join_next().await {
                Some(Ok(Ok(client))) => open.clients.push(client),
                Some(Ok(Err(e))) => open.result.error(e),
                Some(Err(e)) => open.result.error(e.to_string()),
                None => break,
            }
        }
        open
    }
}

impl Open {
    /// Checks that the sessions were alive while the memory was measured, and closes them.
    async fn check_and_close(mut self) -> Problems {
        for client in &mut self.clients {
            if let Err(e) = client.noop().await {
                self.result.error(e);
            }
        }
        self.result.into()
    }
}
