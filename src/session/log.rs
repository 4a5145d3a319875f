//! One session's lines in the error log, in nginx's words.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::peer_failures::PeerFailures;
use super::phase::Phase;
use super::recorder::Recorder;
use crate::base::{Address, Level, Secret, tlv};
use crate::log::mail_log::HeaderRecord;
use crate::log::{Context, ErrorLog};
use crate::net::socket::Peer;
use crate::proto::echo::Passwords;
use crate::proto::{Login, login};

/// A session's handle of its error log, with the session's data that the lines show.
#[derive(Debug)]
pub(in crate::session) struct SessionLog {
    pub(super) log: Arc<ErrorLog>,
    listen: Arc<str>,
    number: u64,
    client: Box<str>,
    starttls: bool,
    login: Option<Box<[u8]>>,
    pub(super) upstream: Option<Box<Upstream>>,
    /// The backends and auth servers that fail.
    pub(super) peers: Arc<PeerFailures>,
    /// The passwords that no line may show, until the client is logged in.
    passwords: Option<Box<Passwords>>,
    /// The record for `mail_log`.
    pub(super) record: Option<Box<Recorder>>,
}

/// A backend.
#[derive(Debug)]
pub(super) struct Upstream {
    /// Its name in the log's lines.
    pub name: Box<str>,
    /// Its address, where the name is another one.
    pub address: Option<Box<str>>,
}

impl SessionLog {
    /// The lines of connection `number`, which `peer` made to the `listen` address.
    pub fn new(
        log: Arc<ErrorLog>,
        peers: Arc<PeerFailures>,
        listen: Arc<str>,
        number: u64,
        peer: &Peer,
    ) -> Self {
        SessionLog {
            log,
            listen,
            number,
            client: peer.host(),
            starttls: false,
            login: None,
            upstream: None,
            peers,
            passwords: None,
            record: None,
        }
    }

    /// The connection's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Sets the client, where it is not the socket's peer, and its PROXY header.
    pub fn client(&mut self, peer: &Peer, header: Option<HeaderRecord>) {
        self.client = peer.host();
        if header
            .as_ref()
            .is_some_and(|header| tlv::is_broken(&header.tlvs))
        {
            let line = format_args!("broken PROXY protocol TLV");
            self.line(Phase::ProxyHeader, Level::Error, line);
        }
        self.record_client(peer, header);
    }

    /// Adds to later lines that TLS began with STARTTLS.
    pub fn started_tls(&mut self) {
        self.starttls = true;
    }

    /// Sets the login; an empty one is none.
    pub fn login(&mut self, user: &[u8]) {
        let user = login::shown(user);
        self.login = (!user.is_empty()).then(|| user.into());
        if let Some(record) = &mut self.record {
            record.login(user);
        }
    }

    /// Sets the login of a new attempt, and hides its password where a reply repeats it.
    pub fn attempt(&mut self, login: &Login) {
        let credentials = &login.credentials;
        if let Some(record) = &mut self.record {
            record.attempt(login);
        }
        self.login(credentials.user());
        self.passwords = Some(Box::new(Passwords::of(credentials)));
    }

    /// Hides one more password of the attempt.
    pub fn hide(&mut self, password: &Secret<login::Bytes>) {
        self.passwords.get_or_insert_default().add(password);
    }

    /// Forgets the passwords: no more lines have a reply.
    pub fn logged_in(&mut self) {
        self.passwords = None;
        if let Some(record) = &mut self.record {
            record.logged_in();
        }
    }

    /// Sets the backend that a connection is attempted to. `name` is its name in the log, if that is not the address.
    pub fn upstream(&mut self, address: &Address, name: Option<&str>) {
        let address: Box<str> = address.to_string().into();
        let upstream = match name {
            Some(name) => Upstream {
                name: name.into(),
                address: Some(address),
            },
            None => Upstream {
                name: address,
                address: None,
            },
        };
        if let Some(record) = &mut self.record {
            record.upstream(&upstream.name);
        }
        self.upstream = Some(Box::new(upstream));
    }

    /// No backend is connected any more.
    pub fn no_upstream(&mut self) {
        self.upstream = None;
    }

    /// Hides the passwords of the attempt in the quoted part of a text.
    pub(super) fn masked(&self, text: String) -> String {
        match &self.passwords {
            Some(passwords) => passwords.masked(&text).into_owned(),
            None => text,
        }
    }

    /// A peer's text without the passwords of the attempt. `None`: it has none.
    pub(super) fn masked_text(&self, text: &[u8]) -> Option<Box<[u8]>> {
        let text = String::from_utf8_lossy(text);
        match self.passwords.as_ref()?.masked_text(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked.into_bytes().into()),
        }
    }

    /// Writes a line with ` while …`.
    pub fn line(&self, phase: Phase, level: Level, message: fmt::Arguments<'_>) {
        self.write(Some(phase), None, level, message);
    }

    /// Writes a line of level info without ` while …`.
    pub fn event(&self, message: fmt::Arguments<'_>) {
        self.write(None, None, Level::Info, message);
    }

    /// Writes a line of this level without ` while …`.
    pub fn event_at(&self, level: Level, message: fmt::Arguments<'_>) {
        self.write(None, None, level, message);
    }

    /// Writes that the client took too long.
    pub fn timed_out(&self, phase: Phase) {
        let message = format_args!("client timed out (110: Connection timed out)");
        self.line(phase, Level::Info, message);
    }

    pub(super) fn write(
        &self,
        phase: Option<Phase>,
        auth: Option<&Address>,
        level: Level,
        message: fmt::Arguments<'_>,
    ) {
        let context = Context {
            connection: self.number,
            action: phase.map(Phase::action),
            client: &self.client,
            starttls: self.starttls,
            server: &self.listen,
            login: self.login.as_deref(),
            upstream: self.upstream.as_ref().map(|upstream| &*upstream.name),
            auth,
        };
        match &self.passwords {
            Some(passwords) if self.log.enabled(level) => {
                let message = message.to_string();
                let message = format_args!("{}", passwords.masked(&message));
                self.log.session(level, &context, message);
            }
            _ => self.log.session(level, &context, message),
        }
    }
}

/// nginx's level for a socket's error.
pub(in crate::session) fn level_of(error: &io::Error) -> Level {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::NotConnected
        | Kind::TimedOut
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown => Level::Error,
        _ => Level::Crit,
    }
}
