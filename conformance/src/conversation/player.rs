//! The three peers of one script on their sockets: what they receive, what they have queued, and when it is their turn.

use std::collections::VecDeque;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use portcullis::base::Protocol;

use super::default_replies::{self, Backend};
use super::idle_probe::IdleProbe;
use super::mask::{Secret, mask, secrets};
use super::polled_connection::PolledConnection;
use super::script::{Action, Reply, Script};
use super::testbed::Sockets;
use super::timing::Timing;
use super::transcript::{Event, Transcript};
use crate::case::Peer;
use crate::template::{Template, Values};

/// The connection of a listening peer, and what it has queued.
#[derive(Debug)]
struct ListeningPeer {
    connection: PolledConnection,
    /// Received and not replied to yet.
    input: Vec<u8>,
    queue: VecDeque<Queued>,
    /// The queue waits for the next step of the client.
    is_late: bool,
}

#[derive(Debug)]
enum Queued {
    Packet(Vec<u8>),
    Close,
    /// The gateway continues after this many seconds.
    Wait(u64),
}

/// One script while it is played.
pub(super) struct Player<'a> {
    script: &'a Script,
    sockets: &'a Sockets,
    probe: &'a mut IdleProbe,
    timing: Timing,
    reference: Option<&'a Transcript>,
    values: Values,
    secrets: Vec<Secret>,
    client: Option<PolledConnection>,
    /// The number of client steps to come.
    steps_left: usize,
    auth: Option<ListeningPeer>,
    backend: Option<ListeningPeer>,
    default_backend: Backend,
    /// The number of requests and of replies so far.
    requests: usize,
    replies: usize,
    /// Something must happen before this time.
    wait_until: Option<Instant>,
    pub transcript: Transcript,
}

impl<'a> Player<'a> {
    /// Connects the client.
    pub fn new(
        script: &'a Script,
        sockets: &'a Sockets,
        probe: &'a mut IdleProbe,
        timing: Timing,
        reference: Option<&'a Transcript>,
    ) -> io::Result<Self> {
        let socket = TcpStream::connect(sockets.server)?;
        Ok(Self {
            script,
            sockets,
            probe,
            timing,
            reference,
            values: sockets.values.clone(),
            secrets: secrets(script),
            client: Some(PolledConnection::new(socket)?),
            steps_left: script.client.len(),
            auth: None,
            backend: None,
            default_backend: Backend::new(script.protocol),
            requests: 0,
            replies: 0,
            wait_until: None,
            transcript: Transcript::default(),
        })
    }

    /// Waits until the gateway is idle and neither auth server nor backend has anything to send.
    pub fn settle(&mut self) -> io::Result<()> {
        let start = Instant::now();
        let mut quiet_probes = 0;
        loop {
            self.probe.wait()?;
            if self.receive()? {
                quiet_probes = 0;
                self.wait_until = None;
                continue;
            }
            quiet_probes += 1;
            if quiet_probes < self.timing.probes {
                continue;
            }
            if quiet_probes == self.timing.probes && !self.timing.pause.is_zero() {
                thread::sleep(self.timing.pause);
                continue;
            }
            if self.send_next() {
                quiet_probes = 0;
                continue;
            }
            let now = Instant::now();
            let step = self.transcript.step;
            let is_behind = self.reference.is_some_and(|reference| {
                now < start + self.timing.grace && !self.transcript.is_as_far_as(reference, step)
            });
            if is_behind || self.wait_until.is_some_and(|deadline| now < deadline) {
                thread::sleep(Duration::from_millis(2));
                continue;
            }
            self.wait_until = None;
            return Ok(());
        }
    }

    /// Records what the gateway has done; false if nothing.
    fn receive(&mut self) -> io::Result<bool> {
        let client = self.receive_as_client()?;
        let auth = self.receive_as_auth_server()?;
        let backend = self.receive_as_backend()?;
        Ok(client || auth || backend)
    }

    fn receive_as_client(&mut self) -> io::Result<bool> {
        let Some(client) = &mut self.client else {
            return Ok(false);
        };
        let (bytes, eof) = client.read_available()?;
        let happened = self.record(Peer::Client, &bytes, eof);
        if eof {
            self.client = None;
        } else if !bytes.is_empty() && self.expects_handshake(&bytes) {
            self.client = self.client.take().and_then(PolledConnection::start_tls);
            self.transcript.add(Peer::Client, Event::StartedTls);
        }
        Ok(happened)
    }

    fn receive_as_auth_server(&mut self) -> io::Result<bool> {
        let connected = accept(&self.sockets.auth, &mut self.auth)?;
        if connected {
            self.transcript.add(Peer::Auth, Event::Connected);
        }
        let Some(auth) = &mut self.auth else {
            return Ok(connected);
        };
        let (bytes, eof) = auth.connection.read_available()?;
        auth.input.extend_from_slice(&bytes);
        // How nginx closes the connection of its request is not compared.
        let happened = self.record(Peer::Auth, &bytes, false);
        if eof {
            self.auth = None;
        }
        self.queue_response();
        Ok(connected || happened)
    }

    fn receive_as_backend(&mut self) -> io::Result<bool> {
        let connected = accept(&self.sockets.backend, &mut self.backend)?;
        if connected {
            self.transcript.add(Peer::Backend, Event::Connected);
            self.replies = 0;
            self.queue_reply(b"");
        }
        let Some(backend) = &mut self.backend else {
            return Ok(connected);
        };
        let (bytes, eof) = backend.connection.read_available()?;
        backend.input.extend_from_slice(&bytes);
        let happened = self.record(Peer::Backend, &bytes, eof);
        if eof {
            self.backend = None;
        }
        while let Some(backend) = &mut self.backend
            && let Some(end) = backend.input.iter().position(|&byte| byte == b'\n')
        {
            let command: Vec<u8> = backend.input.drain(..=end).collect();
            self.queue_reply(&command);
        }
        Ok(connected || happened)
    }

    fn record(&mut self, peer: Peer, bytes: &[u8], eof: bool) -> bool {
        if !bytes.is_empty() {
            let bytes = mask(bytes, &mut self.values, &self.secrets);
            self.transcript.add(peer, Event::Received(bytes));
        }
        if eof {
            self.transcript.add(peer, Event::Closed);
        }
        eof || !bytes.is_empty()
    }

    /// Queues the response to a complete request.
    fn queue_response(&mut self) {
        let Some(auth) = &mut self.auth else { return };
        if !auth.queue.is_empty() || !auth.input.ends_with(b"\r\n\r\n") {
            return;
        }
        auth.input.clear();
        let response = self.script.responses.get(self.requests);
        let response = response.cloned().unwrap_or_else(default_replies::response);
        self.requests += 1;
        auth.is_late = response.late && self.steps_left > 0;
        auth.queue.extend(packets(&response));
        auth.queue.push_back(Queued::Close);
        if response.wait > 0 {
            auth.queue.push_back(Queued::Wait(response.wait));
        }
    }

    /// Queues the reply to a command, or to the connection: an empty command.
    fn queue_reply(&mut self, command: &[u8]) {
        let reply = self.script.replies.get(&self.replies).cloned();
        let reply = reply.unwrap_or_else(|| self.default_backend.reply(command));
        self.replies += 1;
        if let Some(backend) = &mut self.backend {
            backend.queue.extend(packets(&reply));
            if reply.closes {
                backend.queue.push_back(Queued::Close);
            }
        }
    }

    /// Does the next queued action of the auth server, else of the backend; false if there is none.
    fn send_next(&mut self) -> bool {
        for peer in [Peer::Auth, Peer::Backend] {
            let listening = match peer {
                Peer::Auth => &mut self.auth,
                _ => &mut self.backend,
            };
            let Some(listening) = listening.as_mut().filter(|listening| !listening.is_late) else {
                continue;
            };
            match listening.queue.pop_front() {
                None => continue,
                Some(Queued::Packet(bytes)) => {
                    let filled = Template::new(&bytes).fill(&self.values);
                    listening.connection.send(&filled);
                    self.transcript.add(peer, Event::Sent(bytes));
                }
                Some(Queued::Wait(_)) => {}
                Some(Queued::Close) => {
                    if let Some(Queued::Wait(seconds)) = listening.queue.front() {
                        let limit = Duration::from_secs(seconds + 2);
                        self.wait_until = Some(Instant::now() + limit);
                    }
                    self.close(peer);
                }
            }
            return true;
        }
        false
    }

    /// Whether the auth server's response waits for the next step of the client.
    pub fn has_late_response(&self) -> bool {
        self.auth.as_ref().is_some_and(|auth| auth.is_late)
    }

    /// Lets the auth server send its late response.
    pub fn release_late_response(&mut self) {
        if let Some(auth) = &mut self.auth {
            auth.is_late = false;
        }
    }

    /// Does the next step of the client.
    pub fn act(&mut self, action: &Action) -> io::Result<()> {
        self.transcript.step += 1;
        self.steps_left -= 1;
        let Some(client) = &mut self.client else {
            return Ok(());
        };
        match action {
            Action::Send(bytes) => {
                client.send(&Template::new(bytes).fill(&self.values));
                self.transcript
                    .add(Peer::Client, Event::Sent(bytes.clone()));
            }
            Action::HalfClose => {
                client.shutdown_write();
                self.transcript.add(Peer::Client, Event::HalfClosed);
            }
        }
        Ok(())
    }

    /// Closes the connection of a peer.
    pub fn close(&mut self, peer: Peer) {
        let was_open = match peer {
            Peer::Client => self.client.take().is_some(),
            Peer::Auth => self.auth.take().is_some(),
            Peer::Backend => self.backend.take().is_some(),
        };
        if was_open {
            self.transcript.add(peer, Event::Left);
        }
    }

    /// Whether the gateway now waits for a handshake. The replies of IMAP and POP3 are ambiguous, so there STARTTLS or STLS must be
    /// the last command.
    fn expects_handshake(&self, received: &[u8]) -> bool {
        let sent = self.transcript.sent(self.transcript.step, Peer::Client);
        let lines = &self.script.server;
        let is_offered = lines.iter().any(|line| line.starts_with("starttls"));
        let is_tls = self.client.as_ref().is_none_or(PolledConnection::is_tls);
        if !is_offered || is_tls || self.backend.is_some() || !sent.ends_with(b"\n") {
            return false;
        }
        let sent = sent.to_ascii_uppercase();
        let last = sent.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
        let last = last.unwrap_or_default();
        match self.script.protocol {
            Protocol::Smtp => received.ends_with(b"220 2.0.0 Start TLS\r\n"),
            Protocol::Imap => {
                last.ends_with(b" STARTTLS") && received.ends_with(b" OK completed\r\n")
            }
            Protocol::Pop3 => last.starts_with(b"STLS") && received.ends_with(b"+OK\r\n"),
            Protocol::Sieve => received.ends_with(b"OK \"Begin TLS negotiation now\"\r\n"),
        }
    }
}

/// Accepts a waiting connection; false if there is none.
fn accept(listener: &TcpListener, peer: &mut Option<ListeningPeer>) -> io::Result<bool> {
    let Ok((socket, _)) = listener.accept() else {
        return Ok(false);
    };
    *peer = Some(ListeningPeer {
        connection: PolledConnection::new(socket)?,
        input: Vec::new(),
        queue: VecDeque::new(),
        is_late: false,
    });
    Ok(true)
}

fn packets(reply: &Reply) -> impl Iterator<Item = Queued> {
    reply.packets.iter().cloned().map(Queued::Packet)
}
