//! portcullis: an nginx-compatible mail gateway.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use portcullis::cli::{self, Action, Command, Extent};
use portcullis::process::machine::{Machine, Rights};
use portcullis::process::worker;
use portcullis::{control, migrate, process, tls, why};

/// The options of the build are in .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    if worker::is_worker(std::env::args_os().next().as_deref()) {
        return worker::run();
    }
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => {
            let program = cli::program(std::env::args_os().next().as_ref());
            let _ = stderr().write_all(&error.lines(program, stderr().is_terminal()));
            return ExitCode::FAILURE;
        }
    };
    if let Some(text) = &command.show {
        let _ = stderr().write_all(text.as_bytes());
    }
    act(command)
}

fn act(
    Command {
        action, options, ..
    }: Command,
) -> ExitCode {
    let world = Machine {
        check_pair: tls::check_pair,
        check_tls: tls::check,
        check_client_tls: tls::check_client,
        rights: match &action {
            Action::Test(test) if test.extent == Extent::Files => Rights::OfTheService,
            Action::Route(_) | Action::Migrate(_) | Action::Control(_) => Rights::OfTheService,
            _ => Rights::Own,
        },
    };
    match action {
        Action::Nothing => ExitCode::SUCCESS,
        Action::Test(test) => process::test(&options, &world, &test),
        Action::Say(text) => match stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Action::Signal { signal, wait } => process::send(&options, &world, signal, wait),
        Action::Route(question) => process::route(&question, &options, &world),
        Action::Control(command) => control::run(&command, &options, &world),
        Action::Why(question) => why::run(&question, &options, &world),
        Action::Migrate(file) => migrate::run(&file, &options, &world),
        Action::Run => process::start(options, Arc::new(world)),
    }
}
