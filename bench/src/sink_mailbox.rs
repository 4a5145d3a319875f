//! IMAP and POP3 servers that let everybody in and have no mail: backends for logins.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A server's side of one conversation.
pub type Talk = fn(&[u8]) -> Reply;

/// What is said to a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The session goes on.
    More(Vec<u8>),
    /// It ends.
    Last(Vec<u8>),
}

/// Serves until the task is dropped.
pub async fn serve(listener: TcpListener, greeting: &'static [u8], talk: Talk) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                // A client's error ends its session only.
                tokio::spawn(async move { session(client, greeting, talk).await.ok() });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn session(client: TcpStream, greeting: &[u8], talk: Talk) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::with_capacity(1024, client);
    client.get_mut().write_all(greeting).await?;
    let mut command = Vec::new();
    while client.read_until(b'\n', &mut command).await? > 0 {
        match talk(&command) {
            Reply::More(reply) => {
                // `+` asks for the rest of a command.
                if !reply.starts_with(b"+ ") {
                    command.clear();
                }
                client.get_mut().write_all(&reply).await?;
            }
            Reply::Last(reply) => {
                client.get_mut().write_all(&reply).await?;
                return client.get_mut().shutdown().await;
            }
        }
    }
    Ok(())
}

/// IMAP: a command whose last line so far ends with a literal's length is not whole (RFC 9051, 4.3).
#[must_use]
pub fn imap(command: &[u8]) -> Reply {
    if command.ends_with(b"}\r\n") {
        return Reply::More(b"+ go on\r\n".to_vec());
    }
    let mut words = command.split(|byte| byte.is_ascii_whitespace());
    let tag = words.next().unwrap_or_default();
    let done = [tag, b" OK done\r\n"].concat();
    if words
        .next()
        .unwrap_or_default()
        .eq_ignore_ascii_case(b"LOGOUT")
    {
        return Reply::Last([b"* BYE\r\n", &done[..]].concat());
    }
    Reply::More(done)
}

/// POP3.
#[must_use]
pub fn pop3(command: &[u8]) -> Reply {
    let reply = b"+OK\r\n".to_vec();
    if command.eq_ignore_ascii_case(b"QUIT\r\n") {
        Reply::Last(reply)
    } else {
        Reply::More(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_in_literals_is_one_command() {
        assert_eq!(
            imap(b"1 LOGIN {5}\r\n"),
            Reply::More(b"+ go on\r\n".to_vec())
        );
        let whole = b"1 LOGIN {5}\r\nbench {6}\r\nsecret\r\n";
        assert_eq!(imap(whole), Reply::More(b"1 OK done\r\n".to_vec()));
        let bye = b"* BYE\r\n2 OK done\r\n".to_vec();
        assert_eq!(imap(b"2 logout\r\n"), Reply::Last(bye));
    }
}
