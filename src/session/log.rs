//! One session's lines in the error log: what nginx writes, with what is known about the session so far.

use std::fmt;
use std::sync::Arc;

use super::client::buffer::Trouble;
use super::{Arrival, Endpoint, level_of};
use crate::base::{Address, Errno, Level};
use crate::log::Context;
use crate::net::socket::Peer;
use crate::net::tunnel;

/// The log as one session sees it.
#[derive(Debug)]
pub(in crate::session) struct SessionLog {
    endpoint: Arc<Endpoint>,
    number: u64,
    client: Box<str>,
    starttls: bool,
    action: &'static str,
    login: Option<Box<[u8]>>,
    upstream: Option<Box<str>>,
}

impl SessionLog {
    pub fn new(arrival: &Arrival, endpoint: &Arc<Endpoint>) -> Self {
        SessionLog {
            endpoint: endpoint.clone(),
            number: arrival.number,
            client: arrival.peer.host().into(),
            starttls: false,
            action: "sending client greeting line",
            login: None,
            upstream: None,
        }
    }

    /// The connection's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Another client than the socket's peer.
    pub fn client(&mut self, peer: &Peer) {
        self.client = peer.host().into();
    }

    /// Sets what the next lines say behind `while`.
    pub fn doing(&mut self, action: &'static str) {
        self.action = action;
    }

    /// TLS began by STARTTLS.
    pub fn started_tls(&mut self) {
        self.starttls = true;
    }

    /// The login, from the moment on which the client told it.
    pub fn login(&mut self, user: &[u8]) {
        self.login = (!user.is_empty()).then(|| user.into());
    }

    /// The backend, or the attempt at one.
    pub fn upstream(&mut self, name: Option<&str>) {
        self.upstream = name.map(Into::into);
    }

    /// A connection that could not be made. Over TCP nginx learns of it by its first `call`, `recv` or `send`.
    pub fn unconnected(&self, address: &Address, call: &str, error: &std::io::Error) {
        use std::io::ErrorKind as Kind;
        let late = matches!(
            error.kind(),
            Kind::ConnectionRefused
                | Kind::ConnectionReset
                | Kind::TimedOut
                | Kind::HostUnreachable
        );
        if late && matches!(address, Address::Inet(_)) {
            self.line(
                Level::Error,
                format_args!("{call}() failed{}", Errno(error)),
            );
        } else {
            let level = level_of(error);
            self.line(
                level,
                format_args!("connect() to {address} failed{}", Errno(error)),
            );
        }
    }

    /// A line with ` while …`.
    pub fn line(&self, level: Level, message: fmt::Arguments<'_>) {
        self.endpoint
            .log
            .session(level, &self.context(), message, true);
    }

    /// A line without ` while …`.
    pub fn event(&self, message: fmt::Arguments<'_>) {
        self.endpoint
            .log
            .session(Level::Info, &self.context(), message, false);
    }

    /// A client that took too long.
    pub fn timed_out(&self) {
        self.line(
            Level::Info,
            format_args!("client timed out (110: Connection timed out)"),
        );
    }

    /// A client whose connection broke before its login.
    pub fn lost_client(&self, trouble: &Trouble) {
        let (call, error) = match trouble {
            Trouble::Blocked => return self.timed_out(),
            Trouble::Receive(error) => ("recv", error),
            Trouble::Send(error) => ("send", error),
        };
        // What TLS has to complain of is not the socket's.
        if error.raw_os_error().is_none() {
            return;
        }
        let level = match level_of(error) {
            Level::Error => Level::Info,
            _ => Level::Alert,
        };
        self.line(level, format_args!("{call}() failed{}", Errno(error)));
    }

    /// How the tunnel ended. A broken connection is an end too: nginx tells of both.
    pub fn tunnel_ended(mut self, end: &tunnel::End) {
        match end {
            tunnel::End::Done => {}
            tunnel::End::Silence => {
                self.doing("proxying");
                return self.timed_out();
            }
            tunnel::End::Client(error) => {
                self.doing("proxying and reading from client");
                self.line(Level::Info, format_args!("recv() failed{}", Errno(error)));
            }
            tunnel::End::Backend(error) => {
                self.doing("proxying and reading from upstream");
                self.line(
                    level_of(error),
                    format_args!("recv() failed{}", Errno(error)),
                );
            }
        }
        self.event(format_args!("proxied session done"));
    }

    fn context(&self) -> Context<'_> {
        Context {
            connection: self.number,
            action: Some(self.action),
            client: &self.client,
            starttls: self.starttls,
            server: &self.endpoint.listen,
            login: self.login.as_deref(),
            // nginx names a backend only behind a login.
            upstream: self.upstream.as_deref().filter(|_| self.login.is_some()),
        }
    }
}
