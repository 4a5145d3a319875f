use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;
use crate::net::tunnel::limited;
use crate::proto::smtp::follower::{Ambiguity, Refusal};

const LONG: Duration = Duration::from_secs(3600);

/// A running tunnel, and the outer ends of its two streams.
struct Running {
    client: DuplexStream,
    backend: DuplexStream,
    incidents: Arc<Mutex<Vec<Incident>>>,
    task: JoinHandle<(End, (u64, u64))>,
}

/// Starts a tunnel between two pipes of `size` bytes, to a backend with CHUNKING.
fn start(size: usize, max_errors: usize, to_backend: &str, received: &str) -> Running {
    let (client, inner_client) = duplex(size);
    let (backend, inner_backend) = duplex(size);
    let follower = Box::new(Follower::new(true));
    let incidents = Arc::new(Mutex::new(Vec::new()));
    let client_side = (inner_client, received.as_bytes().to_vec());
    let backend_side = (inner_backend, to_backend.as_bytes().to_vec());
    let tally = Tally::new(max_errors, 1);
    let mut followed = Followed::new(client_side, backend_side, LONG, follower, tally);
    let kept = incidents.clone();
    let task = tokio::spawn(async move {
        let report = |incident| kept.lock().expect("the list").push(incident);
        let turn =
            |cx: &mut Context<'_>, activity: &mut Activity| followed.turn(cx, activity, &report);
        let end = limited(LONG, |_| Poll::Pending, turn).await;
        let lingering = Lingering::brief(Duration::from_secs(2));
        followed.finish(Some(lingering)).await;
        (end, followed.carried())
    });
    Running {
        client,
        backend,
        incidents,
        task,
    }
}

async fn say(stream: &mut DuplexStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("to write");
}

async fn expect(stream: &mut DuplexStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    stream.read_exact(&mut bytes).await.expect("to read");
    assert_eq!(String::from_utf8_lossy(&bytes), text);
}

async fn expect_end(stream: &mut DuplexStream) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("to read");
    assert_eq!(String::from_utf8_lossy(&bytes), "");
}

impl Running {
    fn incidents(&self) -> Vec<Incident> {
        self.incidents.lock().expect("the list").clone()
    }
}

const REFUSED: &str = "550 5.7.0 Command not permitted\r\n";

#[tokio::test]
async fn replies_keep_the_order_of_pipelined_commands_however_they_are_cut() {
    for size in [1, 2, 7, 4096] {
        let Running {
            mut client,
            mut backend,
            task,
            ..
        } = start(size, 5, "NOOP\r\nXCLI", "");
        let commands = "ENT ADDR=192.0.2.1\r\nRSET\r\nxforward NAME=a\r\nQUIT\r\n";
        let clients = tokio::spawn(async move {
            say(&mut client, commands).await;
            expect(&mut client, "250 one\r\n").await;
            expect(&mut client, REFUSED).await;
            expect(&mut client, "250 two\r\n").await;
            expect(&mut client, REFUSED).await;
            expect(&mut client, "221 bye\r\n").await;
            client.shutdown().await.expect("to shut down");
            expect_end(&mut client).await;
        });
        expect(&mut backend, "NOOP\r\n").await;
        say(&mut backend, "250 one\r\n").await;
        expect(&mut backend, "RSET\r\n").await;
        say(&mut backend, "250 two\r\n").await;
        expect(&mut backend, "QUIT\r\n").await;
        say(&mut backend, "221 bye\r\n").await;
        expect_end(&mut backend).await;
        drop(backend);
        clients.await.expect("the client");
        let (end, carried) = task.await.expect("the tunnel");
        assert!(matches!(end, End::Done), "{end:?}");
        assert_eq!(carried, (18, 27));
    }
}

#[tokio::test]
async fn content_of_messages_passes_whatever_it_says() {
    let mut running = start(4096, 5, "", "");
    let (client, backend) = (&mut running.client, &mut running.backend);
    let chunk = "BDAT 21 LAST\r\nXCLIENT ADDR=1\r\nhello";
    say(client, chunk).await;
    expect(backend, chunk).await;
    say(backend, "250 ok\r\n").await;
    expect(client, "250 ok\r\n").await;
    // The octets after the chunk are an empty line.
    say(client, "\r\nDATA\r\n").await;
    expect(client, "500 5.5.1 Invalid command\r\n").await;
    expect(backend, "DATA\r\n").await;
    say(backend, "354 go\r\n").await;
    expect(client, "354 go\r\n").await;
    let content = "XCLIENT ADDR=192.0.2.1\r\nXFORWARD x\r\n.\r\n";
    say(client, content).await;
    expect(backend, content).await;
}

#[tokio::test]
async fn a_large_message_passes_a_slow_backend() {
    let Running {
        mut client,
        mut backend,
        task,
        ..
    } = start(7, 5, "DATA\r\n", "");
    expect(&mut backend, "DATA\r\n").await;
    say(&mut backend, "354 go\r\n").await;
    expect(&mut client, "354 go\r\n").await;
    let message = format!("{}\r\n.\r\n", "XCLIENT line of text\r\n".repeat(5000));
    let sent = message.clone();
    let clients = tokio::spawn(async move {
        say(&mut client, &sent).await;
        client.shutdown().await.expect("to shut down");
        expect(&mut client, "250 ok\r\n").await;
        expect_end(&mut client).await;
    });
    expect(&mut backend, &message).await;
    expect_end(&mut backend).await;
    say(&mut backend, "250 ok\r\n").await;
    drop(backend);
    clients.await.expect("the client");
    assert!(matches!(task.await.expect("the tunnel").0, End::Done));
}

#[tokio::test]
async fn too_many_refusals_end_the_session() {
    let mut running = start(4096, 3, "", "");
    say(&mut running.client, &"XCLIENT\r\n".repeat(9)).await;
    expect(&mut running.client, &REFUSED.repeat(3)).await;
    running.client.shutdown().await.expect("to shut down");
    expect_end(&mut running.client).await;
    let refused = Incident::Refused(Refusal::ProxyCommand);
    let incidents = running.incidents();
    assert_eq!(incidents, [refused, refused, refused, Incident::TooMany]);
    assert!(matches!(
        running.task.await.expect("the tunnel").0,
        End::Done
    ));
    expect_end(&mut running.backend).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_read() {
    let mut running = start(64, usize::MAX, "", "");
    let lines = "XCLIENT\r\n".repeat(100_000);
    let sent = timeout(LONG / 2, say(&mut running.client, &lines)).await;
    assert!(sent.is_err(), "a megabyte was read");
    assert!(running.incidents().len() < 4000);
}

#[tokio::test]
async fn a_smuggled_command_ends_the_session() {
    let mut running = start(4096, 5, "DATA\r\n", "");
    let (client, backend) = (&mut running.client, &mut running.backend);
    expect(backend, "DATA\r\n").await;
    say(backend, "354 go\r\n").await;
    expect(client, "354 go\r\n").await;
    say(client, "a\n.\nXCLIENT ADDR=192.0.2.1\r\nb\r\n.\r\n").await;
    expect(client, REFUSED).await;
    client.shutdown().await.expect("to shut down");
    expect_end(client).await;
    expect(backend, "a\n.\nXCLIEN").await;
    assert!(matches!(
        running.task.await.expect("the tunnel").0,
        End::Done
    ));
    expect_end(&mut running.backend).await;
    let incidents = running.incidents.lock().expect("the list").clone();
    assert_eq!(
        incidents,
        [
            Incident::Ambiguous(Ambiguity::EndOfData),
            Incident::Broken(Fault::SmuggledCommand)
        ]
    );
}

#[tokio::test]
async fn replies_before_the_tunnel_count() {
    let mut running = start(
        4096,
        5,
        "NOOP\r\n",
        "250 stray\r\n220 begins TLS\r\n250 more\r\n",
    );
    expect(
        &mut running.client,
        "250 stray\r\n220 begins TLS\r\n421 4.5.0 Unexpected reply from the mail server\r\n",
    )
    .await;
    running.client.shutdown().await.expect("to shut down");
    expect_end(&mut running.client).await;
    let incidents = running.incidents();
    assert!(
        incidents.contains(&Incident::Broken(Fault::UnexpectedReply)),
        "{incidents:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stays_after_its_backend_left() {
    let mut running = start(64, 5, "NOOP\r\nXCLIENT\r\n", "");
    expect(&mut running.backend, "NOOP\r\n").await;
    drop(running.backend);
    say(&mut running.client, &"NOOP\r\n".repeat(100)).await;
    expect_end(&mut running.client).await;
    assert!(matches!(
        running.task.await.expect("the tunnel").0,
        End::Done
    ));
    drop(running.client);
}
