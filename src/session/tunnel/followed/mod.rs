//! A tunnel that follows the SMTP session in it. The follower decides which bytes pass; this is its shell of two sockets.
//!
//! As in a tunnel that looks at nothing, bytes are read into a scratch buffer of the thread and written from there. Only an
//! unfinished command line, and what has to wait for a reply, is kept: up to one read and one line ([`MAX_LINE`]).
//!
//! [`MAX_LINE`]: crate::proto::smtp::follower::MAX_LINE

use std::io;
use std::mem::take;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::incident::Incident;
use crate::net::linger::{Lingering, linger};
use crate::net::scratch;
use crate::net::tunnel::{Activity, End, Failure, Outbox, Side, Spliceable, TURNS, Volume};
use crate::proto::Step;
use crate::proto::smtp::follower::{Broken, Fault, Follower, Irregularity, Observer, Then};
use crate::proto::tally::Tally;

/// The most bytes of replies that wait for the client before the backend is read again, and the most of one read.
const REPLIES: usize = 16 * 1024;
/// How long a client may take to accept the last reply.
const LAST_REPLY: Duration = Duration::from_secs(5);

/// Both directions of an SMTP session.
#[derive(Debug)]
pub(super) struct Followed<C, B, O> {
    client: C,
    backend: B,
    follower: Box<Follower>,
    observer: O,
    /// The client's bytes that were not examined to their end. Not allocated while there are none.
    held: Vec<u8>,
    input: Input,
    /// Of the client's bytes.
    volume: Volume,
    /// The backend's bytes before the tunnel.
    received: Vec<u8>,
    to_backend: Outbox,
    to_client: Outbox,
    backend_ended: bool,
    /// Why the backend accepts no more bytes.
    unsent: Option<io::Error>,
    /// The gateway ends the session, for this reason.
    closing: Option<Incident>,
    /// The side that closed first.
    first_end: Option<Side>,
    is_ambiguous: bool,
    /// An irregularity is reported.
    is_irregular: bool,
    /// Counts the refused commands.
    tally: Tally,
    up: u64,
    down: u64,
    idle_timeout: Duration,
}

/// What happens to the client's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// They are read.
    Reading,
    /// The held ones can be examined, before more are read.
    Examining,
    /// The held ones wait for the backend.
    Waiting,
    /// They are read and dropped: the backend answers nothing more.
    Dropping,
    /// The client has closed its sending side.
    Ended,
}

/// The state of one direction after a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Something happened: another turn is worthwhile.
    Moved,
    /// A socket, or the other direction, has to act first.
    Blocked,
    Over,
}

/// Reports what the follower objects to.
type Report<'a> = &'a (dyn Fn(Incident) + Sync);

impl<C, B> Followed<C, B, ()>
where
    C: AsyncRead + AsyncWrite + Spliceable + Unpin,
    B: AsyncRead + AsyncWrite + Spliceable + Unpin,
{
    /// A tunnel between two streams, each with bytes for it that were read earlier. It ends when neither side sends for
    /// `idle_timeout`.
    pub fn new(
        client: (C, Vec<u8>),
        backend: (B, Vec<u8>),
        idle_timeout: Duration,
        follower: Box<Follower>,
        tally: Tally,
    ) -> Self {
        Self::observed(client, backend, idle_timeout, follower, tally, ())
    }
}

impl<C, B, O> Followed<C, B, O>
where
    C: AsyncRead + AsyncWrite + Spliceable + Unpin,
    B: AsyncRead + AsyncWrite + Spliceable + Unpin,
    O: Observer,
{
    /// The same with an observer of the session's events.
    pub fn observed(
        (client, received): (C, Vec<u8>),
        (backend, to_backend): (B, Vec<u8>),
        idle_timeout: Duration,
        follower: Box<Follower>,
        tally: Tally,
        observer: O,
    ) -> Self {
        Followed {
            idle_timeout,
            client,
            backend,
            follower,
            observer,
            held: to_backend,
            input: Input::Examining,
            volume: Volume::default(),
            received,
            to_backend: Outbox::default(),
            to_client: Outbox::default(),
            backend_ended: false,
            unsent: None,
            closing: None,
            first_end: None,
            is_ambiguous: false,
            is_irregular: false,
            tally,
            up: 0,
            down: 0,
        }
    }

    /// The streams of the client and the backend.
    pub fn streams(&self) -> (&C, &B) {
        (&self.client, &self.backend)
    }

    /// The observer.
    pub fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    /// The incident by which the gateway ended the session.
    pub fn closing(&self) -> Option<Incident> {
        self.closing
    }

    /// The side that closed first.
    pub fn first_end(&self) -> Option<Side> {
        self.first_end
    }

    /// The number of bytes carried from the client to the backend, and back.
    pub fn carried(&self) -> (u64, u64) {
        (self.up, self.down)
    }

    /// Reports the end of a session that does not run any more.
    pub fn abandon(&mut self) {
        self.follower.ended(&mut self.observer);
    }

    /// Lets a client that has got its backend's last bytes close first.
    pub async fn linger(&mut self, lingering: Lingering) {
        linger(&mut self.client, lingering).await;
    }

    /// Ends the tunnel from here: with this reply to the client, unless a line of the backend is incomplete.
    ///
    /// # Errors
    /// The client does not take the reply.
    pub async fn close(&mut self, reply: &[u8]) -> io::Result<()> {
        self.to_client.close(&mut self.client, reply).await
    }

    /// The time for which both sides may be silent.
    pub fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// Moves bytes as far as possible. `Ready` when both sides are done, one fails or the follower ends the session; then comes
    /// [`Self::finish`].
    pub fn turn(
        &mut self,
        cx: &mut Context<'_>,
        activity: &mut Activity,
        report: Report<'_>,
    ) -> Poll<End> {
        let received = take(&mut self.received);
        if !received.is_empty() {
            let passed = self.replies(&received, report);
            self.to_client.queue(&received[..passed]);
        }
        if self.closing.is_some() {
            return Poll::Ready(End::Done);
        }
        let ended = self.poll(cx, &mut activity.moved, report);
        activity.closing = self.to_client.is_shut();
        ended
    }

    /// Completes the messages, and sends the last reply where the gateway has ended the session. The client is waited for then.
    pub async fn finish(&mut self, lingering: Option<Lingering>) {
        self.follower.ended(&mut self.observer);
        if let Some(incident) = self.closing {
            self.to_client.queue(incident.last_reply());
            let last = async {
                self.client.write_all(self.to_client.pending()).await?;
                match lingering {
                    Some(_) => self.client.flush().await,
                    None => self.client.shutdown().await,
                }
            };
            // A client that does not accept its last reply does without.
            let _ = timeout(LAST_REPLY, last).await;
            if let Some(lingering) = lingering {
                self.linger(lingering).await;
            }
        }
    }

    /// Moves bytes both ways. `Ready` when both directions have ended, a socket failed or the session is to be closed.
    fn poll(&mut self, cx: &mut Context<'_>, moved: &mut bool, report: Report<'_>) -> Poll<End> {
        let (mut down, mut up) = (Turn::Moved, Turn::Moved);
        for _ in 0..TURNS {
            // Replies first: they may be what the client's bytes wait for. A direction that is blocked has nothing to do before a
            // socket wakes it up, but the client's bytes also wait for replies.
            let turns = match down {
                Turn::Moved => self.turn_down(cx, moved, report),
                Turn::Blocked | Turn::Over => Ok(down),
            };
            let turns = turns.and_then(|down| match (down, up) {
                (Turn::Moved, _) | (_, Turn::Moved) => Ok((down, self.turn_up(cx, moved, report)?)),
                (Turn::Blocked | Turn::Over, up) => Ok((down, up)),
            });
            (down, up) = match turns {
                Ok(_) if self.closing.is_some() => return Poll::Ready(End::Done),
                Ok(turns) => turns,
                Err(failure) => return failure.into(),
            };
            match (down, up) {
                (Turn::Over, Turn::Over) => return Poll::Ready(End::Done),
                (Turn::Moved, _) | (_, Turn::Moved) => *moved = true,
                (Turn::Blocked | Turn::Over, Turn::Blocked | Turn::Over) => {
                    return self.flush(cx);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Makes both streams send what they have in buffers of their own.
    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if let Poll::Ready(Err(error)) = self.to_backend.poll_flush(cx, &mut self.backend) {
            self.give_up_sending(error);
        }
        match self.to_client.poll_flush(cx, &mut self.client) {
            Poll::Ready(Err(error)) => Failure::send(Side::Client, error).into(),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    /// One turn of the backend's bytes.
    fn turn_down(
        &mut self,
        cx: &mut Context<'_>,
        moved: &mut bool,
        report: Report<'_>,
    ) -> Result<Turn, Failure> {
        let client = |error| Failure::send(Side::Client, error);
        let drained = self.to_client.poll_drain(cx, &mut self.client, moved);
        // The client may send a burst of commands before it reads the replies to the first ones.
        let is_blocked = drained.is_pending();
        if let Poll::Ready(drained) = drained {
            drained.map_err(client)?;
        }
        if is_blocked && (self.backend_ended || self.to_client.len() >= REPLIES) {
            return Ok(Turn::Blocked);
        }
        if self.backend_ended {
            if let Some(error) = self.unsent.take() {
                return Err(Failure::send(Side::Backend, error));
            }
            let shut = match self.input == Input::Ended && self.to_backend.is_shut() {
                true => self.to_client.poll_finish(cx, &mut self.client),
                false => self.to_client.poll_shutdown(cx, &mut self.client),
            };
            return Ok(match shut {
                Poll::Pending => Turn::Blocked,
                Poll::Ready(()) => Turn::Over,
            });
        }
        scratch::with(|scratch| {
            let n = match scratch::poll_fill(cx, &mut self.backend, &mut scratch[..REPLIES]) {
                Poll::Pending => return Ok(Turn::Blocked),
                Poll::Ready(Err(error)) => return Err(self.backend_failed(error)),
                Poll::Ready(Ok(n)) => n,
            };
            if n == 0 {
                self.backend_ended = true;
                self.first_end.get_or_insert(Side::Backend);
                self.stop_passing();
            }
            let passed = self.replies(&scratch[..n], report);
            let bytes = &scratch[..passed];
            self.to_client
                .send(cx, &mut self.client, bytes)
                .map_err(client)?;
            Ok(Turn::Moved)
        })
    }

    /// One turn of the client's bytes.
    fn turn_up(
        &mut self,
        cx: &mut Context<'_>,
        moved: &mut bool,
        report: Report<'_>,
    ) -> Result<Turn, Failure> {
        match self.to_backend.poll_drain(cx, &mut self.backend, moved) {
            Poll::Pending => return Ok(Turn::Blocked),
            Poll::Ready(Err(error)) => self.give_up_sending(error),
            Poll::Ready(Ok(())) => {}
        }
        if self.closing.is_some() || self.to_client.len() >= REPLIES {
            return Ok(Turn::Blocked);
        }
        match self.input {
            Input::Waiting => Ok(Turn::Blocked),
            Input::Ended => {
                let shut = match self.backend_ended && self.to_client.is_shut() {
                    true => self.to_backend.poll_finish(cx, &mut self.backend),
                    false => self.to_backend.poll_shutdown(cx, &mut self.backend),
                };
                Ok(match shut {
                    Poll::Pending => Turn::Blocked,
                    Poll::Ready(()) => Turn::Over,
                })
            }
            Input::Examining => {
                let mut held = take(&mut self.held);
                let examined = self.examine(cx, &held, report)?;
                if examined < held.len() {
                    held.drain(..examined);
                    self.held = held;
                }
                Ok(Turn::Moved)
            }
            Input::Reading | Input::Dropping => scratch::with(|scratch| {
                let scratch = &mut scratch[..self.volume.read_size()];
                let n = match scratch::poll_fill(cx, &mut self.client, scratch) {
                    Poll::Pending => return Ok(Turn::Blocked),
                    Poll::Ready(read) => {
                        read.map_err(|error| Failure::receive(Side::Client, error))?
                    }
                };
                self.volume.note(n);
                let bytes = &scratch[..n];
                if n == 0 {
                    // An unfinished line remains, or nothing.
                    self.held = Vec::new();
                    self.input = Input::Ended;
                    self.first_end.get_or_insert(Side::Client);
                } else if self.input == Input::Reading && self.held.is_empty() {
                    let examined = self.examine(cx, bytes, report)?;
                    self.held.extend_from_slice(&bytes[examined..]);
                } else if self.input == Input::Reading {
                    self.held.extend_from_slice(bytes);
                    self.input = Input::Examining;
                }
                Ok(Turn::Moved)
            }),
        }
    }

    /// Passes on or answers the client's bytes. Returns how many are done with.
    fn examine(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        report: Report<'_>,
    ) -> Result<usize, Failure> {
        let mut at = 0;
        // The bytes since the first repair, so that many repairs become one write.
        let mut repaired = Vec::new();
        self.input = loop {
            let step = self.follower.from_client(&bytes[at..], &mut self.observer);
            let passing = &bytes[at..at + step.forward];
            at += step.forward + step.discard;
            self.up += step.forward as u64;
            let sent = if let Then::Insert(inserted, _) = step.then {
                repaired.extend_from_slice(passing);
                repaired.extend_from_slice(inserted);
                self.up += inserted.len() as u64;
                Ok(())
            } else if repaired.is_empty() {
                self.to_backend.send(cx, &mut self.backend, passing)
            } else {
                repaired.extend_from_slice(passing);
                let all = take(&mut repaired);
                self.to_backend.send(cx, &mut self.backend, &all)
            };
            if let Err(error) = sent {
                self.give_up_sending(error);
                return Ok(bytes.len());
            }
            match step.then {
                Then::Read => break Input::Reading,
                Then::Wait => break Input::Waiting,
                Then::Reply(refusal) => {
                    report(Incident::Refused(refusal));
                    let sent = (self.to_client).send(cx, &mut self.client, refusal.reply());
                    sent.map_err(|error| Failure::send(Side::Client, error))?;
                    if matches!(self.tally.error().step, Step::Close) {
                        report(Incident::TooMany);
                        self.closing = Some(Incident::TooMany);
                    }
                    if self.closing.is_some() || self.to_client.len() >= REPLIES {
                        break Input::Examining;
                    }
                }
                Then::Close(fault) => {
                    self.fail(fault, report);
                    break Input::Dropping;
                }
                Then::Insert(_, what) => self.note_repair(what, report),
            }
        };
        self.note_ambiguity(report);
        Ok(at)
    }

    /// Shows the backend's bytes to the follower. Returns how many of them go to the client.
    fn replies(&mut self, bytes: &[u8], report: Report<'_>) -> usize {
        let passed = match self.follower.from_backend(bytes, &mut self.observer) {
            Ok(()) => bytes.len(),
            Err(Broken { forward, fault }) => {
                self.fail(fault, report);
                forward
            }
        };
        self.down += passed as u64;
        if self.input == Input::Waiting {
            self.input = Input::Examining;
        }
        self.note_ambiguity(report);
        passed
    }

    /// Ends the session.
    fn fail(&mut self, fault: Fault, report: Report<'_>) {
        self.note_ambiguity(report);
        report(Incident::Broken(fault));
        self.closing = Some(Incident::Broken(fault));
    }

    /// The backend accepts no more bytes. It may have sent its last ones: they are still read.
    fn give_up_sending(&mut self, error: io::Error) {
        if !self.backend_ended {
            self.unsent = Some(error);
        }
        self.to_backend.abandon();
        self.stop_passing();
    }

    /// The client's bytes do not matter any more.
    fn stop_passing(&mut self) {
        self.held = Vec::new();
        if self.input != Input::Ended {
            self.input = Input::Dropping;
        }
    }

    fn backend_failed(&mut self, error: io::Error) -> Failure {
        match self.unsent.take() {
            Some(earlier) => Failure::send(Side::Backend, earlier),
            None => Failure::receive(Side::Backend, error),
        }
    }

    /// Reports the first repair.
    fn note_repair(&mut self, what: Irregularity, report: Report<'_>) {
        if !self.is_irregular {
            self.is_irregular = true;
            report(Incident::Repaired(what));
        }
    }

    /// Reports an ambiguity once.
    fn note_ambiguity(&mut self, report: Report<'_>) {
        if let Some(ambiguity) = self.follower.ambiguity().filter(|_| !self.is_ambiguous) {
            self.is_ambiguous = true;
            report(Incident::Ambiguous(ambiguity));
        }
    }
}

#[cfg(test)]
mod tests;
