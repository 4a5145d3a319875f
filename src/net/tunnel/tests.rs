use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

impl Spliceable for DuplexStream {
    fn socket_to_splice(&self) -> Option<&crate::net::socket::Socket> {
        None
    }
}

type Ended = tokio::task::JoinHandle<(End, (u64, u64))>;

const LONG: Duration = Duration::from_secs(3600);

/// A tunnel between two pipes of `size` bytes; returns their outer ends.
fn tunnel(size: usize, idle_timeout: Duration) -> (DuplexStream, DuplexStream, Ended) {
    let (client, inner_client) = duplex(size);
    let (backend, inner_backend) = duplex(size);
    let (up, down) = (b"ahead ".to_vec(), b"before ".to_vec());
    let task = tokio::spawn(async move {
        let mut pipe = Pipe::new((inner_client, down), (inner_backend, up), idle_timeout);
        (pipe.run(|_| Poll::Pending).await, pipe.carried())
    });
    (client, backend, task)
}

async fn read_all(stream: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("to read");
    bytes
}

#[tokio::test]
async fn bytes_read_too_far_go_first_and_half_close_is_passed_on() {
    let (mut client, mut backend, task) = tunnel(64, LONG);
    client.write_all(b"QUIT").await.expect("to write");
    client.shutdown().await.expect("to shut down");
    assert_eq!(read_all(&mut backend).await, b"ahead QUIT");
    // The client says no more, and still hears the answer.
    backend.write_all(b"221").await.expect("to write");
    drop(backend);
    assert_eq!(read_all(&mut client).await, b"before 221");
    let (end, carried) = task.await.expect("the tunnel");
    assert!(matches!(end, End::Done), "{end:?}");
    assert_eq!(carried, (10, 10));
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    let (mut client, mut backend, task) = tunnel(7, LONG);
    let sent: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
    let expected = [b"ahead ".as_slice(), &sent].concat();
    let writer = tokio::spawn(async move {
        client.write_all(&sent).await.expect("to write");
        client.shutdown().await.expect("to shut down");
        read_all(&mut client).await
    });
    assert_eq!(read_all(&mut backend).await, expected);
    drop(backend);
    assert_eq!(writer.await.expect("the writer"), b"before ");
    assert!(matches!(task.await.expect("the tunnel").0, End::Done));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_it() {
    let (mut client, backend, task) = tunnel(64, Duration::from_secs(10));
    tokio::time::sleep(Duration::from_secs(8)).await;
    client.write_all(b"x").await.expect("to write");
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(!task.is_finished(), "something was said 8 seconds ago");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(matches!(task.await.expect("the tunnel").0, End::Timeout));
    drop((client, backend));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stays_after_its_backend_left() {
    let (mut client, backend, task) = tunnel(64, LONG);
    drop(backend);
    assert_eq!(read_all(&mut client).await, b"before ");
    let (end, _) = task.await.expect("the tunnel");
    assert!(matches!(end, End::Done), "{end:?}");
    drop(client);
}

#[test]
fn an_empty_flow_owns_no_room() {
    assert_eq!(Outbox::new(Vec::with_capacity(4096)).capacity(), 0);
    assert_eq!(Outbox::new(b"ahead".to_vec()).len(), 5);
}

#[tokio::test]
async fn a_last_reply_comes_between_lines() {
    for (sent, expected) in [
        ("", "bye\r\n"),
        ("250 OK\r\n", "250 OK\r\nbye\r\n"),
        ("250 O", "250 O"),
    ] {
        let ((mut client, inner_client), (mut backend, inner_backend)) = (duplex(64), duplex(64));
        let mut pipe = Pipe::new(
            (inner_client, Vec::new()),
            (inner_backend, Vec::new()),
            LONG,
        );
        backend.write_all(sent.as_bytes()).await.expect("to write");
        let mut copied = vec![0; sent.len()];
        tokio::select! {
            end = pipe.run(|_| Poll::Pending) => panic!("{end:?}"),
            read = client.read_exact(&mut copied) => drop(read.expect("to read")),
        }
        pipe.close(b"bye\r\n").await.expect("to close");
        drop(pipe);
        let rest = read_all(&mut client).await;
        assert_eq!([copied, rest].concat(), expected.as_bytes());
    }
}
