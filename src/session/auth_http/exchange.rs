//! The HTTP exchange with an auth server, over a kept connection or a new one.

use std::fmt;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::auth_server::AuthServer;
use super::pool::{PoolRequest, Pools};
use super::request::Attempt;
use crate::base::{Address, Errno, Level, Secret};
use crate::config::settings::AuthHttp;
use crate::config::{Deciding, Server, StaticAuth};
use crate::net::stream::Stream;
use crate::proto::Denial;
use crate::proto::auth_http::{
    Answer, Fault, Grant, Outcome, Parsed, Replacement, headers, parse, static_auth,
};
use crate::session::log::SessionLog;
use crate::session::phase::Phase;

/// The limit on the header of an answer in bytes.
const HEADER: usize = 8 * 1024;
/// Room for a usual answer in bytes.
const USUAL: usize = 1024;

/// A login, and the way to get a decision about it.
#[derive(Debug)]
pub(in crate::session) struct Exchange<'a> {
    pub attempt: Attempt<'a>,
    /// The configuration of the server that the client is connected to.
    pub config: &'a Server,
    /// Its directives about the auth server.
    pub settings: &'a AuthHttp,
    pub server: &'a AuthServer,
    /// The server's addresses; the next one is tried when one cannot be reached.
    pub addresses: &'a [Address],
    pub pools: &'a Pools,
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
    /// A kept connection is given up: there is no answer on it.
    Silent,
    Invalid(Fault),
}

impl Exchange<'_> {
    /// Sends the request until the answer is a decision. Addresses that cannot be reached have their lines in the log, except
    /// for the last one.
    ///
    /// Each new connection takes a number. The log names the login of an answer from then on, whatever the decision, as nginx's does.
    pub async fn run(
        &self,
        log: &mut SessionLog,
        next_number: &(dyn Fn() -> u64 + Sync),
    ) -> Result<Decision, AuthHttpError> {
        let mut replacement = Replacement::default();
        loop {
            let request =
                self.attempt
                    .request(self.config, self.settings, &self.server.url, &replacement);
            let mut received = Vec::new();
            let begun = Instant::now();
            let asked = self.ask(&request, &mut received, log, next_number).await;
            if let Some(counts) = &self.server.counts {
                counts.note(begun.elapsed(), asked.is_ok());
            }
            let (address, answer) = asked?;
            if let Some(user) = answer.user() {
                log.login(user);
            }
            let outcome = answer.outcome(self.attempt.need(self.config));
            if let Ok(Outcome::Accepted(grant)) = &outcome
                && let Some(pass) = &grant.replacement.pass
            {
                log.hide(pass);
            }
            if log.has_auth_headers() {
                log.auth_headers(headers(&received));
            }
            if outcome.is_ok() {
                log.auth_server_answered(address);
            }
            match outcome {
                Ok(Outcome::Accepted(mut grant)) => {
                    grant.replacement = replacement.then(grant.replacement);
                    return Ok(Decision::Accepted(grant));
                }
                Ok(Outcome::Denied(denial)) => return Ok(Decision::Denied(denial)),
                Ok(Outcome::Retry(wait, later)) => {
                    replacement = replacement.then(later);
                    sleep(wait).await;
                }
                Err(fault) => {
                    if let Some(counts) = &self.server.counts {
                        counts.failed.increment();
                    }
                    let address = address.clone();
                    return Err(AuthHttpError::Failed(address, Failure::Invalid(fault)));
                }
            }
        }
    }

    /// Sends the request to the first address that can be reached. The bytes of the answer are left in `received`.
    async fn ask(
        &self,
        bytes: &Secret<Vec<u8>>,
        received: &mut Vec<u8>,
        log: &SessionLog,
        next_number: &(dyn Fn() -> u64 + Sync),
    ) -> Result<(&Address, Box<Answer>), AuthHttpError> {
        if let Some(answer) = &self.server.answer {
            return self.answer_here(answer, bytes, received);
        }
        let (keep, limit) = (self.keep(), self.limit());
        let began = Instant::now();
        let mut unreachable = AuthHttpError::NoAddress;
        for (turn, address) in self.addresses.iter().enumerate() {
            if turn > 0 {
                unreachable.log(log);
            }
            let failed = |failure| AuthHttpError::Failed(address.clone(), failure);
            let pool = self.pools.of(address);
            let (mut request, kept) = pool.begin(self.server.tls.as_ref(), keep);
            if let Some(stream) = kept
                && let Some(answered) = self.ask_again(bytes, &mut request, stream, received).await
            {
                return Ok((address, self.end(request, answered.map_err(failed)?)));
            }
            next_number();
            // The addresses that are left share the time that is left.
            let left = limit.saturating_sub(began.elapsed());
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
            let stream = self.secure(stream).await.map_err(failed)?;
            received.clear();
            received.reserve(USUAL);
            let answered = self.send(bytes, stream, received, pending()).await;
            return Ok((address, self.end(request, answered.map_err(failed)?)));
        }
        Err(unreachable)
    }

    /// Has the location of the same file answer, as if it were asked over HTTP.
    fn answer_here(
        &self,
        answer: &StaticAuth,
        bytes: &Secret<Vec<u8>>,
        received: &mut Vec<u8>,
    ) -> Result<(&Address, Box<Answer>), AuthHttpError> {
        let address = self.addresses.first().ok_or(AuthHttpError::NoAddress)?;
        let failed = |failure| AuthHttpError::Failed(address.clone(), failure);
        static_auth::respond(answer, bytes, received);
        if received.len() > HEADER {
            return Err(failed(Failure::TooLarge));
        }
        match parse(received) {
            Parsed::Whole(answer, _) => Ok((address, answer)),
            Parsed::Invalid(fault) => Err(failed(Failure::Invalid(fault))),
            Parsed::Partial => Err(failed(Failure::Closed)),
        }
    }

    /// Sends the request over a kept connection. `None`: nothing of an answer came, and a new connection must be tried.
    async fn ask_again(
        &self,
        bytes: &Secret<Vec<u8>>,
        request: &mut PoolRequest,
        stream: Stream,
        received: &mut Vec<u8>,
    ) -> Option<Result<(Box<Answer>, Option<Stream>), Failure>> {
        received.reserve(USUAL);
        let silence = request.silence(self.limit());
        match self.send(bytes, stream, received, silence).await {
            Err(Failure::Send(_) | Failure::Receive(_) | Failure::Closed)
                if received.is_empty() =>
            {
                request.replace_stale();
                None
            }
            Err(Failure::Silent) => None,
            answered => Some(answered),
        }
    }

    /// Runs the TLS handshake if the URL is `https`.
    async fn secure(&self, mut stream: Stream) -> Result<Stream, Failure> {
        let Some(tls) = &self.server.tls else {
            return Ok(stream);
        };
        let handshake = stream.connect_tls(Arc::clone(&tls.config), tls.name.clone());
        match timeout(self.limit(), handshake).await {
            Err(_) => Err(Failure::Timeout),
            Ok(Err(error)) => Err(Failure::Handshake(tls.failure(&error))),
            Ok(Ok(())) => Ok(stream),
        }
    }

    /// Sends the request and receives the answer. The connection comes back if the answer leaves it open. If `silence` ends
    /// before the first byte of the answer, the failure is [`Failure::Silent`].
    async fn send(
        &self,
        bytes: &Secret<Vec<u8>>,
        mut stream: Stream,
        received: &mut Vec<u8>,
        silence: impl Future<Output = ()>,
    ) -> Result<(Box<Answer>, Option<Stream>), Failure> {
        let sending = async {
            stream.write_all(bytes.reveal()).await?;
            stream.flush().await
        };
        timeout(self.limit(), sending)
            .await
            .map_err(|_| Failure::Timeout)?
            .map_err(Failure::Send)?;
        let receiving = async {
            tokio::select! {
                biased;
                first = stream.read_buf(received) => first.map_err(Failure::Receive)?,
                () = silence => return Err(Failure::Silent),
            };
            receive_header(&mut stream, received).await
        };
        let answered = timeout(self.limit(), receiving).await;
        let (answer, end) = answered.map_err(|_| Failure::Timeout)??;
        // A connection whose answer has a body to come is not kept.
        let reusable = self.keep() && answer.leaves_open(&received[end..]);
        Ok((answer, reusable.then_some(stream)))
    }

    /// Whether connections are kept for the next request; without, each request is one of HTTP/1.0.
    fn keep(&self) -> bool {
        self.settings.auth_http_keepalive
    }

    /// The time to connect, to send, and to be answered, each.
    fn limit(&self) -> Duration {
        self.settings.auth_http_timeout
    }

    /// Gives the connection of an answer to the pool.
    fn end(
        &self,
        request: PoolRequest,
        (answer, stream): (Box<Answer>, Option<Stream>),
    ) -> Box<Answer> {
        request.answered(stream, self.server.tls.as_ref());
        answer
    }
}

/// Reads on up to the empty line. Returns the answer and the line's end.
async fn receive_header(
    stream: &mut Stream,
    received: &mut Vec<u8>,
) -> Result<(Box<Answer>, usize), Failure> {
    let mut length = 0;
    loop {
        let ended = received.len() == length;
        length = received.len();
        match parse(received) {
            Parsed::Whole(answer, end) => return Ok((answer, end)),
            Parsed::Invalid(fault) => return Err(Failure::Invalid(fault)),
            Parsed::Partial if ended => return Err(Failure::Closed),
            Parsed::Partial if received.len() >= HEADER => return Err(Failure::TooLarge),
            Parsed::Partial => {}
        }
        let more = stream.read_buf(received).await;
        more.map_err(Failure::Receive)?;
    }
}

/// Short words for `mail_log`.
impl fmt::Display for AuthHttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, failure) = match self {
            Self::NoAddress => return f.write_str("auth http server has no address"),
            Self::Failed(address, failure) => (address, failure),
        };
        write!(f, "auth http server {address} ")?;
        match failure {
            Failure::Connect(error) => write!(f, "cannot be reached{}", Errno(error)),
            Failure::Handshake(text) => f.write_str(text),
            Failure::Send(error) => write!(f, "send() failed{}", Errno(error)),
            Failure::Receive(error) => write!(f, "recv() failed{}", Errno(error)),
            Failure::Closed => f.write_str("prematurely closed connection"),
            Failure::TooLarge => f.write_str("sent too large header"),
            Failure::Timeout | Failure::Silent => f.write_str("timed out"),
            Failure::Invalid(fault) => write!(f, "{fault}"),
        }
    }
}

impl AuthHttpError {
    /// The directive that decides, where the auth server has not.
    pub fn deciding(&self) -> Option<Deciding> {
        match self {
            Self::Failed(_, Failure::Timeout | Failure::Silent) => Some(Deciding::AuthHttpTimeout),
            Self::Failed(..) | Self::NoAddress => None,
        }
    }

    /// Writes the error to the log.
    pub fn log(&self, log: &SessionLog) {
        let (address, failure) = match self {
            Self::NoAddress => {
                let text = format_args!("auth http server has no address");
                return log.line(Phase::AuthHttp, Level::Error, text);
            }
            Self::Failed(address, failure) => (address, failure),
        };
        let failed = |text: fmt::Arguments<'_>| log.auth_server_failed(address, text);
        match failure {
            Failure::Connect(error) => log.unconnected(Phase::AuthHttp, address, "recv", error),
            Failure::Handshake(text) => failed(format_args!("{text}")),
            Failure::Send(error) => log.auth_http(address, "send", error),
            Failure::Receive(error) => log.auth_http(address, "recv", error),
            Failure::Closed => failed(format_args!(
                "auth http server {address} prematurely closed connection"
            )),
            Failure::TooLarge => failed(format_args!(
                "auth http server {address} sent too large header"
            )),
            Failure::Timeout | Failure::Silent => failed(format_args!(
                "auth http server {address} timed out (110: Connection timed out)"
            )),
            Failure::Invalid(fault) => failed(format_args!("auth http server {address} {fault}")),
        }
    }
}
