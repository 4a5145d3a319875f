//! One question to an auth server, over a connection kept alive or a new one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::auth_server::AuthServer;
use crate::base::Secret;
use crate::base::address::Address;
use crate::base::{Errno, Level};
use crate::net::stream::Stream;
use crate::proto::auth_http::{Answer, Fault, Parsed, parse};
use crate::session::Shared;
use crate::session::log::SessionLog;

/// The largest header an auth server may send.
const HEADER: usize = 8 * 1024;
/// Room for a usual answer.
const USUAL: usize = 1024;

/// A question and the way to ask it.
pub(in crate::session) struct Exchange<'a> {
    /// The auth server.
    pub server: &'a AuthServer,
    /// Its addresses; the next one when one cannot be reached.
    pub addresses: &'a [Address],
    /// Whether connections are kept and used again; else it is one-shot HTTP/1.0.
    pub keep: bool,
    /// The request. It has a password in it.
    pub question: &'a Secret<Vec<u8>>,
    /// Time to connect, and again to send, and again to be answered.
    pub patience: Duration,
}

/// The error is in the log.
#[derive(Debug)]
pub(in crate::session) struct Reported;

/// What went wrong with one connection.
enum Broken {
    Connect(io::Error),
    Handshake(String),
    Send(io::Error),
    Receive(io::Error),
    Closed,
    TooLarge,
    TimedOut,
    Invalid(Fault),
}

impl Exchange<'_> {
    /// Asks. The answer comes with the address that gave it.
    pub async fn run(
        &self,
        log: &SessionLog,
        shared: &Shared,
    ) -> Result<(&Address, Box<Answer>), Reported> {
        let began = Instant::now();
        for (turn, address) in self.addresses.iter().enumerate() {
            if let Some(answer) = self.ask_again(address).await {
                let answer = answer.map_err(|broken| report(log, address, &broken))?;
                return Ok((address, answer));
            }
            shared.next_number();
            // What is left of the time is for all that are left.
            let left = self.patience.saturating_sub(began.elapsed());
            let turns = (self.addresses.len() - turn).try_into().unwrap_or(u32::MAX);
            let stream = match timeout(left / turns, self.server.dialer.connect(address)).await {
                Ok(Ok(socket)) => Stream::Plain(socket),
                Ok(Err(error)) => {
                    report(log, address, &Broken::Connect(error));
                    continue;
                }
                Err(_) => {
                    report(log, address, &Broken::TimedOut);
                    continue;
                }
            };
            if turn > 0 {
                self.server.prefer(address);
            }
            let mut heard = Vec::with_capacity(USUAL);
            let asked = match self.secure(stream).await {
                Ok(stream) => self.ask(address, stream, &mut heard).await,
                Err(broken) => Err(broken),
            };
            return match asked {
                Ok(answer) => Ok((address, answer)),
                Err(broken) => Err(report(log, address, &broken)),
            };
        }
        Err(Reported)
    }

    /// Asks over a connection that was kept. `None`: there is none, or the server has closed it in this very moment, and
    /// a new connection decides.
    async fn ask_again(&self, address: &Address) -> Option<Result<Box<Answer>, Broken>> {
        let stream = self.server.pool.take(address).filter(|_| self.keep)?;
        let mut heard = Vec::with_capacity(USUAL);
        match self.ask(address, stream, &mut heard).await {
            Err(Broken::Send(_) | Broken::Receive(_) | Broken::Closed) if heard.is_empty() => None,
            asked => Some(asked),
        }
    }

    /// Makes it TLS, where the URL says so.
    async fn secure(&self, mut stream: Stream) -> Result<Stream, Broken> {
        let Some(tls) = &self.server.tls else {
            return Ok(stream);
        };
        let handshake = stream.connect_tls(Arc::clone(&tls.config), tls.name.clone());
        match timeout(self.patience, handshake).await {
            Err(_) => Err(Broken::TimedOut),
            Ok(Err(error)) => Err(Broken::Handshake(tls.failure(&error))),
            Ok(Ok(())) => Ok(stream),
        }
    }

    async fn ask(
        &self,
        address: &Address,
        mut stream: Stream,
        heard: &mut Vec<u8>,
    ) -> Result<Box<Answer>, Broken> {
        let sending = async {
            stream.write_all(self.question.reveal()).await?;
            stream.flush().await
        };
        timeout(self.patience, sending)
            .await
            .map_err(|_| Broken::TimedOut)?
            .map_err(Broken::Send)?;
        let read = timeout(self.patience, read_header(&mut stream, heard));
        let (answer, end) = read.await.map_err(|_| Broken::TimedOut)??;
        // A body that is not here yet is not waited for.
        if self.keep && answer.leaves_open(&heard[end..]) {
            self.server.pool.put(address, stream);
        }
        Ok(answer)
    }
}

/// Reads up to the empty line, and tells where that is.
async fn read_header(
    stream: &mut Stream,
    heard: &mut Vec<u8>,
) -> Result<(Box<Answer>, usize), Broken> {
    loop {
        let n = stream.read_buf(heard).await.map_err(Broken::Receive)?;
        match parse(heard) {
            Parsed::Whole(answer, end) => return Ok((answer, end)),
            Parsed::Invalid(fault) => return Err(Broken::Invalid(fault)),
            Parsed::Partial if n == 0 => return Err(Broken::Closed),
            Parsed::Partial if heard.len() >= HEADER => return Err(Broken::TooLarge),
            Parsed::Partial => {}
        }
    }
}

fn report(log: &SessionLog, address: &Address, broken: &Broken) -> Reported {
    let level = Level::Error;
    match broken {
        Broken::Connect(error) => log.unconnected(address, "recv", error),
        Broken::Handshake(text) => log.line(level, format_args!("{text}")),
        Broken::Send(error) => {
            log.line(level, format_args!("send() failed{}", Errno(error)));
        }
        Broken::Receive(error) => {
            log.line(level, format_args!("recv() failed{}", Errno(error)));
        }
        Broken::Closed => log.line(
            level,
            format_args!("auth http server {address} prematurely closed connection"),
        ),
        Broken::TooLarge => {
            log.line(
                level,
                format_args!("auth http server {address} sent too large header"),
            );
        }
        Broken::TimedOut => log.line(
            level,
            format_args!("auth http server {address} timed out (110: Connection timed out)"),
        ),
        Broken::Invalid(fault) => {
            log.line(level, format_args!("auth http server {address} {fault}"));
        }
    }
    Reported
}
