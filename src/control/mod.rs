//! The commands to the running gateway. Each sends requests to its status pages, at an address that `status` sets in the configuration.

mod gateway;
mod http;
mod sessions;
mod unchecked;

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use self::gateway::Gateway;
use self::http::encoded;
use crate::base::{Escaped, OneLine};
use crate::cli::{Control, ControlRequest, Switched};
use crate::config::{Options, World};

/// Exit code of a command for which the gateway cannot be asked.
const NOT_ASKED: u8 = 2;

/// Why a command is not done.
#[derive(Debug)]
enum Failure {
    /// The gateway refuses it: it knows no such session, backend or login.
    Refused(String),
    /// The gateway cannot be asked.
    NotAsked(String),
}

/// The output of a command.
#[derive(Debug, Default)]
struct Output {
    text: String,
    /// What could not be done, a line each.
    refused: Vec<String>,
}

/// Asks the running gateway and prints the answer. The exit code is 1 if it knows no such session, backend or login, and 2 if it cannot
/// be asked.
#[must_use]
pub fn run(control: &Control, options: &Options, world: &dyn World) -> ExitCode {
    let complain = |line: &str| eprintln!("{}: {}", options.program, OneLine(line.as_bytes()));
    let asked = Gateway::configured(&control.request, options, world)
        .and_then(|gateway| answer(&gateway, control));
    let output = match asked {
        Ok(output) => output,
        Err(Failure::Refused(line)) => {
            complain(&line);
            return ExitCode::FAILURE;
        }
        Err(Failure::NotAsked(line)) => {
            complain(&line);
            return NOT_ASKED.into();
        }
    };
    let printed = io::stdout().write_all(output.text.as_bytes());
    output.refused.iter().for_each(|line| complain(line));
    match printed {
        // A reader that has seen enough is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ if output.refused.is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn answer(gateway: &Gateway, control: &Control) -> Result<Output, Failure> {
    match &control.request {
        ControlRequest::Status => {
            let page = if control.json { "/json" } else { "/text" };
            gateway.get(page).map(Output::of)
        }
        ControlRequest::Sessions(filter) => {
            sessions::list(&gateway.get("/sessions")?, filter.as_deref(), control.json)
        }
        ControlRequest::Kick(ids) => kick(gateway, ids, control.json),
        ControlRequest::Drain(peer, switched) => drain(gateway, peer, *switched, control.json),
        ControlRequest::Hold(login, switched) => hold(gateway, login, *switched, control.json),
    }
}

/// Closes sessions. One that is unknown keeps no other from being closed.
fn kick(gateway: &Gateway, ids: &[String], as_json: bool) -> Result<Output, Failure> {
    let (mut closed, mut unknown) = (Vec::new(), Vec::new());
    for id in ids {
        match gateway.post(&format!("/sessions/{}/close", encoded(id.as_bytes()))) {
            Ok(_) => closed.push(id),
            Err(Failure::Refused(_)) => unknown.push(id),
            Err(failure) => return Err(failure),
        }
    }
    let text = match as_json {
        true => format!("{}\n", json!({"closed": closed, "unknown": unknown})),
        false => closed.iter().map(|id| format!("closed {id}\n")).collect(),
    };
    let refused = unknown.iter();
    let refused = refused.map(|id| format!("there is no session \"{}\"", Escaped(id.as_bytes())));
    Ok(Output {
        text,
        refused: refused.collect(),
    })
}

/// Begins or ends the draining of a backend.
fn drain(
    gateway: &Gateway,
    peer: &str,
    switched: Switched,
    as_json: bool,
) -> Result<Output, Failure> {
    let verb = match switched {
        Switched::On => "drain",
        Switched::Off => "undrain",
    };
    let body = gateway.post(&format!("/upstreams/{}/{verb}", encoded(peer.as_bytes())))?;
    if as_json {
        return Ok(Output::of(body));
    }
    let peers = parsed(&body)?;
    let lines = peers.as_array().into_iter().flatten().map(|peer| {
        let text = |name: &str| peer[name].as_str().unwrap_or_default();
        let (upstream, address, state) = (text("upstream"), text("peer"), text("state"));
        let sessions = counted(peer["sessions"].as_u64().unwrap_or_default());
        format!("{upstream}/{address}: {state}, {sessions}\n")
    });
    Ok(Output::of(lines.collect()))
}

/// Begins or ends the hold of a login.
fn hold(
    gateway: &Gateway,
    login: &[u8],
    switched: Switched,
    as_json: bool,
) -> Result<Output, Failure> {
    let verb = match switched {
        Switched::On => "hold",
        Switched::Off => "release",
    };
    let body = gateway.post(&format!("/logins/{}/{verb}", encoded(login)))?;
    if as_json {
        return Ok(Output::of(body));
    }
    let answer = parsed(&body)?;
    let sessions = answer["sessions"].as_array().into_iter().flatten();
    let sessions: Vec<_> = sessions.filter_map(Value::as_str).collect();
    let what = match switched {
        Switched::On => "held: new sessions get a temporary error",
        Switched::Off => "released",
    };
    let mut text = format!("{}: {what}\n", Escaped(login));
    if !sessions.is_empty() {
        text.push_str(&format!("open sessions: {}\n", sessions.join(" ")));
    }
    Ok(Output::of(text))
}

fn counted(sessions: u64) -> String {
    match sessions {
        1 => "1 session".to_owned(),
        _ => format!("{sessions} sessions"),
    }
}

/// The gateway's answer as JSON.
fn parsed(body: &str) -> Result<Value, Failure> {
    serde_json::from_str(body)
        .map_err(|error| Failure::NotAsked(format!("the gateway's answer is incomplete: {error}")))
}

impl Output {
    fn of(text: String) -> Self {
        Self {
            text,
            refused: Vec::new(),
        }
    }
}
