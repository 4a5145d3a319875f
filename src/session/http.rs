//! One question to an auth server, over a connection kept alive or a new one.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::Shared;
use super::journal::Journal;
use super::pool::Pool;
use crate::config::address::Address;
use crate::config::{Errno, Level};
use crate::net::socket::Socket;
use crate::proto::Secret;
use crate::proto::auth_http::{Answer, Fault, Parsed, parse};

/// The largest header an auth server may send.
const HEADER: usize = 8 * 1024;
/// The largest body that is read over for the sake of the connection.
const BODY: u64 = 16 * 1024;

/// A question and the way to ask it.
pub(super) struct Exchange<'a> {
    /// Connections to use again; `None` for one-shot HTTP/1.0.
    pub pool: Option<&'a Pool>,
    /// The auth server's addresses; the next one when one cannot be reached.
    pub addresses: &'a [Address],
    /// The request. It has a password in it.
    pub question: &'a Secret<Vec<u8>>,
    /// Time to connect and send, and again to be answered.
    pub patience: Duration,
}

/// The error is in the log.
#[derive(Debug)]
pub(super) struct Reported;

/// What went wrong with one connection.
enum Broken {
    Connect(io::Error),
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
        journal: &Journal,
        shared: &Shared,
    ) -> Result<(&Address, Box<Answer>), Reported> {
        for address in self.addresses {
            if let Some(socket) = self.pool.and_then(|pool| pool.take(address)) {
                match self.ask(address, socket).await {
                    // The server may have closed it in this very moment: a new connection decides.
                    Err(Broken::Send(_) | Broken::Receive(_) | Broken::Closed) => {}
                    Err(broken) => return Err(report(journal, address, &broken)),
                    Ok(answer) => return Ok((address, answer)),
                }
            }
            shared.next_number();
            let asked = match timeout(self.patience, Socket::connect(address)).await {
                Err(_) => Err(Broken::TimedOut),
                Ok(Err(error)) => Err(Broken::Connect(error)),
                Ok(Ok(socket)) => self.ask(address, socket).await,
            };
            match asked {
                Ok(answer) => return Ok((address, answer)),
                Err(broken @ Broken::Connect(_)) => {
                    report(journal, address, &broken);
                }
                Err(broken) => return Err(report(journal, address, &broken)),
            }
        }
        Err(Reported)
    }

    async fn ask(&self, address: &Address, mut socket: Socket) -> Result<Box<Answer>, Broken> {
        timeout(self.patience, socket.write_all(self.question.reveal()))
            .await
            .map_err(|_| Broken::TimedOut)?
            .map_err(Broken::Send)?;
        let read = timeout(self.patience, read_header(&mut socket));
        let (answer, rest) = read.await.map_err(|_| Broken::TimedOut)??;
        let body = answer.reusable().filter(|&body| body <= BODY);
        if let (Some(pool), Some(body)) = (self.pool, body) {
            // A body that is not here yet is not waited for.
            if rest == body {
                pool.put(address, socket);
            }
        }
        Ok(answer)
    }
}

/// Reads up to the empty line, and tells how many bytes came behind it.
async fn read_header(socket: &mut Socket) -> Result<(Box<Answer>, u64), Broken> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let n = socket.read_buf(&mut bytes).await.map_err(Broken::Receive)?;
        match parse(&bytes) {
            Parsed::Whole(answer, end) => return Ok((answer, (bytes.len() - end) as u64)),
            Parsed::Invalid(fault) => return Err(Broken::Invalid(fault)),
            Parsed::Partial if n == 0 => return Err(Broken::Closed),
            Parsed::Partial if bytes.len() >= HEADER => return Err(Broken::TooLarge),
            Parsed::Partial => {}
        }
    }
}

fn report(journal: &Journal, address: &Address, broken: &Broken) -> Reported {
    let level = Level::Error;
    match broken {
        Broken::Connect(error) => journal.unconnected(address, "recv", error),
        Broken::Send(error) => {
            journal.line(level, format_args!("send() failed{}", Errno(error)));
        }
        Broken::Receive(error) => {
            journal.line(level, format_args!("recv() failed{}", Errno(error)));
        }
        Broken::Closed => journal.line(
            level,
            format_args!("auth http server {address} prematurely closed connection"),
        ),
        Broken::TooLarge => {
            journal.line(
                level,
                format_args!("auth http server {address} sent too large header"),
            );
        }
        Broken::TimedOut => journal.line(
            level,
            format_args!("auth http server {address} timed out (110: Connection timed out)"),
        ),
        Broken::Invalid(fault) => {
            journal.line(level, format_args!("auth http server {address} {fault}"));
        }
    }
    Reported
}
