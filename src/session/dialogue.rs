//! A conversation with a backend, reply by reply.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Bridge;
use super::journal::Journal;
use crate::config::{Errno, Level};
use crate::log::Escaped;
use crate::net::socket::Socket;
use crate::proto::shown;

/// What is being done once a backend has answered, in nginx's words.
pub(super) const READING: &str = "reading response from upstream";

/// A backend's connection and what it has said that nobody looked at yet.
#[derive(Debug)]
pub(super) struct Line {
    socket: Socket,
    heard: Vec<u8>,
    limit: usize,
}

/// Why a conversation cannot go on.
#[derive(Debug)]
pub(super) enum Broken {
    /// The backend closed.
    Closed,
    /// Its connection failed.
    Receive(io::Error),
    /// It does not take what we say.
    Send(io::Error),
    /// Its reply does not fit into `proxy_buffer`.
    TooLong(Vec<u8>),
}

impl Line {
    /// `limit` is the longest reply in bytes.
    pub fn new(socket: Socket, limit: usize) -> Self {
        Line {
            socket,
            heard: Vec::new(),
            limit: limit.max(64),
        }
    }

    /// Sends what comes before the first reply.
    pub async fn begin(&mut self, header: &[u8]) -> Result<(), Broken> {
        self.socket.write_all(header).await.map_err(Broken::Send)
    }

    /// Says something, if there is something to say, and waits for the whole reply to it. `whole` tells how long that is.
    pub async fn exchange(
        &mut self,
        out: &mut Vec<u8>,
        whole: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<Vec<u8>, Broken> {
        if !out.is_empty() {
            // What came before the question is no answer to it.
            self.heard.clear();
            self.socket.write_all(out).await.map_err(Broken::Send)?;
            out.clear();
        }
        loop {
            if let Some(end) = whole(&self.heard) {
                return Ok(self.heard.drain(..end).collect());
            }
            if self.heard.len() >= self.limit {
                return Err(Broken::TooLong(std::mem::take(&mut self.heard)));
            }
            let room = (self.limit - self.heard.len()) as u64;
            let read = (&mut self.socket)
                .take(room)
                .read_buf(&mut self.heard)
                .await;
            if read.map_err(Broken::Receive)? == 0 {
                return Err(Broken::Closed);
            }
        }
    }

    /// Whether the backend has hung up, or speaks unasked, which is as bad.
    pub fn is_stale(&self) -> bool {
        !self.heard.is_empty()
            || !matches!(
                self.socket.try_read(&mut [0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock
            )
    }

    /// The connection, for the tunnel.
    pub fn into_bridge(self) -> Bridge {
        Bridge {
            backend: self.socket,
            read_too_far: self.heard,
        }
    }
}

/// Writes down why a conversation broke. A backend that just closes leaves no line, as in nginx.
pub(super) fn log_broken(journal: &Journal, broken: &Broken) {
    match broken {
        Broken::Closed => {}
        Broken::Receive(error) => {
            journal.line(Level::Error, format_args!("recv() failed{}", Errno(error)));
        }
        Broken::Send(error) => {
            journal.line(Level::Error, format_args!("send() failed{}", Errno(error)));
        }
        Broken::TooLong(bytes) => journal.line(
            Level::Error,
            format_args!(
                "upstream sent too long response line: \"{}\"",
                Escaped(bytes)
            ),
        ),
    }
}

/// Writes down a reply that is not what it must be.
pub(super) fn log_unexpected(journal: &Journal, level: Level, reply: &[u8]) {
    let text = Escaped(shown(reply));
    journal.line(
        level,
        format_args!("upstream sent invalid response: \"{text}\""),
    );
}
