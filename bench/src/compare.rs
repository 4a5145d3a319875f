//! `--gate` and `--record`: compares or writes the ratios of portcullis to nginx.

use crate::args::Options;
use crate::failure::Failure;
use crate::gate::{Recorded, Verdict};
use crate::results::Results;

/// The name of portcullis when it runs against itself.
pub const AGAIN: &str = "again";

/// The programs of the ratios.
const FIRST: &str = "nginx";
const SECOND: &str = "portcullis";

/// Writes the ratios to the record; true.
///
/// # Errors
/// When the record cannot be read or written.
pub fn record(options: &Options, results: &Results) -> Result<bool, Failure> {
    let now = Recorded::of(results, FIRST, SECOND);
    let recorded = Recorded::read(&options.recorded)?;
    recorded.update(now).write(&options.recorded)?;
    println!("\nwritten to {}", options.recorded.display());
    Ok(true)
}

/// Prints the comparison of each ratio; whether none is worse. `same` has the figures of portcullis against itself.
///
/// # Errors
/// When the record cannot be read, or has none of these ratios.
pub fn gate(options: &Options, results: &Results, same: &Results) -> Result<bool, Failure> {
    let now = Recorded::of(results, FIRST, SECOND);
    let recorded = Recorded::read(&options.recorded)?;
    let checks = recorded.compare(&now, same, SECOND, AGAIN);
    if checks.is_empty() {
        return Err(Failure::new(format!(
            "{} has no ratio for these scenarios: --record writes it",
            options.recorded.display()
        )));
    }
    println!(
        "\nportcullis / nginx, recorded on {}",
        recorded.machine.line()
    );
    for check in &checks {
        println!("{}", check.line());
    }
    Ok(checks.iter().all(|check| check.verdict != Verdict::Worse))
}
