//! `-t`, `-T`, `--check` and `--dump-config`: loads the configuration, tries the steps of a start where they are asked
//! for, and reports as nginx does.
//!
//! nginx's lines come first and last. After its first error the others follow, marked `also:`.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::console::Console;
use super::limits::DescriptorLimit;
use super::pid::PidFile;
use super::process_log::ProcessLog;
use super::worker::{Generation, Registries};
use super::{bind, bootstrap, missing_file};
use crate::base::{Errno, Level};
use crate::cli::{Extent, Print, Test};
use crate::config::{
    self, Diagnostic, Loaded, NoSuchServer, Options, Output, TestResult, World, dump_selected,
    settings_in_force,
};
use crate::log::ErrorLog;
use crate::net::resolver::SystemNames;

/// Tests the configuration; the exit code is the result.
#[must_use]
pub fn test(options: &Options, world: &dyn World, test: &Test) -> ExitCode {
    let registries = Registries::default();
    let console = Console::new(options);
    let log = match test.extent {
        Extent::Start => bootstrap::log_to(console.clone(), options, &registries.log_files),
        Extent::Files => ProcessLog::starting(Arc::new(ErrorLog::default()), console.clone()),
    };
    let run = Run {
        options,
        test,
        console,
        log,
        registries,
    };
    let result = run.load(world);
    let printed = run.print(&result);
    let is_ok = result.is_ok() && printed.is_ok();
    // The process ends: to free thousands of servers one by one takes a tenth of its time.
    std::mem::forget(result);
    match is_ok {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The number of errors that are not listed.
struct Invalid {
    omitted: usize,
}

/// One test.
struct Run<'a> {
    options: &'a Options,
    test: &'a Test,
    console: Console,
    log: ProcessLog,
    registries: Registries,
}

impl Run<'_> {
    /// Loads the configuration and tries what is asked for. Reports all that is found, and the result.
    fn load(&self, world: &dyn World) -> Result<Loaded, Invalid> {
        let mut notes: Vec<Diagnostic> = Vec::new();
        // `-q` leaves nginx's own warnings, which have no name, as nginx does.
        let is_told = |note: &Diagnostic| !self.test.quiet || note.lint.is_none();
        let loaded = config::test(world, self.options, &mut |note| {
            notes.extend(Some(note).filter(is_told));
        });
        let (late, early): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| note.syntax_ok);
        early.iter().for_each(|note| self.log.diagnose(note));
        let syntax_ok = loaded.as_ref().err().is_none_or(|why| why.first.syntax_ok);
        if syntax_ok && !self.test.quiet {
            self.of_file("the configuration file ", " syntax is ok");
        }
        late.iter().for_each(|note| self.log.diagnose(note));
        if let Ok(loaded) = &loaded
            && let Err(text) = bootstrap::check_servers(&loaded.config)
        {
            self.log.line(Level::Warn, format_args!("{text}"));
        }
        if let Ok(loaded) = &loaded
            && !self.test.quiet
        {
            for auth_http in &loaded.config.auth_http {
                self.console.explain(format_args!("{auth_http}"));
            }
        }
        let tested = match loaded {
            Ok(loaded) => match self.test.extent {
                Extent::Start => self.probe(&loaded).map(|()| loaded),
                Extent::Files => Some(loaded),
            }
            .ok_or(Invalid { omitted: 0 }),
            Err(faults) => {
                let first = missing_file::explain(faults.first, self.options, world);
                self.log.diagnose(&first);
                faults
                    .further
                    .iter()
                    .for_each(|fault| self.console.also(fault));
                if faults.more > 0 {
                    let text = format!("also: {} more errors", faults.more);
                    self.console.plain(text.as_bytes());
                }
                Err(Invalid {
                    omitted: faults.more,
                })
            }
        };
        match &tested {
            Err(_) => self.of_file("configuration file ", " test failed"),
            Ok(_) if !self.test.quiet => {
                self.of_file("configuration file ", " test is successful");
            }
            Ok(_) => {}
        }
        tested
    }

    fn of_file(&self, begin: &str, end: &str) {
        let file = self.options.file.as_os_str().as_bytes();
        self.console
            .plain(&[begin.as_bytes(), file, end.as_bytes()].concat());
    }

    /// Opens what a start would open, in nginx's order, and closes it again. Missing files are created. `None` after a logged error.
    fn probe(&self, loaded: &Loaded) -> Option<()> {
        let log = &self.log;
        let core = &loaded.config.core;
        let path = &loaded.config.pid;
        let pid = PidFile::probe(path);
        log.check(format_args!("open() \"{}\"", path.display()), pid)?;
        let names = SystemNames::default();
        let opened = Generation::probe(&loaded.config, names, &self.registries);
        let log = log.clone().with_log(log.accept(opened)?);
        let mut errors = bind::probe(loaded.config.all_sockets()).into_iter();
        if let Some(first) = errors.next() {
            log.line(Level::Emerg, format_args!("{first}{}", Errno(&first.error)));
            for error in errors {
                let text = format!("{error}{}", Errno(&error.error));
                self.console.also(&Diagnostic::bare(Level::Emerg, text));
            }
            return None;
        }
        let wanted = core.worker_rlimit_nofile.map(|wanted| wanted as u64);
        let descriptors = DescriptorLimit::now().with(wanted);
        descriptors.check(loaded.config.events.worker_connections, &log);
        Some(())
    }

    /// Prints to standard output what is asked for.
    fn print(&self, result: &Result<Loaded, Invalid>) -> io::Result<()> {
        if self.console.is_json() {
            return self.print_json(result);
        }
        let Ok(loaded) = result else {
            return Ok(());
        };
        match &self.test.print {
            Print::Nothing => Ok(()),
            Print::Files => print_files(&loaded.files),
            Print::Config(selection) => {
                let text = dump_selected(loaded, self.options, selection);
                write(&text.map_err(|why| self.refuse(&why))?)
            }
        }
    }

    fn print_json(&self, result: &Result<Loaded, Invalid>) -> io::Result<()> {
        let mut settings = None;
        let mut selected = Ok(());
        if let (Ok(loaded), Print::Config(selection)) = (result, &self.test.print) {
            match selection.apply(settings_in_force(loaded, self.options)) {
                Ok(some) => settings = Some(some),
                Err(why) => selected = Err(self.refuse(&why)),
            }
        }
        let output = match (result, &self.test.print, &settings) {
            (Ok(loaded), Print::Files, _) => Output::Files(&loaded.files),
            (_, _, Some(settings)) => Output::Settings(settings),
            _ => Output::Nothing,
        };
        let result = TestResult {
            file: &self.options.file,
            valid: result.is_ok(),
            diagnostics: &self.console.collected(),
            omitted: result.as_ref().err().map_or(0, |invalid| invalid.omitted),
            output,
        };
        write(result.json().as_bytes())?;
        selected
    }

    fn refuse(&self, why: &NoSuchServer) -> io::Error {
        self.console
            .line(Level::Error, format_args!("{}", why.text()));
        io::ErrorKind::NotFound.into()
    }
}

fn print_files(files: &[(PathBuf, Arc<Vec<u8>>)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (path, bytes) in files {
        let path = path.as_os_str().as_bytes();
        out.write_all(&[b"# configuration file ", path, b":\n"].concat())?;
        out.write_all(bytes)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn write(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
