//! The measurements: one gateway, freshly started, under one kind of load at a time.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client::{Client, PATIENCE, Target};
use crate::failure::Failure;
use crate::load::{Load, Tally};
use crate::proctree::Tree;

/// How long a gateway has to give memory back once all sessions have ended.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// The figures of one run of sessions.
#[derive(Debug, Clone, Default)]
pub struct Busy {
    /// CPU microseconds of the whole process tree for each session.
    pub cpu: f64,
    /// Sessions in a second.
    pub rate: f64,
    /// The median of the latencies, in milliseconds.
    pub p50: f64,
    /// What 99 of 100 sessions did not exceed, in milliseconds.
    pub p99: f64,
    /// What went wrong.
    pub trouble: Trouble,
}

/// The figures of idle sessions.
#[derive(Debug, Clone, Default)]
pub struct Idle {
    /// Bytes of the whole process tree for each session.
    pub bytes: f64,
    /// What the process tree weighs once they have all left, by what it weighed before they came.
    pub left: f64,
    /// What went wrong.
    pub trouble: Trouble,
}

/// Everything that makes figures doubtful.
#[derive(Debug, Clone, Default)]
pub struct Trouble {
    /// Sessions that did not go as they should.
    pub errors: usize,
    /// What the first one met.
    pub first: Option<String>,
    /// Threads of the gateway that ended under load, and took their count of CPU time along.
    pub threads_ended: usize,
}

/// Runs sessions and takes the time of each and the CPU time of all.
pub async fn busy(tree: Tree, load: &Load) -> Result<Busy, Failure> {
    // Whatever happens once (threads, caches, first pages) is not a session's.
    warm_up(load).await;
    let before = tree.settled_cpu().await?;
    let tally = load.run().await;
    let spent = tree.settled_cpu().await?.since(&before);
    let sessions = load.sessions as f64;
    Ok(Busy {
        cpu: spent.nanoseconds as f64 / 1000.0 / sessions,
        rate: sessions / tally.elapsed.as_secs_f64(),
        p50: tally.quantile(0.50).as_secs_f64() * 1000.0,
        p99: tally.quantile(0.99).as_secs_f64() * 1000.0,
        trouble: Trouble {
            errors: tally.errors,
            first: tally.first_error,
            threads_ended: spent.ended,
        },
    })
}

/// Holds `sessions` that are logged in and say nothing, weighs them, and what is left of them when they are gone.
pub async fn idle(
    tree: Tree,
    target: &Target,
    sessions: usize,
    concurrency: usize,
) -> Result<Idle, Failure> {
    // A few only: what they leave in the free lists is given to the sessions that are weighed.
    warm_up(&Load {
        target: target.clone(),
        sessions,
        concurrency: 4,
    })
    .await;
    tree.settled_cpu().await?;
    let before = tree.memory()?;
    let mut tally = Tally::default();
    let mut held = open(target, sessions, concurrency, &mut tally).await;
    tree.settled_cpu().await?;
    let with = tree.memory()?;
    // They must still have been there when they were weighed.
    for client in &mut held {
        if let Err(e) = client.noop().await {
            tally.error(e);
        }
    }
    drop(held);
    sleep(AFTERWARDS).await;
    tree.settled_cpu().await?;
    let after = tree.memory()?;
    Ok(Idle {
        bytes: with.saturating_sub(before) as f64 / sessions as f64,
        left: after as f64 / before as f64,
        trouble: Trouble {
            errors: tally.errors,
            first: tally.first_error,
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

/// Sessions past their login, with a command that went through the tunnel.
async fn open(
    target: &Target,
    sessions: usize,
    concurrency: usize,
    tally: &mut Tally,
) -> Vec<Client> {
    let mut held = Vec::with_capacity(sessions);
    let mut opening = JoinSet::new();
    for begun in 0..sessions + concurrency {
        if begun < sessions {
            let target = target.clone();
            opening.spawn(async move {
                let opened = async {
                    let mut client = Client::logged_in(&target).await?;
                    client.noop().await.map(|()| client)
                };
                timeout(PATIENCE, opened)
                    .await
                    .unwrap_or_else(|_| Err("no login in time".to_owned()))
            });
        }
        if begun + 1 < concurrency {
            continue;
        }
        match opening.join_next().await {
            Some(Ok(Ok(client))) => held.push(client),
            Some(Ok(Err(e))) => tally.error(e),
            Some(Err(e)) => tally.error(e.to_string()),
            None => break,
        }
    }
    held
}
