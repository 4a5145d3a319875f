//! A small SMTP server. It stores messages in a Maildir for `script/demo`, and discards them for `script/bench`.
//!
//! This module has the sockets, [`dialogue`] the protocol.

pub mod dialogue;
pub mod dot_stuffing;
pub mod maildir;
pub mod sasl;
pub mod transcript;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use dialogue::{Dialogue, Policy, Turn};
use dot_stuffing::Unstuffer;
use maildir::Maildir;
use transcript::Transcript;

/// The longest command line, in bytes (RFC 4954, section 4: 12288 for AUTH).
const LONGEST_LINE: usize = 12 * 1024;
/// The most that is read at once, in bytes.
const LARGEST_READ: usize = 256 << 10;
/// The time limit for the next command (RFC 5321, section 4.5.3.2.7).
const TIMEOUT: Duration = Duration::from_secs(300);

/// What happens to messages.
#[derive(Debug)]
pub enum Storage {
    /// They are stored in a Maildir.
    Maildir(Maildir),
    /// They are read and discarded.
    Discard,
}

/// The server.
#[derive(Debug)]
pub struct Sink {
    /// The settings of the dialogue.
    pub policy: Arc<Policy>,
    /// What happens to messages.
    pub storage: Storage,
    /// The log of the dialogue.
    pub transcript: Transcript,
}

impl Sink {
    /// Serves clients until the task is dropped. An error of a client ends its session only.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        for connection in 1.. {
            match listener.accept().await {
                Ok((client, _)) => {
                    let sink = Arc::clone(&self);
                    tokio::spawn(async move {
                        if let Err(e) = sink.session(client, connection).await {
                            sink.transcript.note(connection, &format!("ended: {e}"));
                        }
                    });
                }
                // No descriptors left; sessions that end free theirs.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn session(&self, mut client: TcpStream, connection: u64) -> io::Result<()> {
        client.set_nodelay(true)?;
        let nonce = getrandom::u64().map_err(|e| io::Error::other(e.to_string()))?;
        let mut dialogue = Dialogue::new(Arc::clone(&self.policy), nonce);
        let mut out = Vec::with_capacity(256);
        let mut input = Input {
            bytes: Vec::with_capacity(4096),
            at: 0,
        };
        dialogue.greet(&mut out);
        self.transcript.server(connection, &out);
        loop {
            let before = out.len();
            let turn = match input.line() {
                Some(line) => {
                    self.transcript.client(connection, line, dialogue.in_sasl());
                    dialogue.line(line, &mut out)
                }
                None => {
                    if input.rest().len() > LONGEST_LINE {
                        out.extend_from_slice(b"500 5.5.2 Line too long\r\n");
                        self.transcript.server(connection, &out[before..]);
                        flush(&mut client, &mut out).await?;
                        return client.shutdown().await;
                    }
                    // Replies to pipelined commands are sent together (RFC 2920).
                    flush(&mut client, &mut out).await?;
                    if !input.more(&mut client).await? {
                        return Ok(());
                    }
                    continue;
                }
            };
            self.transcript.server(connection, &out[before..]);
            match turn {
                Turn::Line => {}
                Turn::Message => {
                    flush(&mut client, &mut out).await?;
                    let message = self.read_message(&mut input, &mut client).await?;
                    self.store(message, connection, &mut dialogue, &mut out)
                        .await;
                    self.transcript.server(connection, &out);
                }
                Turn::Close => {
                    flush(&mut client, &mut out).await?;
                    return client.shutdown().await;
                }
            }
        }
    }

    async fn read_message(
        &self,
        input: &mut Input,
        client: &mut TcpStream,
    ) -> io::Result<Result<Vec<u8>, usize>> {
        let mut unstuffer = match self.storage {
            Storage::Maildir(_) => Unstuffer::new(self.policy.max_size),
            Storage::Discard => Unstuffer::discarding(self.policy.max_size),
        };
        loop {
            if let Some(used) = unstuffer.feed(input.rest()) {
                input.at += used;
                return Ok(unstuffer.finish());
            }
            input.at = input.bytes.len();
            if !input.more(client).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn store(
        &self,
        message: Result<Vec<u8>, usize>,
        connection: u64,
        dialogue: &mut Dialogue,
        out: &mut Vec<u8>,
    ) {
        let message = match message {
            Ok(message) => message,
            Err(size) => {
                self.transcript
                    .note(connection, &format!("message of {size} bytes, too large"));
                return dialogue.message(Err("552 5.3.4 Message too large"), out);
            }
        };
        self.transcript
            .note(connection, &format!("message of {} bytes", message.len()));
        match &self.storage {
            Storage::Discard => dialogue.message(Ok("OK"), out),
            // Blocking is fine: this server has few clients.
            Storage::Maildir(maildir) => match maildir.deliver(&message) {
                Ok(path) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    dialogue.message(Ok(&format!("OK stored as {name}")), out);
                }
                Err(e) => {
                    self.transcript
                        .note(connection, &format!("cannot store the message: {e}"));
                    dialogue.message(Err("451 4.3.0 Cannot store the message"), out);
                }
            },
        }
    }
}

/// Input that has not been processed.
struct Input {
    bytes: Vec<u8>,
    at: usize,
}

impl Input {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// The next line, without its LF or CR LF.
    fn line(&mut self) -> Option<&[u8]> {
        let start = self.at;
        let end = start + self.rest().iter().position(|&b| b == b'\n')?;
        self.at = end + 1;
        let line = &self.bytes[start..end];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Reads more; `false` at the end of the stream.
    async fn more(&mut self, client: &mut TcpStream) -> io::Result<bool> {
        // The last read took all it could: there is a lot to read.
        let is_full = self.bytes.len() == self.bytes.capacity();
        self.bytes.drain(..self.at);
        self.at = 0;
        let twice = (2 * self.bytes.capacity()).min(LARGEST_READ);
        self.bytes.reserve(if is_full { twice } else { 4096 });
        let read = timeout(TIMEOUT, client.read_buf(&mut self.bytes))
            .await
            .map_err(|_| io::ErrorKind::TimedOut)?;
        Ok(read? > 0)
    }
}

async fn flush(client: &mut TcpStream, out: &mut Vec<u8>) -> io::Result<()> {
    if !out.is_empty() {
        client.write_all(out).await?;
        out.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
