//! portcullis: an nginx-compatible mail gateway.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;

use portcullis::cli::{self, Action};
use portcullis::config::machine::Machine;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(line) => {
            let _ = stderr().write_all(&line);
            return ExitCode::from(1);
        }
    };
    if let Some(text) = &command.show {
        let _ = stderr().write_all(text.as_bytes());
    }
    let Action::Test { quiet, dump } = command.action else {
        return ExitCode::SUCCESS;
    };
    let world = Machine {
        check_tls: |_| Ok(()),
    };
    let terminal = stderr().is_terminal();
    let streams: (&mut dyn Write, &mut dyn Write, bool) = (&mut stdout(), &mut stderr(), terminal);
    match cli::test(
        &world,
        &command.options,
        (quiet, dump),
        &mut |_| Ok(()),
        streams,
    ) {
        Ok(code) => ExitCode::from(code),
        Err(_) => ExitCode::from(1),
    }
}
