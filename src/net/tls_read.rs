//! Large reads of a TLS connection: many records with one system call.
//!
//! tokio-rustls reads at most one record with each call. Reads here fill a buffer of the thread with records, and rustls decrypts
//! them from there into the caller's buffer. Between two calls rustls holds nothing but the beginning of a record, as usual.

use std::cell::RefCell;
use std::io::{self, Read};
use std::task::{Context, Poll, ready};

use rustls::{ConnectionCommon, SideData};
use tokio::io::{AsyncRead, ReadBuf};

use super::scratch::{SCRATCH, poll_fill};

/// From this size of the caller's buffer on, in bytes, reads are large.
pub const LARGE: usize = 64 * 1024;
/// More than the longest record, of which rustls may hold the beginning.
const RECORD: usize = 20 * 1024;

thread_local! {
    static RECORDS: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// Reads into a buffer that has room for at least [`LARGE`] bytes. As with [`AsyncRead`], nothing is read at the end of the
/// stream.
///
/// # Errors
/// The socket's, one with a [`rustls::Error`] inside, and `UnexpectedEof` for an end without close_notify. An alert that rustls
/// has for the peer is not sent.
pub fn poll_read<S, D>(
    socket: &mut S,
    connection: &mut ConnectionCommon<D>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>>
where
    S: AsyncRead + Unpin,
    D: SideData,
{
    loop {
        let ended = take(connection, buffer)?;
        if ended || !buffer.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
        // rustls repeats the error that followed the bytes of the last call.
        process(connection)?;
        ready!(RECORDS.with_borrow_mut(|records| {
            // What is read now fits into the caller's buffer.
            let room = records.len().min(buffer.remaining() - RECORD);
            let n = ready!(poll_fill(cx, socket, &mut records[..room]))?;
            Poll::Ready(decrypt(connection, &records[..n], buffer))
        }))?;
    }
}

/// Decrypts records as far as they are complete. No records are the end of the stream.
fn decrypt<D: SideData>(
    connection: &mut ConnectionCommon<D>,
    mut records: &[u8],
    buffer: &mut ReadBuf<'_>,
) -> io::Result<()> {
    loop {
        // After close_notify rustls reads nothing.
        let n = connection.read_tls(&mut records)?;
        let processed = process(connection);
        take(connection, buffer)?;
        match processed {
            Err(error) if buffer.filled().is_empty() => return Err(error),
            Ok(()) if n > 0 && !records.is_empty() => {}
            Ok(()) | Err(_) => return Ok(()),
        }
    }
}

/// Moves decrypted bytes to the caller's buffer. Returns whether close_notify has come instead.
fn take<D: SideData>(
    connection: &mut ConnectionCommon<D>,
    buffer: &mut ReadBuf<'_>,
) -> io::Result<bool> {
    match connection.reader().read(buffer.initialize_unfilled()) {
        Ok(n) => {
            buffer.advance(n);
            Ok(n == 0)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

fn process<D: SideData>(connection: &mut ConnectionCommon<D>) -> io::Result<()> {
    let processed = connection.process_new_packets();
    processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

    use super::*;

    fn connections() -> (ClientConnection, ServerConnection) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let key = made.signing_key.serialize_der().try_into().unwrap();
        let provider = Arc::new(default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            client.write_tls(&mut up).unwrap();
            let mut records = &up[..];
            while !records.is_empty() {
                server.read_tls(&mut records).unwrap();
                server.process_new_packets().unwrap();
            }
            while server.wants_write() {
                server.write_tls(&mut down).unwrap();
            }
            let mut records = &down[..];
            while !records.is_empty() {
                client.read_tls(&mut records).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        (client, server)
    }

    /// Reads until the end or an error. Returns the bytes and how many reads they took.
    async fn read_all(
        mut records: &[u8],
        server: &mut ServerConnection,
    ) -> (Vec<u8>, usize, io::Result<()>) {
        let (mut read, mut reads) = (Vec::new(), 0);
        let mut room = vec![0; SCRATCH];
        loop {
            let mut buffer = ReadBuf::new(&mut room);
            let result = poll_fn(|cx| poll_read(&mut records, server, cx, &mut buffer)).await;
            if result.is_err() || buffer.filled().is_empty() {
                return (read, reads, result);
            }
            read.extend_from_slice(buffer.filled());
            reads += 1;
        }
    }

    #[tokio::test]
    async fn many_records_at_once_up_to_each_kind_of_end() {
        let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
        for end in ["close_notify", "cut", "broken"] {
            let (mut client, mut server) = connections();
            client.set_buffer_limit(None);
            let mut records = Vec::new();
            std::io::Write::write_all(&mut client.writer(), &sent).unwrap();
            if end == "close_notify" {
                client.send_close_notify();
            }
            while client.wants_write() {
                client.write_tls(&mut records).unwrap();
            }
            if end == "broken" {
                let middle = records.len() / 2;
                records[middle] ^= 1;
            }
            let (read, reads, result) = read_all(&records, &mut server).await;
            let error = result.map_err(|error| error.kind());
            let (length, expected) = match end {
                "close_notify" => (sent.len(), Ok(())),
                "cut" => (sent.len(), Err(io::ErrorKind::UnexpectedEof)),
                _ => (read.len(), Err(io::ErrorKind::InvalidData)),
            };
            assert_eq!(error, expected, "{end}");
            assert!(read == sent[..length], "{end}");
            assert!(reads <= 12, "{reads} reads");
            // The record before the broken one arrives.
            assert!(length > sent.len() / 2 - 2 * 16_384, "{end}: {length}");
        }
    }
}
