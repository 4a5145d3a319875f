//! `-t`, `-T` and `--dump-config`: loads the configuration, tries the steps of a start (spec D.8), and reports as nginx does.
//!
//! nginx's lines come first and last. After its first error the others follow, marked `also:`.

use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use super::limits::DescriptorLimit;
use super::pid::PidFile;
use super::process_log::ProcessLog;
use super::worker::{Generation, Registries};
use super::{bind, bootstrap};
use crate::base::{Errno, Level};
use crate::cli::Print;
use crate::config::{self, Diagnostic, Faults, Loaded, Options, World, dump};
use crate::net::resolver::SystemNames;

/// Tests the configuration; the exit code is the result. With `quiet` only errors and nginx's own warnings are reported. `print` says what goes to
/// standard output then.
#[must_use]
pub fn test(options: &Options, world: &dyn World, quiet: bool, print: Print) -> ExitCode {
    let registries = Registries::default();
    let log = bootstrap::log(options, &registries.log_files);
    let mut notes: Vec<Diagnostic> = Vec::new();
    // `-q` leaves nginx's own warnings, which have no name, as nginx does.
    let is_told = |note: &Diagnostic| !quiet || note.lint.is_none();
    let loaded = config::test(world, options, &mut |note| {
        notes.extend(Some(note).filter(is_told))
    });
    let syntax_ok = loaded
        .as_ref()
        .map_or_else(|why| why.first.syntax_ok, |_| true);
    let (late, early): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| note.syntax_ok);
    early.iter().for_each(|note| log.diagnose(note));
    let of_file = |begin: &str, end: &str| {
        let file = options.file.as_os_str().as_bytes();
        let program = options.program.as_bytes();
        let parts: [&[u8]; 6] = [
            program,
            b": ",
            begin.as_bytes(),
            file,
            end.as_bytes(),
            b"\n",
        ];
        let _ = io::stderr().write_all(&parts.concat());
    };
    if syntax_ok && !quiet {
        of_file("the configuration file ", " syntax is ok");
    }
    late.iter().for_each(|note| log.diagnose(note));
    if let Ok(loaded) = &loaded
        && let Err(text) = bootstrap::check_servers(&loaded.config)
    {
        log.line(Level::Warn, format_args!("{text}"));
    }
    let tested = match loaded {
        Ok(loaded) => probe(&loaded, options.program, &registries, &log).map(|()| loaded),
        Err(faults) => {
            report(&faults, &log, options.program);
            None
        }
    };
    let Some(loaded) = tested else {
        of_file("configuration file ", " test failed");
        return ExitCode::FAILURE;
    };
    if !quiet {
        of_file("configuration file ", " test is successful");
    }
    let printed = match print {
        Print::Nothing => Ok(()),
        Print::Files => print_files(&loaded),
        Print::Config => print_config(&dump(&loaded, options)),
    };
    printed.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// Reports the first error in nginx's form, and the others marked `also:`.
fn report(faults: &Faults, log: &ProcessLog, program: &str) {
    log.diagnose(&faults.first);
    let mut err = io::stderr().lock();
    let terminal = err.is_terminal();
    for fault in &faults.further {
        let _ = err.write_all(&fault.shown(&format!("{program}: also"), terminal));
    }
    if faults.more > 0 {
        let _ = writeln!(err, "{program}: also: {} more errors", faults.more);
    }
}

/// Opens what a start would open, in nginx's order, and closes it again. Missing files are created. `None` after a logged error.
fn probe(loaded: &Loaded, program: &str, registries: &Registries, log: &ProcessLog) -> Option<()> {
    let core = &loaded.config.core;
    let path = &loaded.config.pid;
    let pid = PidFile::probe(path);
    log.check(format_args!("open() \"{}\"", path.display()), pid)?;
    let names = SystemNames::default();
    let built = Generation::build(loaded.config.clone(), names, registries);
    let generation = log.accept(built)?;
    let log = log.clone().with_log(Arc::clone(&generation.log));
    let mut errors = bind::probe(&generation.config.sockets).into_iter();
    if let Some(first) = errors.next() {
        log.line(Level::Emerg, format_args!("{first}{}", Errno(&first.error)));
        for error in errors {
            let text = format!("{error}{}", Errno(&error.error));
            let line = Diagnostic::bare(Level::Emerg, text);
            let _ = io::stderr().write_all(&line.line(&format!("{program}: also")));
        }
        return None;
    }
    let wanted = core.worker_rlimit_nofile.map(|wanted| wanted as u64);
    let descriptors = DescriptorLimit::now().with(wanted);
    descriptors.check(generation.config.events.worker_connections, &log);
    Some(())
}

fn print_files(loaded: &Loaded) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (path, bytes) in &loaded.files {
        let path = path.as_os_str().as_bytes();
        out.write_all(&[b"# configuration file ", path, b":\n"].concat())?;
        out.write_all(bytes)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn print_config(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
