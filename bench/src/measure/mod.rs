//! Measurements of a freshly started program: each returns its figures and what makes them unreliable.

pub mod configuration;
pub mod memory;

use crate::failure::Failure;
use crate::load::{Load, LoadResult};
use crate::metric::Metric;
use crate::process_tree::Tree;

/// The result of one measurement.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The figures.
    pub figures: Vec<(Metric, f64)>,
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
    /// Threads of the program that ended under load; their CPU time is missing.
    pub threads_ended: usize,
}

impl Outcome {
    /// The figure of this kind.
    #[must_use]
    pub fn figure(&self, metric: &Metric) -> Option<f64> {
        let found = self.figures.iter().find(|(of, _)| of == metric);
        found.map(|(_, value)| *value)
    }
}

impl From<LoadResult> for Problems {
    fn from(result: LoadResult) -> Self {
        Self {
            errors: result.errors,
            first: result.first_error,
            threads_ended: 0,
        }
    }
}

/// Measures latencies, rate and CPU time under load.
///
/// # Errors
/// When the CPU time cannot be read.
pub async fn busy(tree: Tree, load: &Load) -> Result<Outcome, Failure> {
    // One-time costs (threads, caches, first pages) are not counted.
    warm_up(load).await;
    let before = tree.settled_cpu().await?;
    let result = load.run().await;
    let spent = tree.settled_cpu().await?.since(&before);
    let sessions = load.sessions as f64;
    let milliseconds = |share| result.quantile(share).as_secs_f64() * 1000.0;
    Ok(Outcome {
        figures: vec![
            (Metric::Cpu, spent.nanoseconds as f64 / 1000.0 / sessions),
            (Metric::Rate, sessions / result.elapsed.as_secs_f64()),
            (Metric::P50, milliseconds(0.50)),
            (Metric::P99, milliseconds(0.99)),
            (Metric::Errors, result.errors as f64),
        ],
        problems: Problems {
            threads_ended: spent.ended,
            ..result.into()
        },
    })
}

/// Runs a few sessions of each client. The first one of a client that resumes TLS sessions fails its check, which does not count here.
pub async fn warm_up(load: &Load) {
    Load {
        sessions: load.targets.len() * 4,
        ..load.clone()
    }
    .run()
    .await;
}
