//! A byte stream in clear text or TLS, with a client or a server at the other end.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use rustls::PeerIncompatible;
use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{StartHandshake, TlsConnector, TlsStream};

use super::rate::{Rate, RateLimited};
use super::scratch;
use super::socket::Socket;
use super::tls_read;
use crate::base::ClientHello;
use crate::base::client_hello::TLS12;

/// A byte stream to one peer.
#[derive(Debug)]
pub enum Stream {
    /// Clear text.
    Plain(Socket),
    /// TLS in either role. Boxed: it is large, and most streams are clear text.
    Tls(Box<TlsStream<Socket>>),
    /// One of these that sends no faster than a rate.
    RateLimited(Box<RateLimited<Stream>>),
    /// Closed by a failed handshake: reads return the end, writes fail.
    Closed,
}

/// The error of a failed handshake.
#[derive(Debug)]
pub struct HandshakeError {
    /// The socket's error, or one with a `rustls::Error` inside.
    pub error: io::Error,
    /// What the peer sent first, which may not be TLS at all.
    pub hello: Box<ClientHello>,
}

/// The most bytes of a ClientHello that are kept for the log.
const LONGEST_HELLO: usize = 16 * 1024;
/// The most bytes of one read of it.
const HELLO_READ: usize = 2048;

impl Stream {
    /// Runs the TLS handshake as the server. `configure` chooses the configuration for a client.
    ///
    /// # Errors
    /// The handshake failed, and the stream is closed. TLS inside TLS is refused.
    pub async fn accept_tls(
        &mut self,
        configure: impl FnOnce(&rustls::server::ClientHello<'_>) -> Arc<rustls::ServerConfig>,
    ) -> Result<(), HandshakeError> {
        let mut hello = Box::default();
        let error = match std::mem::replace(self, Stream::Closed) {
            Stream::Plain(socket) => {
                // A client that sends nothing needs no memory for a TLS connection. The handshake meets an error again.
                let _ = socket.readable().await;
                // Boxed, as below: neither does a session in clear text.
                match Box::pin(accept(socket, configure, &mut hello)).await {
                    Ok(stream) => {
                        *self = Stream::Tls(Box::new(stream.into()));
                        return Ok(());
                    }
                    Err(error) => error,
                }
            }
            Stream::Tls(_) | Stream::RateLimited(_) | Stream::Closed => {
                io::ErrorKind::InvalidInput.into()
            }
        };
        Err(HandshakeError { error, hello })
    }

    /// Runs the TLS handshake as the client of the server `name`.
    ///
    /// # Errors
    /// As for [`Stream::accept_tls`].
    pub async fn connect_tls(
        &mut self,
        config: Arc<rustls::ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<()> {
        match std::mem::replace(self, Stream::Closed) {
            Stream::Plain(socket) => {
                let handshake = TlsConnector::from(config).connect(name, socket);
                let stream = Box::pin(handshake).await?;
                *self = Stream::Tls(Box::new(stream.into()));
                Ok(())
            }
            Stream::Tls(_) | Stream::RateLimited(_) | Stream::Closed => {
                Err(io::ErrorKind::InvalidInput.into())
            }
        }
    }

    /// The TLS connection with a client, if there is one.
    pub fn tls(&self) -> Option<&rustls::ServerConnection> {
        match self {
            Stream::Tls(stream) => match &**stream {
                TlsStream::Server(stream) => Some(stream.get_ref().1),
                TlsStream::Client(_) => None,
            },
            Stream::RateLimited(limited) => limited.stream().tls(),
            Stream::Plain(_) | Stream::Closed => None,
        }
    }

    /// The version of TLS, in either role: `TLSv1.3`.
    pub fn tls_version(&self) -> Option<&'static str> {
        let stream = match self {
            Stream::Tls(stream) => stream,
            Stream::RateLimited(limited) => return limited.stream().tls_version(),
            Stream::Plain(_) | Stream::Closed => return None,
        };
        match stream.get_ref().1.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            rustls::ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            _ => None,
        }
    }

    /// Whether it is TLS, in either role.
    pub fn is_tls(&self) -> bool {
        match self {
            Stream::Tls(_) => true,
            Stream::RateLimited(limited) => limited.stream().is_tls(),
            Stream::Plain(_) | Stream::Closed => false,
        }
    }

    /// The same stream, which sends no faster than this rate from now on.
    pub fn limited(self, rate: Rate) -> Self {
        Stream::RateLimited(Box::new(RateLimited::new(self, rate)))
    }

    /// Whether a limit of its rate makes the next bytes wait.
    pub fn is_delayed(&self) -> bool {
        matches!(self, Stream::RateLimited(limited) if limited.is_delayed())
    }

    /// The socket, unless it is closed.
    pub fn socket(&self) -> Option<&Socket> {
        match self {
            Stream::Plain(socket) => Some(socket),
            Stream::Tls(stream) => Some(stream.get_ref().0),
            Stream::RateLimited(limited) => limited.stream().socket(),
            Stream::Closed => None,
        }
    }

    /// Whether the stream is open and has nothing to read, neither bytes nor an end.
    pub fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        let read = Pin::new(self).poll_read(&mut context, &mut ReadBuf::new(&mut byte));
        read.is_pending()
    }
}

/// The server's side of a handshake. `hello` receives what the client sent first.
async fn accept(
    mut socket: Socket,
    configure: impl FnOnce(&rustls::server::ClientHello<'_>) -> Arc<rustls::ServerConfig>,
    hello: &mut ClientHello,
) -> io::Result<tokio_rustls::server::TlsStream<Socket>> {
    let accepted = receive_hello(&mut socket, hello).await?;
    let config = configure(&accepted.client_hello());
    let mut suites = config.crypto_provider().cipher_suites.iter();
    if !suites.any(|suite| suite.tls13().is_some()) {
        hello.version = hello.version.map(|version| version.min(TLS12));
    }
    let start = StartHandshake::from_parts(accepted, socket);
    start.into_stream(config).await
}

/// Receives the ClientHello. A client that knows old versions only gets the alert that says so: rustls answers for what else is missing in
/// its hello.
async fn receive_hello(socket: &mut Socket, hello: &mut ClientHello) -> io::Result<Accepted> {
    let mut acceptor = Acceptor::default();
    let mut received = Vec::new();
    let result = loop {
        // No buffer while the client sends nothing.
        let chunk = poll_fn(|cx| {
            scratch::with(|scratch| {
                let n = ready!(scratch::poll_fill(cx, socket, &mut scratch[..HELLO_READ]))?;
                Poll::Ready(Ok(scratch[..n].to_vec()))
            })
        });
        let chunk = match chunk.await {
            Ok(chunk) if chunk.is_empty() => break Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(chunk) => chunk,
            Err(error) => break Err(error),
        };
        let (mut chunk, length) = (&*chunk, chunk.len());
        let kept = length.min(LONGEST_HELLO.saturating_sub(received.len()));
        received.extend_from_slice(&chunk[..kept]);
        let mut read = Ok(0);
        while read.is_ok() && !chunk.is_empty() {
            read = acceptor.read_tls(&mut chunk);
        }
        if let Err(error) = read {
            break Err(error);
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => break Ok(accepted),
            Ok(None) => {}
            Err((error, mut alert)) => {
                let mut bytes = Vec::new();
                alert.write_all(&mut bytes)?;
                let is_too_old = ClientHello::read(&received).is_too_old();
                let (error, bytes) = match is_too_old {
                    true => (
                        PeerIncompatible::Tls12NotOffered.into(),
                        PROTOCOL_VERSION.to_vec(),
                    ),
                    false => (error, bytes),
                };
                // The error of the handshake is the one to report.
                let _ = socket.write_all(&bytes).await;
                break Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    };
    *hello = ClientHello::read(&received);
    result
}

/// The fatal alert `protocol_version` in a record of TLS 1.0, which clients of old versions read.
const PROTOCOL_VERSION: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];

/// Reads, and sends the records that TLS itself produces: the next write may be much later.
fn read_tls(
    stream: &mut TlsStream<Socket>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    let read = match stream {
        _ if buffer.remaining() < tls_read::LARGE => Pin::new(&mut *stream).poll_read(cx, buffer),
        TlsStream::Server(stream) => {
            let (socket, connection) = stream.get_mut();
            tls_read::poll_read(socket, connection, cx, buffer)
        }
        TlsStream::Client(stream) => {
            let (socket, connection) = stream.get_mut();
            tls_read::poll_read(socket, connection, cx, buffer)
        }
    };
    // After bad input, rustls has an alert to send.
    let sends = !matches!(read, Poll::Ready(Ok(())));
    if sends
        && stream.get_ref().1.wants_write()
        && let Poll::Ready(Err(error)) = Pin::new(stream).poll_flush(cx)
    {
        return match read {
            Poll::Ready(Err(first)) => Poll::Ready(Err(first)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Err(error)),
        };
    }
    read
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Stream::Tls(stream) => match read_tls(stream, cx, buffer) {
                // A close without close_notify is an end like any other: mail's own framing shows whether
                // something is missing.
                Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(()))
                }
                other => other,
            },
            Stream::RateLimited(limited) => Pin::new(&mut **limited).poll_read(cx, buffer),
            Stream::Closed => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::RateLimited(limited) => Pin::new(&mut **limited).poll_write(cx, bytes),
            Stream::Closed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Stream::RateLimited(limited) => Pin::new(&mut **limited).poll_flush(cx),
            Stream::Closed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::RateLimited(limited) => Pin::new(&mut **limited).poll_shutdown(cx),
            Stream::Closed => Poll::Ready(Ok(())),
        }
    }
}
