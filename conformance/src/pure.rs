//! The dialogues on the pure cores: no socket, no process, no clock. Milliseconds for all of them.
//!
//! A small shell stands in for `session`: three pairs of buffers instead of three sockets. Cases about TLS, time or a
//! client that leaves need a real one, and are left to the runner over sockets.

use portcullis::base::Protocol;
use portcullis::config::{LogDestination, Options, Server};
use portcullis::process::machine::Machine;
use portcullis::proto::auth_http::{Grant, Inquiry, Need, Parsed, Verdict, parse, request};
use portcullis::proto::backend::Accepted;
use portcullis::proto::backend::authorized_login::Outcome;
use portcullis::proto::client::{Dialogue, Progress};
use portcullis::proto::{
    ClientHost, Input, Login, Refusal, ServerDialogue, Settings, Step, dialogues,
};
use std::path::Path;
use std::sync::Arc;

use crate::case::{Act, Case, Peer, Seat};
use crate::template::{Agreement, Values};

/// Why a case cannot be played without sockets.
#[must_use]
pub fn needs_sockets(case: &Case) -> Option<&'static str> {
    let header = &case.header;
    if [header.auth, header.backend].contains(&Seat::Refused) {
        return Some("a refused connection");
    }
    if header.listen.contains("ssl") || header.listen.contains("proxy_protocol") {
        return Some("what comes before the greeting");
    }
    let lines = header.mail.iter().chain(&header.server);
    if lines
        .clone()
        .any(|line| line.contains("timeout") || line.contains("greeting_delay"))
    {
        return Some("time");
    }
    let silent = !case.events.iter().any(|event| event.peer == Peer::Auth);
    if silent && lines.clone().any(|line| line.starts_with("auth_http ")) {
        return Some("an auth server that cannot be reached");
    }
    if lines.clone().any(|line| line.starts_with("proxy_protocol")) {
        return Some("what comes before the dialogue with the backend");
    }
    case.events.iter().find_map(|event| match event.act {
        Act::Tls(_) | Act::ExpectGone => Some("TLS"),
        Act::Wait(_) | Act::ExpectNothing => Some("time"),
        Act::Connect | Act::HalfClose | Act::Close | Act::Reset => Some("the ends of connections"),
        _ => None,
    })
}

/// Loads the configuration of a case; its first server.
///
/// # Errors
/// What is wrong with it.
pub fn server(text: &[u8], folder: &Path) -> Result<Arc<Server>, String> {
    let file = folder.join("pure.conf");
    std::fs::write(&file, text).map_err(|error| error.to_string())?;
    let options = Options {
        program: "portcullis",
        prefix: folder.to_owned(),
        file,
        globals: None,
        error_log: LogDestination::Stderr,
        pid: folder.join("pid"),
    };
    let world = Machine {
        check_pair: portcullis::tls::check_pair,
        check_tls: portcullis::tls::check,
        check_client_tls: portcullis::tls::check_client,
    };
    let loaded = portcullis::config::load(&world, &options, &mut |_| ())
        .map_err(|fault| String::from_utf8_lossy(&fault.message).into_owned())?;
    loaded
        .config
        .servers
        .first()
        .cloned()
        .ok_or_else(|| "no server".to_owned())
}

/// Where the session is.
enum Phase {
    Commands,
    Asking(Login),
    Dialogue(Dialogue<Outcome>),
    Tunnel,
    Over,
}

/// One session without sockets.
struct Shell {
    server: Arc<Server>,
    front: Box<dyn ServerDialogue>,
    phase: Phase,
    attempts: u32,
    /// What each peer has sent: client, auth server, backend.
    sent: [Vec<u8>; 3],
    /// What each peer is to read.
    told: [Vec<u8>; 3],
}

/// Plays a case.
///
/// # Errors
/// The lines of the event that went otherwise, and how.
pub fn play(case: &Case, server: Arc<Server>, mut values: Values) -> Result<(), String> {
    let front = Settings::of(&server).front(false, None);
    let mut shell = Shell {
        server,
        front,
        phase: Phase::Commands,
        attempts: 0,
        sent: Default::default(),
        told: Default::default(),
    };
    let mut stamp = || salt(&shell.server);
    shell.front.greet(&mut stamp, &mut shell.told[0]);
    for event in &case.events {
        let peer = event.peer as usize;
        match &event.act {
            Act::Send(text) => shell.sent[peer].extend(text.fill(&values)),
            Act::SendBytewise(text) => {
                for byte in text.fill(&values) {
                    shell.sent[peer].push(byte);
                    shell.pump();
                }
            }
            Act::Expect(text) => {
                let line = event.lines.start + 1;
                let told = &mut shell.told[peer];
                match text.agrees(told, &mut values) {
                    Agreement::Whole(length) => drop(told.drain(..length)),
                    _ => return Err(format!("line {line}: {}", String::from_utf8_lossy(told))),
                }
            }
            Act::ExpectEnd(_)
                if event.peer == Peer::Client
                    && !matches!(shell.phase, Phase::Over | Phase::Tunnel) =>
            {
                return Err(format!("line {}: not at its end", event.lines.start + 1));
            }
            _ => {}
        }
        shell.pump();
    }
    match shell.told.iter().find(|rest| !rest.is_empty()) {
        Some(rest) => Err(format!("left over: {}", String::from_utf8_lossy(rest))),
        None => Ok(()),
    }
}

impl Shell {
    /// Does all that can be done with what is there.
    fn pump(&mut self) {
        while self.step() {}
    }

    fn step(&mut self) -> bool {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Commands => self.command(),
            Phase::Asking(login) => self.ask(login),
            Phase::Dialogue(dialogue) => self.converse(dialogue),
            Phase::Tunnel => {
                self.phase = Phase::Tunnel;
                let up = std::mem::take(&mut self.sent[0]);
                let down = std::mem::take(&mut self.sent[2]);
                self.told[2].extend(up);
                self.told[0].extend(down);
                false
            }
            Phase::Over => false,
        }
    }

    fn command(&mut self) -> bool {
        let buffer = self.server.client_buffer();
        let full = self.sent[0].len() >= buffer;
        let limit = self.sent[0].len().min(buffer);
        let mut input = Input::new(&self.sent[0][..limit], full);
        let turn = self.front.advance(&mut input, &mut self.told[0]);
        let taken = input.taken();
        self.sent[0].drain(..taken);
        self.phase = Phase::Commands;
        match turn.step {
            Step::Next => true,
            Step::Read | Step::StartTls => false,
            Step::Challenge(_) => {
                self.front.challenge(salt(&self.server), &mut self.told[0]);
                true
            }
            Step::Ask(login) => {
                self.attempts += 1;
                self.inquire(&login);
                self.phase = Phase::Asking(*login);
                true
            }
            Step::Close => {
                self.phase = Phase::Over;
                false
            }
        }
    }

    fn inquire(&mut self, login: &Login) {
        let Some(url) = &self.server.auth_http.auth_http else {
            return;
        };
        let inquiry = Inquiry {
            uri: &url.uri,
            host: &url.host,
            keep: self.server.auth_http.auth_http_keepalive,
            protocol: self.server.protocol,
            login,
            attempt: self.attempts,
            client: "127.0.0.1",
            client_host: "[UNAVAILABLE]",
            told: None,
            tls: None,
            headers: &self.server.auth_http.auth_http_header,
        };
        request(&inquiry, &mut self.told[1]);
    }

    fn ask(&mut self, login: Login) -> bool {
        let answer = match parse(&self.sent[1]) {
            Parsed::Partial => {
                self.phase = Phase::Asking(login);
                return false;
            }
            Parsed::Invalid(_) => return self.fail(),
            Parsed::Whole(answer, _) => answer,
        };
        self.sent[1].clear();
        let need = Need {
            server: self.server.proxy.proxy_pass.is_none(),
            pass: self.server.protocol != Protocol::Smtp && login.credentials.password().is_none(),
            bearer: login.credentials.bearer(),
        };
        match answer.verdict(need) {
            Err(_) => self.fail(),
            Ok(Verdict::Again(_)) => {
                self.inquire(&login);
                self.phase = Phase::Asking(login);
                true
            }
            Ok(Verdict::Deny(denial)) => {
                let refusal = Refusal::Denied(denial);
                let turn = self.front.refuse(&refusal, &mut self.told[0]);
                self.phase = match turn.step {
                    Step::Close => Phase::Over,
                    _ => Phase::Commands,
                };
                true
            }
            Ok(Verdict::Accept(Grant {
                user,
                pass,
                smtp_auth,
                ..
            })) => {
                let user = user.unwrap_or_else(|| login.credentials.user().into());
                let pass = pass.or_else(|| login.credentials.password().cloned());
                let client = ClientHost {
                    address: "127.0.0.1",
                    name: "[UNAVAILABLE]",
                };
                let dialogue =
                    dialogues::authorized_login(&self.server, client, login, user, pass, smtp_auth);
                self.phase = Phase::Dialogue(dialogue);
                true
            }
        }
    }

    fn converse(&mut self, dialogue: Dialogue<Outcome>) -> bool {
        let limit = self.server.proxy.proxy_buffer;
        let heard = &self.sent[2][..self.sent[2].len().min(limit)];
        let Some(end) = dialogue.whole(heard) else {
            if heard.len() >= limit {
                return self.fail();
            }
            self.phase = Phase::Dialogue(dialogue);
            return false;
        };
        let answer: Vec<u8> = self.sent[2].drain(..end).collect();
        match dialogue.advance(&answer, &mut self.told[2]) {
            Progress::Read(next) => {
                self.sent[2].clear();
                self.phase = Phase::Dialogue(next);
            }
            Progress::Done(Outcome::Accepted(Accepted::LoggedIn)) => {
                self.front.accept(&answer, &mut self.told[0]);
                self.phase = Phase::Tunnel;
            }
            Progress::Done(Outcome::Accepted(Accepted::Answered)) => {
                self.told[0].extend(answer);
                self.phase = Phase::Tunnel;
            }
            Progress::Unexpected { .. } if self.server.proxy.proxy_pass_error_message => {
                self.told[0].extend(answer);
            }
            Progress::Unexpected { .. } | Progress::Done(Outcome::NoPassword) => {
                return self.fail();
            }
        }
        true
    }

    fn fail(&mut self) -> bool {
        self.front.fail(&mut self.told[0]);
        true
    }
}

/// A challenge like any other.
fn salt(server: &Server) -> Box<[u8]> {
    [b"<1.2@", &*server.mail.server_name, b">"].concat().into()
}
