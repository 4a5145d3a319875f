//! `-t`, `-T` and `--dump-config`: load the configuration and say what nginx says.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use super::Print;
use crate::config::dump::dump;
use crate::config::{Diagnostic, Loaded, Options, World, load};

/// Tests the configuration. `after` runs when it has been loaded: logs are opened and sockets bound there. On a terminal the
/// messages show the line they are about. Returns the exit code.
///
/// # Errors
/// Standard output or standard error cannot be written to.
pub fn test(
    world: &dyn World,
    options: &Options,
    (quiet, print): (bool, Print),
    after: &mut dyn FnMut(&Loaded) -> Result<(), Diagnostic>,
    (out, err, terminal): (&mut dyn Write, &mut dyn Write, bool),
) -> io::Result<u8> {
    let program = options.program;
    let file = options.file.as_os_str().as_bytes();
    let mut notes: Vec<Diagnostic> = Vec::new();
    let loaded = load(world, options, &mut |note| notes.push(note));
    let (late, early): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| note.syntax_ok);
    for note in early {
        err.write_all(&note.shown(program, terminal))?;
    }
    let syntax_ok = loaded.as_ref().map_or_else(|why| why.syntax_ok, |_| true);
    if syntax_ok && !quiet {
        say(
            err,
            program,
            b"the configuration file ",
            file,
            b" syntax is ok",
        )?;
    }
    for note in late {
        err.write_all(&note.shown(program, terminal))?;
    }
    match loaded.and_then(|loaded| after(&loaded).map(|()| loaded)) {
        Ok(loaded) => {
            if !quiet {
                say(
                    err,
                    program,
                    b"configuration file ",
                    file,
                    b" test is successful",
                )?;
            }
            match print {
                Print::Nothing => {}
                Print::Files => print_files(out, &loaded)?,
                Print::Config => {
                    out.write_all(&dump(&loaded, options))?;
                    out.flush()?;
                }
            }
            Ok(0)
        }
        Err(why) => {
            err.write_all(&why.shown(program, terminal))?;
            say(err, program, b"configuration file ", file, b" test failed")?;
            Ok(1)
        }
    }
}

fn say(
    err: &mut dyn Write,
    program: &str,
    begin: &[u8],
    file: &[u8],
    end: &[u8],
) -> io::Result<()> {
    err.write_all(&[program.as_bytes(), b": ", begin, file, end, b"\n"].concat())
}

fn print_files(out: &mut dyn Write, loaded: &Loaded) -> io::Result<()> {
    for (path, bytes) in &loaded.files {
        out.write_all(
            &[
                b"# configuration file ",
                path.as_os_str().as_bytes(),
                b":\n",
            ]
            .concat(),
        )?;
        out.write_all(bytes)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
