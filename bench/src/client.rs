//! A client session: sends a line, waits for the reply and checks how it begins.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::protocol::{Line, Protocol};
use crate::scenario::Work;
use crate::server::Server;
use crate::tls::Tls;

/// The time limit for a whole session, or for one step of an idle one.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Where to connect.
#[derive(Debug, Clone)]
pub struct Target {
    /// The gateway's address.
    pub address: SocketAddr,
    /// The server at this address.
    pub server: Server,
    /// Implicit TLS, if any.
    pub tls: Option<Tls>,
}

/// A connected session.
pub struct Client {
    stream: Box<dyn Stream>,
    protocol: Protocol,
    reply: Vec<u8>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Connects and reads the greeting.
    ///
    /// # Errors
    /// The step that failed and the reason; likewise for all other methods.
    pub async fn connect(target: &Target) -> Result<Self, String> {
        let stream = TcpStream::connect(target.address)
            .await
            .map_err(|e| format!("connect: {e}"))?;
        // Without it, Nagle's algorithm waits for the gateway's delayed ACK.
        stream
            .set_nodelay(true)
            .map_err(|e| format!("TCP_NODELAY: {e}"))?;
        let mut handshake = Ok(());
        let stream: Box<dyn Stream> = match &target.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from("localhost").map_err(|e| e.to_string())?;
                let stream = TlsConnector::from(Arc::clone(&tls.config))
                    .connect(name, stream)
                    .await;
                let stream = stream.map_err(|e| format!("TLS handshake: {e}"))?;
                handshake = tls.check(stream.get_ref().1.handshake_kind());
                Box::new(stream)
            }
        };
        let protocol = target.server.protocol();
        let mut client = Self {
            stream,
            protocol,
            reply: Vec::new(),
        };
        // Tickets arrive with the greeting.
        client.expect("greeting", protocol.greeting()).await?;
        handshake.map(|()| client)
    }

    /// Connects, and logs in unless only the greeting is wanted.
    pub async fn open(target: &Target, work: Work) -> Result<Self, String> {
        match work {
            Work::Greeting => Self::connect(target).await,
            Work::Login | Work::Message(_) | Work::Fetch(_) => Self::log_in(target).await,
        }
    }

    /// Connects and logs in. After that the gateway is a tunnel to the backend.
    pub async fn log_in(target: &Target) -> Result<Self, String> {
        let mut client = Self::connect(target).await?;
        for line in target.server.login() {
            client.exchange(*line).await?;
        }
        Ok(client)
    }

    /// Sends a message with SMTP, each command after the reply to the previous one.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), String> {
        self.exchange(("MAIL FROM:<bench@example.org>", "250"))
            .await?;
        self.exchange(("RCPT TO:<sink@example.net>", "250")).await?;
        self.exchange(("DATA", "354")).await?;
        self.write(message)
            .await
            .map_err(|e| format!("message: {e}"))?;
        self.expect("message", "250").await
    }

    /// Fetches a message of this many bytes with IMAP: the backend has one of every size.
    pub async fn fetch(&mut self, bytes: usize) -> Result<(), String> {
        let command = format!("d FETCH {bytes} BODY[]\r\n");
        self.write(command.as_bytes())
            .await
            .map_err(|e| format!("FETCH: {e}"))?;
        self.reply.clear();
        let line = loop {
            match self.reply.iter().position(|&b| b == b'\n') {
                Some(end) => break end + 1,
                None => self.more("FETCH").await?,
            }
        };
        if !self.reply[..line].ends_with(format!("{{{bytes}}}\r\n").as_bytes()) {
            return Err(format!("FETCH: {:?}", self.text()));
        }
        // The message and `)`.
        let literal = line + bytes + 3;
        let mut missing = literal.saturating_sub(self.reply.len());
        self.reply.drain(..literal.min(self.reply.len()));
        let mut scratch = vec![0; missing.min(256 << 10)];
        while missing > 0 {
            let most = missing.min(scratch.len());
            match self.stream.read(&mut scratch[..most]).await {
                Ok(0) => return Err("FETCH: closed".to_owned()),
                Ok(read) => missing -= read,
                Err(e) => return Err(format!("FETCH: {e}")),
            }
        }
        self.finish("FETCH", "d OK").await
    }

    /// Ends the session.
    pub async fn quit(mut self) -> Result<(), String> {
        self.exchange(self.protocol.quit()).await
    }

    /// Checks that the tunnel to the backend works.
    pub async fn noop(&mut self) -> Result<(), String> {
        match timeout(TIMEOUT, self.exchange(self.protocol.noop())).await {
            Ok(result) => result,
            Err(_) => Err("NOOP: no reply in time".to_owned()),
        }
    }

    async fn exchange(&mut self, (line, code): Line) -> Result<(), String> {
        let step = match self.protocol {
            Protocol::Imap => line,
            Protocol::Smtp | Protocol::Pop3 => line.split(' ').next().unwrap_or_default(),
        };
        self.write(format!("{line}\r\n").as_bytes())
            .await
            .map_err(|e| format!("{step}: {e}"))?;
        self.expect(step, code).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    async fn expect(&mut self, step: &str, code: &str) -> Result<(), String> {
        self.reply.clear();
        self.finish(step, code).await
    }

    /// Reads the rest of a reply.
    async fn finish(&mut self, step: &str, code: &str) -> Result<(), String> {
        while !is_complete(&self.reply, code) {
            if self.reply.len() > 8192 {
                return Err(format!("{step}: the reply is too long"));
            }
            self.more(step).await?;
        }
        if !last_line(&self.reply).starts_with(code.as_bytes()) {
            return Err(format!("{step}: {:?}", self.text()));
        }
        Ok(())
    }

    async fn more(&mut self, step: &str) -> Result<(), String> {
        match self.stream.read_buf(&mut self.reply).await {
            Ok(0) => Err(format!("{step}: closed after {:?}", self.text())),
            Ok(_) => Ok(()),
            Err(e) => Err(format!("{step}: {e}")),
        }
    }

    /// The last reply.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.reply).trim_end().to_owned()
    }
}

/// Whether the reply has its last line: one without `-` after the code (RFC 5321, section 4.2.1), and without `*` where a tag is
/// expected (RFC 9051, section 2.2.2).
fn is_complete(reply: &[u8], code: &str) -> bool {
    let last = last_line(reply);
    let untagged = last.starts_with(b"* ") && !code.starts_with('*');
    reply.ends_with(b"\r\n") && last.get(3) != Some(&b'-') && !untagged
}

fn last_line(reply: &[u8]) -> &[u8] {
    let lines = reply.strip_suffix(b"\r\n").unwrap_or(reply);
    lines.rsplit(|&b| b == b'\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_ends_with_a_line_without_hyphen() {
        for (reply, expected) in [
            ("", false),
            ("250", false),
            ("250 ok\r", false),
            ("250 ok\r\n", true),
            ("250\r\n", true),
            ("250-a\r\n", false),
            ("250-a\r\n250", false),
            ("250-a\r\n250 b\r\n", true),
            ("* BYE\r\n", false),
            ("* BYE\r\nc OK\r\n", true),
        ] {
            assert_eq!(is_complete(reply.as_bytes(), "250"), expected, "{reply:?}");
        }
    }
}
