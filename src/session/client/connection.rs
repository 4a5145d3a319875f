//! The client's connection before the tunnel: a bounded buffer for its input, and replies that are sent together.
//!
//! Input is read into a scratch buffer of the thread. A client that says nothing owns no buffer.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Sleep, timeout};

use crate::net::linger::{Lingering, linger};
use crate::net::scratch;
use crate::net::socket::Socket;
use crate::net::stream::Stream;
use crate::proto::{Input, Turn};
use crate::session::io_failure::IoFailure;
use crate::tls;

/// Replies are sent once they have this many bytes, even if the input buffer contains more commands.
const GATHERED: usize = 4096;
/// How long the end of the stream may take to be sent.
const CLOSING: Duration = Duration::from_secs(2);

/// A client that is not connected to a backend yet.
pub(in crate::session) struct Client {
    pub(super) stream: Stream,
    /// Received bytes that no command was parsed from yet; never longer than `limit`.
    pub(super) input: Vec<u8>,
    limit: usize,
    send_timeout: Duration,
    /// The client has closed its sending side.
    ended: bool,
    /// Bytes received and sent, without those of TLS itself.
    received: u64,
    sent: u64,
    /// Its certificate, if TLS asked for one. Boxed: few servers do.
    pub certificate: Option<Box<tls::ClientCertificate>>,
    /// Replies that are not sent yet.
    pub out: Vec<u8>,
}

/// The result of waiting for the client.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::session) enum Received {
    /// The buffer has more bytes.
    More,
    /// The client has closed its sending side.
    End,
    /// The deadline has passed.
    Timeout,
}

/// The error that broke the client's connection.
#[derive(Debug)]
pub(in crate::session) enum ClientError {
    /// It did not take its replies in time.
    Blocked,
    Receive(IoFailure),
    Send(IoFailure),
}

impl Client {
    /// A client before its first byte. `limit` bounds its unparsed input in bytes, `send_timeout` the time for which it may leave
    /// replies unread.
    pub fn new(socket: Socket, limit: usize, send_timeout: Duration) -> Self {
        Client {
            stream: Stream::Plain(socket),
            input: Vec::new(),
            limit: limit.max(1),
            send_timeout,
            ended: false,
            received: 0,
            sent: 0,
            certificate: None,
            out: Vec::new(),
        }
    }

    /// Lets the dialogue parse the input and write replies; drops what it has taken.
    pub fn parse(&mut self, advance: impl FnOnce(&mut Input<'_>, &mut Vec<u8>) -> Turn) -> Turn {
        let mut input = Input::new(&self.input, self.input.len() >= self.limit);
        let turn = advance(&mut input, &mut self.out);
        let taken = input.taken();
        self.input.drain(..taken);
        turn
    }

    /// The unparsed input.
    pub fn input(&self) -> &[u8] {
        &self.input
    }

    /// The number of bytes received from the client and sent to it, inside TLS where there is TLS.
    pub fn carried(&self) -> (u64, u64) {
        (self.received, self.sent)
    }

    /// The TLS connection, if there is one.
    pub fn tls(&self) -> Option<&rustls::ServerConnection> {
        self.stream.tls()
    }

    /// The client's certificate, if it is valid.
    pub fn verified(&self) -> Option<&tls::ClientCertificate> {
        let certificate = self.certificate.as_deref();
        certificate.filter(|certificate| certificate.is_verified())
    }

    /// Whether enough replies are pending to be sent now.
    pub fn has_gathered(&self) -> bool {
        self.out.len() >= GATHERED
    }

    /// Waits for more input until `deadline` ends. Dropping the future loses nothing.
    pub async fn receive(
        &mut self,
        mut deadline: Pin<&mut Sleep>,
    ) -> Result<Received, ClientError> {
        let filled = poll_fn(|cx| match self.poll_fill(cx) {
            Poll::Pending => deadline.as_mut().poll(cx).map(|()| None),
            Poll::Ready(filled) => Poll::Ready(Some(filled)),
        });
        match filled.await {
            None => Ok(Received::Timeout),
            Some(Err(error)) => {
                let failure = IoFailure::reading(&self.stream, error);
                Err(ClientError::Receive(failure))
            }
            Some(Ok(0)) => Ok(Received::End),
            Some(Ok(_)) => Ok(Received::More),
        }
    }

    /// Returns when the client has left: its connection broke, or it closed its sending side and all of its commands are
    /// answered. Commands that it sends meanwhile are kept as far as the buffer has room.
    pub async fn left(&mut self) {
        loop {
            if self.input.len() >= self.limit || (self.ended && !self.input.is_empty()) {
                if let Some(socket) = self.stream.socket() {
                    // Nothing more is read, but a reset still arrives. An error of the wait is the end too.
                    let _ = socket.broken().await;
                }
                return;
            }
            match poll_fn(|cx| self.poll_fill(cx)).await {
                Ok(0) if self.input.is_empty() => return,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    /// As [`Self::left`] before TLS: what the client sends is left to be read. A client that has sent something is noticed only when its
    /// connection breaks.
    pub async fn left_unread(&mut self) {
        if let Some(socket) = self.stream.socket()
            && matches!(socket.peek(&mut [0]).await, Ok(1..))
        {
            // An error of the wait is the end too.
            let _ = socket.broken().await;
        }
    }

    /// Reads once, as far as the buffer has room. Returns 0 at the end of the input.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        let room = self.limit.saturating_sub(self.input.len());
        let (stream, input) = (&mut self.stream, &mut self.input);
        let read = scratch::with(|scratch| {
            let room = room.min(scratch.len());
            let n = ready!(scratch::poll_fill(cx, stream, &mut scratch[..room]))?;
            input.extend_from_slice(&scratch[..n]);
            Poll::Ready(Ok(n))
        });
        match &read {
            Poll::Pending => self.release(),
            Poll::Ready(Ok(0)) => self.ended = true,
            Poll::Ready(Ok(n)) => self.received += *n as u64,
            Poll::Ready(Err(_)) => {}
        }
        read
    }

    /// Frees the memory of empty buffers.
    fn release(&mut self) {
        for buffer in [&mut self.input, &mut self.out] {
            if buffer.is_empty() {
                *buffer = Vec::new();
            }
        }
    }

    /// Sends the pending replies.
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        if self.out.is_empty() {
            return Ok(());
        }
        let (stream, out) = (&mut self.stream, &*self.out);
        let mut sent = 0;
        let mut send = |cx: &mut Context<'_>| poll_send(cx, stream, out, &mut sent);
        let sent = match poll_fn(|cx| Poll::Ready(send(cx))).await {
            Poll::Ready(sent) => Ok(sent),
            // Few clients need a timer.
            Poll::Pending => timeout(self.send_timeout, poll_fn(send)).await,
        };
        sent.map_err(|_| ClientError::Blocked)?
            .map_err(|error| ClientError::Send(IoFailure::writing(&self.stream, error)))?;
        self.sent += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }

    /// Closes the sending side. In clear text, the end of the connection does.
    pub async fn finish(&mut self) {
        if self.stream.is_tls() {
            // The client has its last reply.
            let _ = timeout(CLOSING, self.stream.shutdown()).await;
        }
    }

    /// Closes the sending side, and reads on for a while until the client closes.
    pub async fn linger(&mut self, lingering: Lingering) {
        (self.input, self.out) = (Vec::new(), Vec::new());
        linger(&mut self.stream, lingering).await;
    }

    /// The stream, and the input that is for the backend.
    pub fn into_parts(self) -> (Stream, Vec<u8>) {
        (self.stream, self.input)
    }
}

/// Sends the rest of `out`, of which `sent` bytes are sent.
fn poll_send(
    cx: &mut Context<'_>,
    stream: &mut Stream,
    out: &[u8],
    sent: &mut usize,
) -> Poll<io::Result<()>> {
    while *sent < out.len() {
        match ready!(Pin::new(&mut *stream).poll_write(cx, &out[*sent..]))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            n => *sent += n,
        }
    }
    Pin::new(stream).poll_flush(cx)
}

/// Shows only the lengths of the buffers, which may contain passwords.
impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client")
            .field("stream", &self.stream)
            .field("input", &self.input.len())
            .field("limit", &self.limit)
            .field("ended", &self.ended)
            .field("out", &self.out.len())
            .finish_non_exhaustive()
    }
}
