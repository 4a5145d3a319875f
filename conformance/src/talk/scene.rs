//! The three peers of one conversation on their sockets: what they hear, what they have to say, and when it is their turn.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::conversation::{Act, Conversation, Protocol};
use super::perform::Pace;
use super::stage::{Pulse, Seat};
use super::transcript::{Transcript, What, masked};
use super::usual;
use super::wire::Wire;
use crate::case::Peer;
use crate::template::{Template, Values};

/// A listening peer's connection and what it is about to say on it.
#[derive(Debug)]
struct Line {
    wire: Wire,
    /// Read and not answered yet.
    heard: Vec<u8>,
    due: VecDeque<Due>,
    /// What is due is not said yet.
    held: bool,
}

#[derive(Debug)]
enum Due {
    Packet(Vec<u8>),
    Close,
    /// The gateway goes on after so many seconds.
    Wait(u64),
}

/// One conversation while it is played.
pub(super) struct Scene<'a> {
    talk: &'a Conversation,
    seat: &'a Seat,
    pulse: &'a mut Pulse,
    pace: Pace,
    model: Option<&'a Transcript>,
    values: Values,
    secrets: Vec<(String, String)>,
    client: Option<Wire>,
    /// Steps of the client still to come.
    pub ahead: usize,
    auth: Option<Line>,
    backend: Option<Line>,
    usual: usual::Backend,
    /// Questions and replies so far.
    asked: usize,
    replied: usize,
    /// Something must happen before.
    wait: Option<Instant>,
    pub transcript: Transcript,
}

impl<'a> Scene<'a> {
    /// The client has connected.
    pub fn new(
        talk: &'a Conversation,
        seat: &'a Seat,
        pulse: &'a mut Pulse,
        pace: Pace,
        model: Option<&'a Transcript>,
    ) -> io::Result<Self> {
        let socket = TcpStream::connect(seat.server)?;
        Ok(Self {
            talk,
            seat,
            pulse,
            pace,
            model,
            values: seat.values.clone(),
            secrets: secrets(talk),
            client: Some(Wire::new(socket)?),
            auth: None,
            backend: None,
            usual: usual::Backend::new(talk.protocol),
            ahead: talk.client.len(),
            asked: 0,
            replied: 0,
            wait: None,
            transcript: Transcript::default(),
        })
    }

    /// Waits until the gateway is still and nobody but the client has anything to say.
    pub fn settle(&mut self) -> io::Result<()> {
        let since = Instant::now();
        let mut still = 0;
        loop {
            self.pulse.beat()?;
            let happened = self.take_in()?;
            if happened {
                still = 0;
                self.wait = None;
                continue;
            }
            still += 1;
            if still < self.pace.beats {
                continue;
            }
            if still == self.pace.beats && !self.pace.pause.is_zero() {
                thread::sleep(self.pace.pause);
                continue;
            }
            if self.speak() {
                still = 0;
                continue;
            }
            let now = Instant::now();
            let step = self.transcript.step;
            let lags = self.model.is_some_and(|model| {
                now < since + self.pace.grace && !self.transcript.is_as_far_as(model, step)
            });
            if lags || self.wait.is_some_and(|until| now < until) {
                thread::sleep(Duration::from_millis(2));
                continue;
            }
            self.wait = None;
            return Ok(());
        }
    }

    /// Takes in what the gateway did; false if it did nothing.
    fn take_in(&mut self) -> io::Result<bool> {
        let mut happened = false;
        if let Some(wire) = &mut self.client {
            let (bytes, ended) = wire.hear()?;
            happened |= self.note(Peer::Client, &bytes, ended);
            if ended {
                self.client = None;
            } else if !bytes.is_empty() && self.agrees_to_tls(&bytes) {
                self.client = self.client.take().and_then(Wire::secured);
                self.transcript.add(Peer::Client, What::Tls);
            }
        }
        for peer in [Peer::Auth, Peer::Backend] {
            let (door, line) = match peer {
                Peer::Auth => (&self.seat.auth, &mut self.auth),
                _ => (&self.seat.backend, &mut self.backend),
            };
            if let Ok((socket, _)) = door.accept() {
                happened = true;
                *line = Some(Line {
                    wire: Wire::new(socket)?,
                    heard: Vec::new(),
                    due: VecDeque::new(),
                    held: false,
                });
                self.transcript.add(peer, What::Came);
                if peer == Peer::Backend {
                    self.replied = 0;
                    self.reply(b"");
                }
            }
            let line = match peer {
                Peer::Auth => &mut self.auth,
                _ => &mut self.backend,
            };
            let Some(line) = line else { continue };
            let (bytes, ended) = line.wire.hear()?;
            line.heard.extend_from_slice(&bytes);
            if peer == Peer::Auth {
                // how nginx ends its question's connection is not looked at
                happened |= self.note(peer, &bytes, false);
                if ended {
                    self.auth = None;
                }
                self.answer();
            } else {
                happened |= self.note(peer, &bytes, ended);
                if ended {
                    self.backend = None;
                }
                self.reply_to_lines();
            }
        }
        Ok(happened)
    }

    fn note(&mut self, peer: Peer, bytes: &[u8], ended: bool) -> bool {
        if !bytes.is_empty() {
            let bytes = masked(bytes, &mut self.values, &self.secrets);
            self.transcript.add(peer, What::Heard(bytes));
        }
        if ended {
            self.transcript.add(peer, What::Closed);
        }
        ended || !bytes.is_empty()
    }

    /// The auth server answers a whole question.
    fn answer(&mut self) {
        let Some(line) = &mut self.auth else { return };
        if !line.due.is_empty() || !line.heard.ends_with(b"\r\n\r\n") {
            return;
        }
        line.heard.clear();
        let answer = self.talk.answers.get(self.asked);
        let answer = answer.cloned().unwrap_or_else(usual::answer);
        self.asked += 1;
        line.held = answer.late && self.ahead > 0;
        line.due.extend(answer.packets.into_iter().map(Due::Packet));
        line.due.push_back(Due::Close);
        if answer.wait > 0 {
            line.due.push_back(Due::Wait(answer.wait));
        }
    }

    /// The backend replies to each line.
    fn reply_to_lines(&mut self) {
        while let Some(line) = &mut self.backend
            && let Some(end) = line.heard.iter().position(|&byte| byte == b'\n')
        {
            let command: Vec<u8> = line.heard.drain(..=end).collect();
            self.reply(&command);
        }
    }

    fn reply(&mut self, command: &[u8]) {
        let reply = self.talk.replies.get(&self.replied).cloned();
        let reply = reply.unwrap_or_else(|| self.usual.reply(command));
        self.replied += 1;
        if let Some(line) = &mut self.backend {
            line.due.extend(reply.packets.into_iter().map(Due::Packet));
            if reply.closes {
                line.due.push_back(Due::Close);
            }
        }
    }

    /// Lets the auth server, else the backend, say one thing that is due; false if nothing is.
    fn speak(&mut self) -> bool {
        for peer in [Peer::Auth, Peer::Backend] {
            let line = match peer {
                Peer::Auth => &mut self.auth,
                _ => &mut self.backend,
            };
            let due = line.as_mut().filter(|line| !line.held);
            let Some((line, due)) = due.and_then(|line| {
                let due = line.due.pop_front()?;
                Some((line, due))
            }) else {
                continue;
            };
            match due {
                Due::Packet(bytes) => {
                    line.wire.say(&Template::new(&bytes).fill(&self.values));
                    self.transcript.add(peer, What::Said(bytes));
                }
                Due::Wait(_) => {}
                Due::Close => {
                    if let Some(Due::Wait(seconds)) = line.due.front() {
                        let most = Duration::from_secs(seconds + 2);
                        self.wait = Some(Instant::now() + most);
                    }
                    self.leave(peer);
                }
            }
            return true;
        }
        false
    }

    /// Whether the auth server waits for the client to do something more.
    pub fn is_held(&self) -> bool {
        self.auth.as_ref().is_some_and(|auth| auth.held)
    }

    /// It waits no longer.
    pub fn release(&mut self) {
        if let Some(line) = &mut self.auth {
            line.held = false;
        }
    }

    /// The client's next step.
    pub fn client_does(&mut self, act: &Act) -> io::Result<()> {
        let Some(wire) = &mut self.client else {
            return Ok(());
        };
        match act {
            Act::Send(bytes) => {
                wire.say(&Template::new(bytes).fill(&self.values));
                self.transcript.add(Peer::Client, What::Said(bytes.clone()));
            }
            Act::HalfClose => {
                wire.shut();
                self.transcript.add(Peer::Client, What::Shut);
            }
        }
        Ok(())
    }

    /// Somebody closes.
    pub fn leave(&mut self, peer: Peer) {
        let left = match peer {
            Peer::Client => self.client.take().is_some(),
            Peer::Auth => self.auth.take().is_some(),
            Peer::Backend => self.backend.take().is_some(),
        };
        if left {
            self.transcript.add(peer, What::Left);
        }
    }

    /// The gateway waits for a handshake. Where its words say so only in their place, STARTTLS has to be the last command.
    fn agrees_to_tls(&self, heard: &[u8]) -> bool {
        let said = self.transcript.said(self.transcript.step, Peer::Client);
        let offered = self
            .talk
            .server
            .iter()
            .any(|line| line.starts_with("starttls"));
        let secure = self.client.as_ref().is_none_or(Wire::is_secure);
        if !offered || secure || self.backend.is_some() || !said.ends_with(b"\n") {
            return false;
        }
        let said = said.to_ascii_uppercase();
        let last = said.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
        let last = last.unwrap_or_default();
        match self.talk.protocol {
            Protocol::Smtp => heard.ends_with(b"220 2.0.0 Start TLS\r\n"),
            Protocol::Imap => last.ends_with(b" STARTTLS") && heard.ends_with(b" OK completed\r\n"),
            Protocol::Pop3 => last.starts_with(b"STLS") && heard.ends_with(b"+OK\r\n"),
        }
    }
}

/// The logins and secrets of answers to challenges.
fn secrets(talk: &Conversation) -> Vec<(String, String)> {
    let sent = String::from_utf8_lossy(&talk.sent()).into_owned();
    let answers = sent.split("@CRAM(").skip(1);
    let both = answers.filter_map(|answer| answer.split_once(")@")?.0.split_once(','));
    both.map(|(user, secret)| (user.to_owned(), secret.to_owned()))
        .collect()
}
