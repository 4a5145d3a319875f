//! From a file to a [`Config`]: statements are applied in nginx's order, merged at the end of `mail {}`, and checked.
//!
//! `loader`, `directive` and `include` apply statements and fill `scopes`; `merge` and `tls/` compute each server's settings;
//! `whole` makes the checks that need the whole text. `report` collects faults, `tainted` records which checks a fault makes
//! pointless.

mod building;
mod claims;
pub mod config;
mod directive;
mod files;
mod geo;
mod groups;
mod hint;
mod include;
mod limits;
mod loader;
mod merge;
mod merged;
mod messages;
pub mod origins;
mod relay;
pub mod report;
mod scopes;
pub mod server;
mod server_variables;
pub mod sockets;
pub mod static_auth;
mod suspect;
mod tainted;
mod tls;
pub mod tls_files;
mod variable_block;
mod whole;
pub mod written;

pub use tls::warnings::validity as certificate_warnings;

use config::Loaded;
use loader::Loader;
use report::{Faults, Report};

use crate::config::model::{Options, World};
use crate::config::schema::BlockDirective;
use crate::config::syntax::Diagnostic;

/// Reads and checks a configuration. Warnings go to `warnings` as they are found.
///
/// # Errors
/// The first fault, as nginx finds it.
pub fn load(
    world: &dyn World,
    options: &Options,
    warnings: &mut dyn FnMut(Diagnostic),
) -> Result<Loaded, Diagnostic> {
    run(
        world,
        options,
        Report::new(false, &options.allowed, warnings),
    )
    .map_err(|faults| faults.first)
}

/// Reads and checks a configuration like [`load`], but continues after the first fault.
///
/// # Errors
/// All faults that are independent of each other.
pub fn test(
    world: &dyn World,
    options: &Options,
    warnings: &mut dyn FnMut(Diagnostic),
) -> Result<Loaded, Faults> {
    run(
        world,
        options,
        Report::new(true, &options.allowed, warnings),
    )
}

fn run<'a>(world: &'a dyn World, options: &Options, report: Report<'a>) -> Result<Loaded, Faults> {
    let mut loader = Loader::new(world, options, report);
    let ended = loader.run(options);
    let Loader {
        files,
        scopes,
        servers,
        opened,
        tainted,
        written,
        http,
        mut report,
        ..
    } = loader;
    let answers = static_auth::answers(world, &scopes, &http);
    let whole = whole::Whole::new(scopes, servers, answers);
    whole.warn(&mut report);
    let events = BlockDirective::Events;
    let has_events = opened.contains(&events) || tainted.has_block(events);
    // After a fault that ended the loading, the rest of the text is unknown.
    let _ = ended.and_then(|()| whole.check(has_events, &mut report));
    match report.into_faults() {
        Some(faults) => Err(faults),
        None => Ok(Loaded {
            config: whole.into_config(options),
            files: files.read,
            written,
        }),
    }
}

#[cfg(test)]
mod tests;
