//! Measurements of a freshly started gateway under one kind of load.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client::{Client, TIMEOUT, Target};
use crate::failure::Failure;
use crate::load::{Load, LoadResult};
use crate::process_tree::Tree;

/// How long a gateway has to return memory after all sessions have ended.
const SETTLE_TIME: Duration = Duration::from_secs(3);

/// The figures of one run under load.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    /// CPU time of the process tree per session, in microseconds.
    pub cpu: f64,
    /// Sessions per second.
    pub rate: f64,
    /// The median latency, in milliseconds.
    pub p50: f64,
    /// The 99th percentile of the latencies, in milliseconds.
    pub p99: f64,
    /// Problems during the run.
    pub problems: Problems,
}

/// The figures of idle sessions.
#[derive(Debug, Clone, Default)]
pub struct Idle {
    /// Memory of the process tree per session, in bytes.
    pub bytes: f64,
    /// Memory after all sessions have ended, divided by the memory before.
    pub after: f64,
    /// Problems during the run.
    pub problems: Problems,
}

/// What makes figures unreliable.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    /// Failed sessions.
    pub errors: usize,
    /// The error of the first one.
    pub first: Option<String>,
    /// Threads of the gateway that ended under load; their CPU time is missing.
    pub threads_ended: usize,
}

/// Measures latencies, rate and CPU time under load.
pub async fn busy(tree: Tree, load: &Load) -> Result<Busy, Failure> {
    // One-time costs (threads, caches, first pages) are not counted.
    warm_up(load).await;
    let before = tree.settled_cpu().await?;
    let result = load.run().await;
    let spent = tree.settled_cpu().await?.since(&before);
    let sessions = load.sessions as f64;
    Ok(Busy {
        cpu: spent.nanoseconds as f64 / 1000.0 / sessions,
        rate: sessions / result.elapsed.as_secs_f64(),
        p50: result.quantile(0.50).as_secs_f64() * 1000.0,
        p99: result.quantile(0.99).as_secs_f64() * 1000.0,
        problems: Problems {
            errors: result.errors,
            first: result.first_error,
            threads_ended: spent.ended,
        },
    })
}

/// Measures the memory of `sessions` idle sessions after their login, and what remains after their end.
pub async fn idle(
    tree: Tree,
    target: &Target,
    sessions: usize,
    concurrency: usize,
) -> Result<Idle, Failure> {
    // Only a few: the memory they free would be used by the measured sessions.
    warm_up(&Load {
        target: target.clone(),
        sessions,
        concurrency: 4,
    })
    .await;
    tree.settled_cpu().await?;
    let before = tree.memory()?;
    let mut result = LoadResult::default();
    let mut held = open(target, sessions, concurrency, &mut result).await;
    tree.settled_cpu().await?;
    let with = tree.memory()?;
    // All sessions must have been alive when the memory was measured.
    for client in &mut held {
        if let Err(e) = client.noop().await {
            result.error(e);
        }
    }
    drop(held);
    sleep(SETTLE_TIME).await;
    tree.settled_cpu().await?;
    let after = tree.memory()?;
    Ok(Idle {
        bytes: with.saturating_sub(before) as f64 / sessions as f64,
        after: after as f64 / before as f64,
        problems: Problems {
            errors: result.errors,
            first: result.first_error,
            threads_ended: 0,
        },
    })
}

async fn warm_up(load: &Load) {
    Load {
        sessions: load.concurrency * 4,
        ..load.clone()
    }
    .run()
    .await;
}

/// Opens sessions: login and one command through the tunnel.
async fn open(
    target: &Target,
    sessions: usize,
    concurrency: usize,
    result: &mut LoadResult,
) -> Vec<Client> {
    let mut held = Vec::with_capacity(sessions);
    let mut opening = JoinSet::new();
    for started in 0..sessions + concurrency {
        if started < sessions {
            let target = target.clone();
            opening.spawn(async move {
                let opened = async {
                    let mut client = Client::log_in(&target).await?;
                    client.noop().await.map(|()| client)
                };
                timeout(TIMEOUT, opened)
                    .await
                    .unwrap_or_else(|_| Err("no login in time".to_owned()))
            });
        }
        if started + 1 < concurrency {
            continue;
        }
        match opening.join_next().await {
            Some(Ok(Ok(client))) => held.push(client),
            Some(Ok(Err(e))) => result.error(e),
            Some(Err(e)) => result.error(e.to_string()),
            None => break,
        }
    }
    held
}
