//! Bulk between real sockets. Each test has a thread of its own, so that a spare pipe shows that bytes were spliced.

use super::kernel_pipe::KernelPipe;
use super::kernel_pipe::tests::PIPES_TAKEN;
use super::*;
use crate::net::socket::Socket;
use crate::net::stream::Stream;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(3600);
const SIZE: usize = 8 << 20;

/// Two ends of a TCP connection.
async fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (outer, inner) = tokio::join!(TcpStream::connect(address), listener.accept());
    (outer.unwrap(), inner.unwrap().0)
}

/// A tunnel between a client and a backend, which are returned first.
async fn tunnel(idle_timeout: Duration) -> (TcpStream, TcpStream, Pipe<Stream, Stream>) {
    let ((client, to_client), (backend, to_backend)) = (connection().await, connection().await);
    let stream = |inner| Stream::Plain(Socket::Tcp(inner));
    let pipe = Pipe::new(
        (stream(to_client), Vec::new()),
        (stream(to_backend), b"ahead ".to_vec()),
        idle_timeout,
    );
    (client, backend, pipe)
}

/// Runs a tunnel on this thread. Returns its end and the bytes that it carried.
async fn run(mut pipe: Pipe<Stream, Stream>) -> (End, (u64, u64)) {
    let end = pipe.run(|_| Poll::Pending).await;
    (end, pipe.carried())
}

fn text(seed: usize) -> Vec<u8> {
    (0..SIZE).map(|i| ((i + seed) % 251) as u8).collect()
}

async fn send(mut stream: TcpStream, bytes: Vec<u8>) -> TcpStream {
    stream.write_all(&bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    stream
}

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn the_end_of_an_upload_is_passed_on_and_its_reply_comes_back() {
    let _lock = PIPES_TAKEN.read().await;
    let (client, mut backend, pipe) = tunnel(LONG).await;
    let sending = tokio::spawn(send(client, text(0)));
    let backends = async {
        let received = receive(&mut backend).await;
        backend.write_all(b"250 OK\r\n").await.unwrap();
        drop(backend);
        let mut client = sending.await.unwrap();
        (received, receive(&mut client).await)
    };
    let ((received, reply), (end, carried)) = tokio::join!(backends, run(pipe));
    assert!(received == [b"ahead ", &text(0)[..]].concat());
    assert_eq!(reply, b"250 OK\r\n");
    assert!(matches!(end, End::Done), "{end:?}");
    assert_eq!(carried, (SIZE as u64 + 6, 8));
    assert!(KernelPipe::spares() > 0, "nothing was spliced");
}

#[tokio::test]
async fn both_directions_at_once() {
    let _lock = PIPES_TAKEN.read().await;
    let (client, backend, pipe) = tunnel(LONG).await;
    let exchange = |stream: TcpStream, bytes: Vec<u8>| async move {
        let (mut reader, mut writer) = stream.into_split();
        let sending = tokio::spawn(async move {
            writer.write_all(&bytes).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        reader.read_to_end(&mut received).await.unwrap();
        sending.await.unwrap();
        received
    };
    let clients = tokio::spawn(exchange(client, text(1)));
    let backends = tokio::spawn(exchange(backend, text(2)));
    let (end, carried) = run(pipe).await;
    assert!(matches!(end, End::Done), "{end:?}");
    assert_eq!(carried, (SIZE as u64 + 6, SIZE as u64));
    assert!(clients.await.unwrap() == text(2));
    assert!(backends.await.unwrap() == [b"ahead ", &text(1)[..]].concat());
    assert!(KernelPipe::spares() > 0, "nothing was spliced");
}

#[tokio::test]
async fn a_client_that_stops_reading_for_a_while_loses_nothing() {
    let _lock = PIPES_TAKEN.read().await;
    let (mut client, backend, pipe) = tunnel(LONG).await;
    let sent = [text(0), text(1), text(2)].concat();
    let sending = tokio::spawn(send(backend, sent.clone()));
    let mut running = Box::pin(run(pipe));
    // Until all buffers on the way are full.
    let mut received = vec![0; 1 << 20];
    tokio::select! {
        _ = &mut running => panic!("it ended"),
        read = client.read_exact(&mut received) => drop(read.unwrap()),
    }
    let stalled = timeout(Duration::from_millis(300), &mut running).await;
    assert!(stalled.is_err() && !sending.is_finished());
    let reading = async {
        let rest = receive(&mut client).await;
        drop(client);
        rest
    };
    let (rest, (end, carried)) = tokio::join!(reading, running);
    received.extend(rest);
    assert!(received == sent);
    assert!(matches!(end, End::Done), "{end:?}");
    assert_eq!(carried, (6, sent.len() as u64));
}

#[tokio::test]
async fn a_backend_that_stops_reading_is_silence() {
    let _lock = PIPES_TAKEN.read().await;
    let (mut client, backend, pipe) = tunnel(Duration::from_millis(500)).await;
    let endless = tokio::spawn(async move { while client.write_all(&text(0)).await.is_ok() {} });
    let (end, _) = run(pipe).await;
    assert!(matches!(end, End::Timeout), "{end:?}");
    endless.await.unwrap();
    drop(backend);
}

#[tokio::test]
async fn a_reset_is_the_failure_of_its_side() {
    let _lock = PIPES_TAKEN.read().await;
    for side in [Side::Client, Side::Backend] {
        let (client, backend, pipe) = tunnel(LONG).await;
        let (mut sender, mut receiver) = match side {
            Side::Client => (backend, client),
            Side::Backend => (client, backend),
        };
        let sending =
            tokio::spawn(async move { while sender.write_all(&text(0)).await.is_ok() {} });
        let mut running = Box::pin(run(pipe));
        let mut received = vec![0; 3 << 20];
        tokio::select! {
            _ = &mut running => panic!("it ended"),
            read = receiver.read_exact(&mut received) => drop(read.unwrap()),
        }
        SockRef::from(&receiver)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(receiver);
        let (end, _) = running.await;
        assert!(
            matches!(&end, End::Failed(failure) if failure.side == side),
            "{side:?}: {end:?}"
        );
        sending.await.unwrap();
    }
}

#[tokio::test]
async fn without_a_pipe_bytes_are_copied() {
    let _lock = PIPES_TAKEN.write().await;
    let all: Vec<_> = std::iter::from_fn(KernelPipe::take).collect();
    let (client, mut backend, pipe) = tunnel(LONG).await;
    let sending = tokio::spawn(send(client, text(0)));
    let backends = async {
        let received = receive(&mut backend).await;
        drop(backend);
        received
    };
    let (received, (end, _)) = tokio::join!(backends, run(pipe));
    assert!(received == [b"ahead ", &text(0)[..]].concat());
    assert!(matches!(end, End::Done), "{end:?}");
    drop((all, sending.await.unwrap()));
}

#[tokio::test]
async fn a_last_reply_comes_after_the_last_line_of_a_download() {
    let _lock = PIPES_TAKEN.read().await;
    let (mut client, mut backend, mut pipe) = tunnel(LONG).await;
    pipe.expect_close();
    let mut sent = text(0);
    sent.extend(b"\r\n");
    let bytes = sent.clone();
    let sending = tokio::spawn(async move {
        backend.write_all(&bytes).await.unwrap();
        backend
    });
    let mut received = vec![0; sent.len()];
    tokio::select! {
        end = pipe.run(|_| Poll::Pending) => panic!("{end:?}"),
        read = client.read_exact(&mut received) => drop(read.unwrap()),
    }
    pipe.close(b"bye\r\n").await.unwrap();
    drop(pipe);
    assert_eq!(receive(&mut client).await, b"bye\r\n");
    drop(sending.await.unwrap());
    assert_eq!(
        KernelPipe::spares(),
        0,
        "the end of the last line was not seen"
    );
}

#[tokio::test]
async fn a_last_reply_needs_a_line_whose_end_was_seen() {
    let _lock = PIPES_TAKEN.read().await;
    // A pipe is given up after a few short lines.
    for (lines, last) in [(0, &b""[..]), (4, b"bye\r\n")] {
        let (mut client, mut backend, mut pipe) = tunnel(LONG).await;
        let mut sent = text(0);
        sent.extend(b"\r\n");
        let bytes = sent.clone();
        let sending = tokio::spawn(async move {
            backend.write_all(&bytes).await.unwrap();
            backend
        });
        let mut received = vec![0; sent.len()];
        tokio::select! {
            end = pipe.run(|_| Poll::Pending) => panic!("{end:?}"),
            read = client.read_exact(&mut received) => drop(read.unwrap()),
        }
        assert!(KernelPipe::spares() > 0, "nothing was spliced");
        let mut backend = sending.await.unwrap();
        for _ in 0..lines {
            backend.write_all(b"a OK\r\n").await.unwrap();
            let mut received = [0; 6];
            tokio::select! {
                end = pipe.run(|_| Poll::Pending) => panic!("{end:?}"),
                read = client.read_exact(&mut received) => drop(read.unwrap()),
            }
        }
        pipe.close(b"bye\r\n").await.unwrap();
        drop(pipe);
        assert_eq!(receive(&mut client).await, last);
    }
}

#[tokio::test]
async fn an_idle_tunnel_has_no_pipe() {
    let _lock = PIPES_TAKEN.read().await;
    let (mut client, mut backend, mut pipe) = tunnel(LONG).await;
    let sent = text(0);
    let sending = tokio::spawn(async move {
        client.write_all(&sent).await.unwrap();
        client
    });
    let mut received = vec![0; SIZE + 6];
    let mut running = Box::pin(pipe.run(|_| Poll::Pending));
    tokio::select! {
        end = &mut running => panic!("{end:?}"),
        read = backend.read_exact(&mut received) => drop(read.unwrap()),
    }
    let client = sending.await.unwrap();
    assert!(
        timeout(Duration::from_millis(100), &mut running)
            .await
            .is_err()
    );
    assert_eq!(KernelPipe::spares(), 1);
    drop((client, backend));
}

#[tokio::test]
async fn from_a_unix_socket() {
    let _lock = PIPES_TAKEN.read().await;
    let (mut client, to_client) = connection().await;
    let (mut backend, to_backend) = UnixStream::pair().unwrap();
    let (to_client, to_backend) = (Socket::Tcp(to_client), Socket::Unix(to_backend));
    let pipe = Pipe::new(
        (Stream::Plain(to_client), Vec::new()),
        (Stream::Plain(to_backend), Vec::new()),
        LONG,
    );
    let sending = tokio::spawn(async move {
        backend.write_all(&text(0)).await.unwrap();
    });
    let clients = async {
        let received = receive(&mut client).await;
        drop(client);
        received
    };
    let (received, (end, carried)) = tokio::join!(clients, run(pipe));
    sending.await.unwrap();
    assert!(received == text(0));
    assert!(matches!(end, End::Done), "{end:?}");
    assert_eq!(carried, (0, SIZE as u64));
}
