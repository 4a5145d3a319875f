//! One session's lines in the error log, in nginx's words.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::phase::Phase;
use super::recorder::Recorder;
use crate::base::{Address, Errno, Level, Secret};
use crate::log::{Context, ErrorLog};
use crate::net::socket::Peer;
use crate::proto::echo::Passwords;
use crate::proto::{Login, login};

/// A session's handle of its error log, with the session's data that the lines show.
#[derive(Debug)]
pub(in crate::session) struct SessionLog {
    log: Arc<ErrorLog>,
    listen: Arc<str>,
    number: u64,
    client: Box<str>,
    starttls: bool,
    login: Option<Box<[u8]>>,
    upstream: Option<Box<str>>,
    /// The passwords that no line may show, until the client is logged in.
    passwords: Option<Box<Passwords>>,
    /// The record for `mail_log`.
    pub(super) record: Option<Box<Recorder>>,
}

impl SessionLog {
    /// The lines of connection `number`, which `peer` made to the `listen` address.
    pub fn new(log: Arc<ErrorLog>, listen: Arc<str>, number: u64, peer: &Peer) -> Self {
        SessionLog {
            log,
            listen,
            number,
            client: peer.host().into(),
            starttls: false,
            login: None,
            upstream: None,
            passwords: None,
            record: None,
        }
    }

    /// The connection's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Sets the client, where it is not the socket's peer, and the source address in its PROXY header.
    pub fn client(&mut self, peer: &Peer, header: Option<SocketAddr>) {
        self.record_client(peer, header);
        self.client = peer.host().into();
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

    /// Sets the backend that is connected, or that a connection is attempted to.
    pub fn upstream(&mut self, name: Option<&str>) {
        self.upstream = name.map(Into::into);
        if let Some(record) = &mut self.record {
            record.upstream(name);
        }
    }

    /// Hides the passwords of the attempt in the quoted part of a text.
    pub(super) fn masked(&self, text: String) -> String {
        match &self.passwords {
            Some(passwords) => passwords.masked(&text).into_owned(),
            None => text,
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

    /// Writes that the client took too long.
    pub fn timed_out(&self, phase: Phase) {
        let message = format_args!("client timed out (110: Connection timed out)");
        self.line(phase, Level::Info, message);
    }

    /// Writes that a connection could not be made. Over TCP, nginx notices that in its first `call`, `recv` or `send`.
    /// In [`Phase::AuthHttp`] the line names the address at its end.
    pub fn unconnected(&self, phase: Phase, address: &Address, call: &str, error: &io::Error) {
        use io::ErrorKind as Kind;
        let late = matches!(
            error.kind(),
            Kind::ConnectionRefused
                | Kind::ConnectionReset
                | Kind::TimedOut
                | Kind::HostUnreachable
        );
        let errno = Errno(error);
        let auth = (phase == Phase::AuthHttp).then_some(address);
        if late && matches!(address, Address::Inet(_)) {
            let message = format_args!("{call}() failed{errno}");
            self.write(Some(phase), auth, Level::Error, message);
        } else {
            let message = format_args!("connect() to {address} failed{errno}");
            self.write(Some(phase), auth, level_of(error), message);
        }
    }

    /// Writes that a `call` on a connection to the auth server at `address` failed.
    pub fn auth_http(&self, address: &Address, call: &str, error: &io::Error) {
        let message = format_args!("{call}() failed{}", Errno(error));
        self.write(Some(Phase::AuthHttp), Some(address), Level::Error, message);
    }

    fn write(
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
            upstream: self.upstream.as_deref(),
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
