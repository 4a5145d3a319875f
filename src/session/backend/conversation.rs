//! A conversation with a backend, reply by reply.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::base::Escaped;
use crate::base::{Errno, Level};
use crate::net::socket::Socket;
use crate::net::stream::Stream;
use crate::proto::shown;
use crate::session::Bridge;
use crate::session::log::SessionLog;
use crate::tls::{self, Towards};

/// What is being done once a backend has answered, in nginx's words.
pub(in crate::session) const READING: &str = "reading response from upstream";

/// Room for a usual reply: it comes in one read then.
const USUAL: usize = 512;

/// A backend's connection and what it has said that nobody looked at yet.
#[derive(Debug)]
pub(in crate::session) struct Line {
    stream: Stream,
    heard: Vec<u8>,
    limit: usize,
}

/// Why a conversation cannot go on.
#[derive(Debug)]
pub(in crate::session) enum Broken {
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
            stream: Stream::Plain(socket),
            heard: Vec::new(),
            limit: limit.max(64),
        }
    }

    /// Sends what comes before the first reply.
    pub async fn begin(&mut self, header: &[u8]) -> Result<(), Broken> {
        self.say(header).await.map_err(Broken::Send)
    }

    async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Whether the backend has said more than was looked at.
    pub fn is_ahead(&self) -> bool {
        !self.heard.is_empty()
    }

    /// Shakes hands. What the backend said in clear text and nobody looked at is gone.
    ///
    /// # Errors
    /// What the log says of it.
    pub async fn secure(&mut self, towards: &Towards) -> Result<(), String> {
        self.heard = Vec::new();
        let (config, name) = (towards.config.clone(), towards.name.clone());
        let shaken = self.stream.connect_tls(config, name).await;
        shaken.map_err(|error| towards.failure(&error))
    }

    /// Makes bytes the next that are heard.
    pub fn hear_first(&mut self, bytes: &[u8]) {
        self.heard.splice(..0, bytes.iter().copied());
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
            self.say(out).await.map_err(Broken::Send)?;
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
            self.heard.reserve(USUAL);
            let read = (&mut self.stream)
                .take(room)
                .read_buf(&mut self.heard)
                .await;
            if read.map_err(Broken::Receive)? == 0 {
                return Err(Broken::Closed);
            }
        }
    }

    /// Whether the backend has hung up, or speaks unasked, which is as bad.
    pub fn is_stale(&mut self) -> bool {
        self.is_ahead() || !self.stream.is_quiet()
    }

    /// The connection, for the tunnel.
    pub fn into_bridge(self) -> Bridge {
        Bridge {
            backend: self.stream,
            read_too_far: self.heard,
        }
    }
}

/// Writes down why a conversation broke. A backend that just closes leaves no line, as in nginx.
pub(in crate::session) fn log_broken(log: &SessionLog, broken: &Broken) {
    match broken {
        Broken::Closed => {}
        Broken::Receive(error) => match tls::failure(error, b"") {
            // A backend that wants another certificate of ours says so here, the first time we listen in TLS 1.3.
            Some(failure) => log.line(
                Level::Error,
                format_args!("SSL_read() failed (SSL: {failure})"),
            ),
            None => log.line(Level::Error, format_args!("recv() failed{}", Errno(error))),
        },
        Broken::Send(error) => {
            log.line(Level::Error, format_args!("send() failed{}", Errno(error)));
        }
        Broken::TooLong(bytes) => {
            // nginx puts its NUL over the last byte.
            let shown = bytes.split_last().map_or(&[][..], |(_, shown)| shown);
            let text = Escaped(shown);
            log.line(
                Level::Error,
                format_args!("upstream sent too long response line: \"{text}\""),
            );
        }
    }
}

/// Writes down a reply that is not what it must be.
pub(in crate::session) fn log_unexpected(log: &SessionLog, level: Level, reply: &[u8]) {
    let text = Escaped(shown(reply));
    log.line(
        level,
        format_args!("upstream sent invalid response: \"{text}\""),
    );
}
