//! IMAP and POP3 servers that accept every login and have no mail.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Replies to a command.
pub type Handler = fn(&[u8]) -> Reply;

/// The reply to a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The session continues.
    Continue(Vec<u8>),
    /// The session ends.
    Close(Vec<u8>),
}

/// Serves until the task is dropped.
pub async fn serve(listener: TcpListener, greeting: &'static [u8], handler: Handler) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                // Errors end this session only.
                tokio::spawn(async move { session(client, greeting, handler).await.ok() });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn session(client: TcpStream, greeting: &[u8], handler: Handler) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::with_capacity(1024, client);
    client.get_mut().write_all(greeting).await?;
    let mut command = Vec::new();
    while client.read_until(b'\n', &mut command).await? > 0 {
        match handler(&command) {
            Reply::Continue(reply) => {
                // After `+` the command continues.
                if !reply.starts_with(b"+ ") {
                    command.clear();
                }
                client.get_mut().write_all(&reply).await?;
            }
            Reply::Close(reply) => {
                client.get_mut().write_all(&reply).await?;
                return client.get_mut().shutdown().await;
            }
        }
    }
    Ok(())
}

/// Replies to an IMAP command, which continues after the length of a literal (RFC 9051, section 4.3).
#[must_use]
pub fn imap(command: &[u8]) -> Reply {
    if command.ends_with(b"}\r\n") {
        return Reply::Continue(b"+ go on\r\n".to_vec());
    }
    let mut words = command.split(|byte| byte.is_ascii_whitespace());
    let tag = words.next().unwrap_or_default();
    let done = [tag, b" OK done\r\n"].concat();
    if words
        .next()
        .unwrap_or_default()
        .eq_ignore_ascii_case(b"LOGOUT")
    {
        return Reply::Close([b"* BYE\r\n", &done[..]].concat());
    }
    Reply::Continue(done)
}

/// Replies to a POP3 command.
#[must_use]
pub fn pop3(command: &[u8]) -> Reply {
    let reply = b"+OK\r\n".to_vec();
    if command.eq_ignore_ascii_case(b"QUIT\r\n") {
        Reply::Close(reply)
    } else {
        Reply::Continue(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_with_literals_is_one_command() {
        assert_eq!(
            imap(b"1 LOGIN {5}\r\n"),
            Reply::Continue(b"+ go on\r\n".to_vec())
        );
        let command = b"1 LOGIN {5}\r\nbench {6}\r\nsecret\r\n";
        assert_eq!(imap(command), Reply::Continue(b"1 OK done\r\n".to_vec()));
        let bye = b"* BYE\r\n2 OK done\r\n".to_vec();
        assert_eq!(imap(b"2 logout\r\n"), Reply::Close(bye));
    }
}
