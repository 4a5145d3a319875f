//! The client's connection before mail flows: a bounded buffer in, a reply buffer out.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout, timeout_at};

use crate::net::socket::Socket;
use crate::net::stream::Stream;
use crate::proto::{Input, Turn};
use crate::session::Endpoint;
use crate::tls;

/// Replies are sent when this much has gathered, though the client's buffer holds more commands.
const GATHERED: usize = 4096;
/// How long a client may take to close after our last word, so that a reset does not overtake it.
const LINGER: Duration = Duration::from_secs(2);
/// What such a client may still send.
const LINGER_BYTES: usize = 64 * 1024;

/// A client before its login.
#[derive(Debug)]
pub(in crate::session) struct Client {
    pub(in crate::session) stream: Stream,
    /// Bytes received, not looked at; never longer than `limit`.
    pub(in crate::session) input: Vec<u8>,
    limit: usize,
    patience: Duration,
    ended: bool,
    /// Why its connection is of no use any more.
    trouble: Option<Trouble>,
    /// Its certificate, where TLS asked for one.
    pub certificate: Option<tls::Client>,
    /// Replies not sent yet.
    pub out: Vec<u8>,
}

/// What waiting for the client came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::session) enum Heard {
    /// More bytes are in the buffer.
    More,
    /// It will send no more.
    End,
    /// It took too long.
    Silence,
}

/// Why a client's connection is of no use any more.
#[derive(Debug)]
pub(in crate::session) enum Trouble {
    /// It took too long to take what it was sent.
    Blocked,
    /// Nothing can be read.
    Receive(io::Error),
    /// Nothing can be sent.
    Send(io::Error),
}

impl Client {
    pub fn new(socket: Socket, endpoint: &Endpoint) -> Self {
        Client {
            stream: Stream::Plain(socket),
            input: Vec::new(),
            limit: endpoint.server.client_buffer().max(1),
            patience: endpoint.server.mail.timeout,
            ended: false,
            trouble: None,
            certificate: None,
            out: Vec::new(),
        }
    }

    /// Lets the dialogue look at what the client sent and answer it; drops what it took.
    pub fn parse(&mut self, look: impl FnOnce(&mut Input<'_>, &mut Vec<u8>) -> Turn) -> Turn {
        let mut input = Input::new(&self.input, self.input.len() >= self.limit);
        let turn = look(&mut input, &mut self.out);
        let taken = input.taken();
        self.input.drain(..taken);
        turn
    }

    /// The state of TLS, if there is TLS.
    pub fn tls(&self) -> Option<&rustls::ServerConnection> {
        self.stream.tls()
    }

    /// Its certificate, if that was found good.
    pub fn verified(&self) -> Option<&tls::Client> {
        let shown = self.certificate.as_ref();
        shown.filter(|shown| shown.is_verified())
    }

    /// Whether so many replies have gathered that they should go out.
    pub fn is_gathered(&self) -> bool {
        self.out.len() >= GATHERED
    }

    /// Waits for more of the client until `deadline`. Nothing is lost when the wait is dropped.
    pub async fn hear(&mut self, deadline: Instant) -> io::Result<Heard> {
        match timeout_at(deadline, self.fill()).await {
            Err(_) => Ok(Heard::Silence),
            Ok(Err(error)) => {
                let kind = error.kind();
                self.trouble = Some(Trouble::Receive(error));
                Err(kind.into())
            }
            Ok(Ok(0)) => Ok(Heard::End),
            Ok(Ok(_)) => Ok(Heard::More),
        }
    }

    /// As [`Client::hear`], for a client that has not been looked at: what it sent already counts.
    pub async fn speaks(&mut self, deadline: Instant) -> io::Result<Heard> {
        if self.input.is_empty() {
            return self.hear(deadline).await;
        }
        Ok(Heard::More)
    }

    /// Ends when the client has gone: its connection broke, or it closed with nothing left to say. Commands that
    /// it sends meanwhile are kept, as far as they fit.
    pub async fn leaves(&mut self) {
        loop {
            if self.input.len() >= self.limit || (self.ended && !self.input.is_empty()) {
                return std::future::pending().await;
            }
            match self.fill().await {
                Ok(0) if self.input.is_empty() => return,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// Reads once into what is left of the buffer.
    async fn fill(&mut self) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let (stream, input, limit) = (&mut self.stream, &mut self.input, self.limit);
        // The buffer is whole again before the wait goes on: dropping it loses nothing.
        let result = poll_fn(|cx| {
            let held = input.len();
            input.resize(limit.max(held), 0);
            let mut buffer = ReadBuf::new(&mut input[held..]);
            let read = Pin::new(&mut *stream)
                .poll_read(cx, &mut buffer)
                .map_ok(|()| buffer.filled().len());
            let filled = match read {
                Poll::Ready(Ok(n)) => n,
                _ => 0,
            };
            input.truncate(held + filled);
            read
        })
        .await;
        if matches!(result, Ok(0)) {
            self.ended = true;
        }
        result
    }

    /// Sends what has gathered.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let sending = async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        };
        let trouble = match timeout(self.patience, sending).await {
            Ok(Ok(())) => {
                self.out.clear();
                return Ok(());
            }
            Ok(Err(error)) => Trouble::Send(error),
            Err(_) => Trouble::Blocked,
        };
        self.trouble = Some(trouble);
        Err(io::ErrorKind::NotConnected.into())
    }

    /// Why its connection is of no use any more, if it broke while it was listened or spoken to.
    pub fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    /// Sends what has gathered and closes. The client gets a moment to close first.
    pub async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        let farewell = async {
            self.stream.shutdown().await?;
            let mut left = LINGER_BYTES;
            self.input.clear();
            while left > 0 && !self.ended {
                left = left.saturating_sub(self.fill().await?.max(1));
                self.input.clear();
            }
            Ok::<(), io::Error>(())
        };
        match timeout(LINGER, farewell).await {
            Ok(result) => result,
            Err(_) => Ok(()),
        }
    }

    /// The stream, and what the client typed ahead of its backend.
    pub fn into_parts(self) -> (Stream, Vec<u8>) {
        (self.stream, self.input)
    }
}
