//! `--migrate`: a plan to move the `mail {}` of an nginx configuration to portcullis. Reads the configuration and changes nothing.
//!
//! `outline` finds the blocks, whether the configuration is valid or not; `plan` decides and writes the text.

mod auth_server;
mod outline;
mod plan;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::outline::Outline;
use self::plan::Plan;
use crate::config::{self, AuthHttpAnswer, Diagnostic, Lint, Options, World};

/// Prints the plan for a file; a relative name starts at the working directory. The exit code is 1 if the file has errors or no
/// `mail {}`.
#[must_use]
pub fn run(file: &Path, options: &Options, world: &dyn World) -> ExitCode {
    let file = std::path::absolute(file).unwrap_or_else(|_| PathBuf::from(file));
    if let Err(error) = world.read(&file) {
        let errno = crate::base::Errno(&error);
        eprintln!(
            "{}: open() \"{}\" failed{errno}",
            options.program,
            file.display()
        );
        return ExitCode::FAILURE;
    }
    let options = Options {
        file,
        ..options.clone()
    };
    let findings = Findings::of(&options, world);
    let outline = Outline::read(world, &options.file);
    let plan = Plan {
        options: &options,
        findings: &findings,
        outline: &outline,
        names: world,
    };
    let is_possible = findings.errors.is_empty() && outline.named("mail").next().is_some();
    match io::stdout().write_all(plan.to_string().as_bytes()) {
        Ok(()) if is_possible => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// What the test of the configuration reports, a line each.
struct Findings {
    errors: Vec<String>,
    warnings: Vec<String>,
    /// What answers each `auth_http`.
    auth_http: Vec<AuthHttpAnswer>,
}

impl Findings {
    /// Tests the configuration as `--check` does.
    fn of(options: &Options, world: &dyn World) -> Self {
        let mut warnings = Vec::new();
        let tested = config::test(world, options, &mut |warning| {
            // The plan itself says what is not served.
            if warning.lint != Some(Lint::NotServed) {
                warnings.push(line(&warning));
            }
        });
        let (errors, auth_http) = match tested {
            Ok(loaded) => (Vec::new(), loaded.config.auth_http),
            Err(faults) => {
                let all = std::iter::once(&faults.first).chain(&faults.further);
                (all.map(line).collect(), Vec::new())
            }
        };
        Self {
            errors,
            warnings,
            auth_http,
        }
    }
}

fn line(diagnostic: &Diagnostic) -> String {
    String::from_utf8_lossy(&diagnostic.text()).into_owned()
}
