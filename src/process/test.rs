//! `-t`, `-T` and `--dump-config`: load the configuration, try what a start would do (spec D.8), and say what nginx says.
//!
//! What nginx says comes first and last; behind its first error come the others, marked as ours.

use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use super::generation::Generation;
use super::pid::PidFile;
use super::voice::Voice;
use super::{bind, bootstrap, limits};
use crate::base::{Errno, Level};
use crate::cli::Print;
use crate::config;
use crate::config::{Diagnostic, Faults, Loaded, Options, World, dump};
use crate::log::Files;
use crate::net::dialer::Dialer;
use crate::net::resolver::Resolvers;
use crate::session::CapabilityCache;
use crate::tls::{Connectors, Resumption};

/// Tests the configuration and tells the result by exit code. `quiet`: nothing is said when all is well. `print`: what goes to
/// standard output then.
#[must_use]
pub fn test(options: &Options, world: &dyn World, quiet: bool, print: Print) -> ExitCode {
    let files = Files::default();
    let voice = bootstrap::voice(options, &files);
    let mut notes: Vec<Diagnostic> = Vec::new();
    let loaded = config::test(world, options, &mut |note| notes.push(note));
    let syntax_ok = loaded
        .as_ref()
        .map_or_else(|why| why.first.syntax_ok, |_| true);
    let (late, early): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| note.syntax_ok);
    early.iter().for_each(|note| voice.diagnose(note));
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
    late.iter().for_each(|note| voice.diagnose(note));
    let tested = match loaded {
        Ok(loaded) => probe(&loaded, options, &files, &voice).map(|()| loaded),
        Err(faults) => {
            tell(&faults, &voice, options.program);
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

/// The first fault as nginx has it, the others as ours.
fn tell(faults: &Faults, voice: &Voice, program: &str) {
    voice.diagnose(&faults.first);
    let mut err = io::stderr().lock();
    let terminal = err.is_terminal();
    for fault in &faults.further {
        let _ = err.write_all(&fault.shown(&format!("{program}: also"), terminal));
    }
    if faults.more > 0 {
        let _ = writeln!(err, "{program}: also: {} more errors", faults.more);
    }
}

/// Opens what a start would open, in nginx's order, and closes it again. Files that are missing are made. What went wrong has
/// been said.
fn probe(loaded: &Loaded, options: &Options, files: &Files, voice: &Voice) -> Option<()> {
    let core = &loaded.config.core;
    let path = &loaded.config.pid;
    let pid = PidFile::probe(path);
    voice.check(format_args!("open() \"{}\"", path.display()), pid)?;
    let (resolvers, resumption) = (Resolvers::default(), Resumption::default());
    let (connectors, capabilities) = (Connectors::default(), CapabilityCache::default());
    let generation = voice.accept(Generation::build(
        loaded.config.clone(),
        options,
        files,
        &resolvers,
        &resumption,
        &connectors,
        &capabilities,
        &Dialer::default(),
    ))?;
    let voice = voice.clone().with_log(Arc::clone(&generation.log));
    let mut faults = bind::probe(&generation.config.sockets).into_iter();
    if let Some(first) = faults.next() {
        voice.say(Level::Emerg, format_args!("{first}{}", Errno(&first.error)));
        for fault in faults {
            let text = format!("{fault}{}", Errno(&fault.error));
            let line = Diagnostic::bare(Level::Emerg, text);
            let _ = io::stderr().write_all(&line.line(&format!("{}: also", options.program)));
        }
        return None;
    }
    let mut descriptors = limits::Files::now();
    // A start that cannot raise the limit says so; a test only needs to know where it would be.
    let _ = descriptors.raise(core.worker_rlimit_nofile.map(|wanted| wanted as u64));
    descriptors.mention(generation.config.events.worker_connections, &voice);
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
