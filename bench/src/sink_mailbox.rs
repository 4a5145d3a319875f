//! IMAP and POP3 servers that accept every login. The IMAP server has a message of every size: its number is its size.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The largest message, in bytes.
const LARGEST: usize = 8 << 20;
/// The largest message that is sent in one piece with the lines around it, in bytes.
const LARGEST_PIECE: usize = 16 << 10;

/// The text of all messages.
static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let line = [&[b'x'; 62][..], b"\r\n"].concat();
    line.repeat(LARGEST / line.len())
});

/// Replies to a command.
pub type Handler = fn(&[u8]) -> Reply;

/// The reply to a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The session continues.
    Continue(Vec<u8>),
    /// The text between these lines has a message of this many bytes.
    Message(Vec<u8>, usize, Vec<u8>),
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
            Reply::Message(before, bytes, after) => {
                command.clear();
                let (client, text) = (client.get_mut(), &TEXT[..bytes]);
                if bytes > LARGEST_PIECE {
                    client.write_all(&before).await?;
                    client.write_all(text).await?;
                    client.write_all(&after).await?;
                } else {
                    client.write_all(&[&before, text, &after].concat()).await?;
                }
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
    match words
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase()
        .as_slice()
    {
        b"CAPABILITY" => Reply::Continue([b"* CAPABILITY IMAP4rev1\r\n", &done[..]].concat()),
        b"LOGOUT" => Reply::Close([b"* BYE\r\n", &done[..]].concat()),
        b"FETCH" => {
            let number = words.next().unwrap_or_default();
            let number = std::str::from_utf8(number)
                .ok()
                .and_then(|n| n.parse().ok());
            match number {
                Some(bytes @ 1..=LARGEST) => Reply::Message(
                    format!("* {bytes} FETCH (BODY[] {{{bytes}}}\r\n").into_bytes(),
                    bytes,
                    [b")\r\n", &done[..]].concat(),
                ),
                _ => Reply::Continue([tag, b" BAD no such message\r\n"].concat()),
            }
        }
        _ => Reply::Continue(done),
    }
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

    #[test]
    fn messages_are_numbered_by_their_size() {
        assert_eq!(
            imap(b"3 fetch 10 BODY[]\r\n"),
            Reply::Message(
                b"* 10 FETCH (BODY[] {10}\r\n".to_vec(),
                10,
                b")\r\n3 OK done\r\n".to_vec()
            )
        );
        for none in ["4 FETCH 0 x\r\n", "4 FETCH 8388609 x\r\n", "4 FETCH\r\n"] {
            assert_eq!(
                imap(none.as_bytes()),
                Reply::Continue(b"4 BAD no such message\r\n".to_vec())
            );
        }
        assert_eq!(TEXT.len(), LARGEST);
    }
}
