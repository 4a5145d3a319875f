//! An auth server for `auth_http` that accepts one login, and clients of servers without a login, and names one backend per
//! protocol.
//!
//! It speaks HTTP/1.0 with one request per connection, as nginx does, and HTTP/1.1 with persistent connections, because that
//! difference is part of the measurement.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::protocol::Protocol;

/// The largest request, in bytes.
const LARGEST_REQUEST: usize = 16 * 1024;

/// The accepted login and the backends.
#[derive(Debug)]
pub struct AuthSink {
    /// The header line of the user, such as `Auth-User: alice`.
    user_line: Vec<u8>,
    /// The header line of the password.
    pass_line: Vec<u8>,
    /// For each protocol the header line of the request, and those of the response to the right login.
    accepted: [(Vec<u8>, String); 3],
}

impl AuthSink {
    /// Accepts `user` with `password`, which must not contain characters that nginx escapes, and names the protocol's `backend`.
    pub fn new(user: &str, password: &str, backend: impl Fn(Protocol) -> SocketAddr) -> Self {
        let accepted = |protocol: Protocol| {
            let backend = backend(protocol);
            let line = format!("\r\nAuth-Protocol: {}\r\n", protocol.name());
            let headers = format!(
                "Auth-Status: OK\r\nAuth-Server: {}\r\nAuth-Port: {}\r\n",
                backend.ip(),
                backend.port()
            );
            (line.into_bytes(), headers)
        };
        Self {
            user_line: format!("\r\nAuth-User: {user}\r\n").into_bytes(),
            pass_line: format!("\r\nAuth-Pass: {password}\r\n").into_bytes(),
            accepted: Protocol::ALL.map(accepted),
        }
    }

    /// Serves until the task is dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((client, _)) => {
                    let sink = Arc::clone(&self);
                    // Errors end this connection only.
                    tokio::spawn(async move { sink.connection(client).await.ok() });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn connection(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut input = Vec::with_capacity(1024);
        loop {
            let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
                if input.len() > LARGEST_REQUEST || client.read_buf(&mut input).await? == 0 {
                    return Ok(());
                }
                continue;
            };
            let request = &input[..end + 4];
            let keep = is_persistent(request);
            client
                .write_all(self.response(request, keep).as_bytes())
                .await?;
            if !keep {
                return client.shutdown().await;
            }
            input.drain(..end + 4);
        }
    }

    fn response(&self, request: &[u8], keep: bool) -> String {
        let right = contains(request, b"\r\nAuth-Method: none\r\n")
            || contains(request, &self.user_line) && contains(request, &self.pass_line);
        let mut accepted = self.accepted.iter();
        let verdict = accepted
            .find(|(line, _)| right && contains(request, line))
            .map_or(
                "Auth-Status: Invalid login or password\r\n",
                |(_, headers)| headers,
            );
        if keep {
            format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{verdict}\r\n")
        } else {
            format!("HTTP/1.0 200 OK\r\nConnection: close\r\n{verdict}\r\n")
        }
    }
}

/// Whether the connection is persistent: with HTTP/1.1 unless `Connection: close` (RFC 9112, section 9.3).
fn is_persistent(request: &[u8]) -> bool {
    let line = request.split(|&b| b == b'\r').next().unwrap_or_default();
    line.ends_with(b" HTTP/1.1")
        && !contains(&request.to_ascii_lowercase(), b"\r\nconnection: close\r\n")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    async fn start() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sink = AuthSink::new("alice", "secret", |_| {
            SocketAddr::from(([127, 0, 0, 1], 25))
        });
        tokio::spawn(Arc::new(sink).serve(listener));
        TcpStream::connect(address).await.unwrap()
    }

    fn request(version: &str, password: &str) -> String {
        format!(
            "GET / HTTP/{version}\r\nHost: x\r\nAuth-User: alice\r\nAuth-Pass: {password}\r\nAuth-Protocol: smtp\r\n\r\n"
        )
    }

    #[tokio::test]
    async fn http_1_0_connections_are_closed() {
        let mut client = start().await;
        client
            .write_all(request("1.0", "secret").as_bytes())
            .await
            .unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).await.unwrap();
        let expected = "HTTP/1.0 200 OK\r\nConnection: close\r\nAuth-Status: OK\r\n\
                        Auth-Server: 127.0.0.1\r\nAuth-Port: 25\r\n\r\n";
        assert_eq!(response, expected);
    }

    #[tokio::test]
    async fn http_1_1_connections_are_persistent() {
        let mut client = start().await;
        let both = request("1.1", "wrong") + &request("1.1", "secret");
        let (first, second) = both.split_at(both.len() - 30);
        client.write_all(first.as_bytes()).await.unwrap();
        client.write_all(second.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let mut responses = String::new();
        client.read_to_string(&mut responses).await.unwrap();
        let expected = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAuth-Status: Invalid login or password\r\n\r\n\
                        HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAuth-Status: OK\r\n\
                        Auth-Server: 127.0.0.1\r\nAuth-Port: 25\r\n\r\n";
        assert_eq!(responses, expected);
    }
}
