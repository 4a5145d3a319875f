//! The HTTP exchange with an auth server, over a kept connection or a new one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::auth_server::AuthServer;
use crate::base::{Address, Errno, Level, Secret};
use crate::net::stream::Stream;
use crate::proto::Denial;
use crate::proto::auth_http::{Answer, Fault, Grant, Need, Outcome, Parsed, parse};
use crate::session::Shared;
use crate::session::log::SessionLog;
use crate::session::phase::Phase;

/// The limit on the header of an answer in bytes.
const HEADER: usize = 8 * 1024;
/// Room for a usual answer in bytes.
const USUAL: usize = 1024;

/// A request and the way to send it.
#[derive(Debug)]
pub(in crate::session) struct Exchange<'a> {
    pub server: &'a AuthServer,
    /// The server's addresses; the next one is tried when one cannot be reached.
    pub addresses: &'a [Address],
    /// Whether connections are kept for the next request; without, each request is one of HTTP/1.0.
    pub keep: bool,
    /// The request. It contains a password.
    pub request: &'a Secret<Vec<u8>>,
    /// What the answer must contain.
    pub need: Need,
    /// The time to connect, to send, and to be answered, each.
    pub limit: Duration,
}

/// The auth server's decision.
#[derive(Debug)]
pub(in crate::session) enum Decision {
    Accepted(Grant),
    Denied(Denial),
}

/// The error that kept an auth server from deciding.
#[derive(Debug)]
pub(in crate::session) enum AuthHttpError {
    /// The auth server's name has no address.
    NoAddress,
    /// The exchange with the server at this address failed.
    Failed(Address, Failure),
}

/// The error of one connection.
#[derive(Debug)]
pub(in crate::session) enum Failure {
    Connect(io::Error),
    /// The TLS handshake failed; this is the text for the log.
    Handshake(String),
    Send(io::Error),
    Receive(io::Error),
    Closed,
    TooLarge,
    Timeout,
    Invalid(Fault),
}

impl Exchange<'_> {
    /// Sends the request until the answer is a decision. Addresses that cannot be reached have their lines in the log, but for
    /// the last one.
    pub async fn run(&self, log: &SessionLog, shared: &Shared) -> Result<Decision, AuthHttpError> {
        loop {
            let (address, answer) = self.ask(log, shared).await?;
            match answer.outcome(self.need) {
                Ok(Outcome::Accepted(grant)) => return Ok(Decision::Accepted(grant)),
                Ok(Outcome::Denied(denial)) => return Ok(Decision::Denied(denial)),
                Ok(Outcome::Retry(wait)) => sleep(wait).await,
                Err(fault) => {
                    let address = address.clone();
                    return Err(AuthHttpError::Failed(address, Failure::Invalid(fault)));
                }
            }
        }
    }

    /// Sends the request to the first address that can be reached.
    async fn ask(
        &self,
        log: &SessionLog,
        shared: &Shared,
    ) -> Result<(&Address, Box<Answer>), AuthHttpError> {
        let began = Instant::now();
        let mut unreachable = AuthHttpError::NoAddress;
        for (turn, address) in self.addresses.iter().enumerate() {
            if turn > 0 {
                unreachable.log(log);
            }
            let failed = |failure| AuthHttpError::Failed(address.clone(), failure);
            if let Some(answered) = self.ask_again(address).await {
                let answer = answered.map_err(failed)?;
                return Ok((address, answer));
            }
            shared.next_number();
            // The addresses that are left share the time that is left.
            let left = self.limit.saturating_sub(began.elapsed());
            let turns = (self.addresses.len() - turn).try_into().unwrap_or(u32::MAX);
            let connecting = self.server.dialer.connect(address);
            let stream = match timeout(left / turns, connecting).await {
                Ok(Ok(socket)) => Stream::Plain(socket),
                Ok(Err(error)) => {
                    unreachable = failed(Failure::Connect(error));
                    continue;
                }
                Err(_) => {
                    unreachable = failed(Failure::Timeout);
                    continue;
                }
            };
            if turn > 0 {
                self.server.prefer(address);
            }
            let mut received = Vec::with_capacity(USUAL);
            let answered = match self.secure(stream).await {
                Ok(stream) => self.send(address, stream, &mut received).await,
                Err(failure) => Err(failure),
            };
            return Ok((address, answered.map_err(failed)?));
        }
        Err(unreachable)
    }

    /// Sends the request over a kept connection. `None`: there is none, or the server has closed it meanwhile.
    async fn ask_again(&self, address: &Address) -> Option<Result<Box<Answer>, Failure>> {
        let stream = self.server.pool.take(address).filter(|_| self.keep)?;
        let mut received = Vec::with_capacity(USUAL);
        match self.send(address, stream, &mut received).await {
            Err(Failure::Send(_) | Failure::Receive(_) | Failure::Closed)
                if received.is_empty() =>
            {
                None
            }
            answered => Some(answered),
        }
    }

    /// Runs the TLS handshake if the URL is `https`.
    async fn secure(&self, mut stream: Stream) -> Result<Stream, Failure> {
        let Some(tls) = &self.server.tls else {
            return Ok(stream);
        };
        let handshake = stream.connect_tls(Arc::clone(&tls.config), tls.name.clone());
        match timeout(self.limit, handshake).await {
            Err(_) => Err(Failure::Timeout),
            Ok(Err(error)) => Err(Failure::Handshake(tls.failure(&error))),
            Ok(Ok(())) => Ok(stream),
        }
    }

    async fn send(
        &self,
        address: &Address,
        mut stream: Stream,
        received: &mut Vec<u8>,
    ) -> Result<Box<Answer>, Failure> {
        let sending = async {
            stream.write_all(self.request.reveal()).await?;
            stream.flush().await
        };
        timeout(self.limit, sending)
            .await
            .map_err(|_| Failure::Timeout)?
            .map_err(Failure::Send)?;
        let read = timeout(self.limit, read_header(&mut stream, received));
        let (answer, end) = read.await.map_err(|_| Failure::Timeout)??;
        // A connection whose answer has a body to come is not kept.
        if self.keep && answer.leaves_open(&received[end..]) {
            self.server.pool.put(address, stream);
        }
        Ok(answer)
    }
}

/// Reads up to the empty line. Returns the answer and the line's end.
async fn read_header(
    stream: &mut Stream,
    received: &mut Vec<u8>,
) -> Result<(Box<Answer>, usize), Failure> {
    loop {
        let n = stream.read_buf(received).await.map_err(Failure::Receive)?;
        match parse(received) {
            Parsed::Whole(answer, end) => return Ok((answer, end)),
            Parsed::Invalid(fault) => return Err(Failure::Invalid(fault)),
            Parsed::Partial if n == 0 => return Err(Failure::Closed),
            Parsed::Partial if received.len() >= HEADER => return Err(Failure::TooLarge),
            Parsed::Partial => {}
        }
    }
}

impl AuthHttpError {
    /// Writes the error to the log.
    pub fn log(&self, log: &SessionLog) {
        let line = |text: std::fmt::Arguments<'_>| log.line(Phase::AuthHttp, Level::Error, text);
        let (address, failure) = match self {
            Self::NoAddress => return line(format_args!("auth http server has no address")),
            Self::Failed(address, failure) => (address, failure),
        };
        match failure {
            Failure::Connect(error) => log.unconnected(Phase::AuthHttp, address, "recv", error),
            Failure::Handshake(text) => line(format_args!("{text}")),
            Failure::Send(error) => line(format_args!("send() failed{}", Errno(error))),
            Failure::Receive(error) => line(format_args!("recv() failed{}", Errno(error))),
            Failure::Closed => line(format_args!(
                "auth http server {address} prematurely closed connection"
            )),
            Failure::TooLarge => line(format_args!(
                "auth http server {address} sent too large header"
            )),
            Failure::Timeout => line(format_args!(
                "auth http server {address} timed out (110: Connection timed out)"
            )),
            Failure::Invalid(fault) => line(format_args!("auth http server {address} {fault}")),
        }
    }
}
