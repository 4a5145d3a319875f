//! Sessions at random: against the model, and ordinary mail that must pass untouched.

use super::backend::{Backend, USUAL};
use super::{Numbers, Tunnel, model};
use crate::proto::smtp::follower::{Messages, Observer, Outcome, Then, Transfer};

/// What clients say, well and badly.
pub(super) const FRAGMENTS: &[&[u8]] = &[
    b"NOOP\r\n",
    b"noop\n",
    b"NOOP\r\r\n",
    b"NOOP\0\r\n",
    b"RSET\r\n",
    b"MAIL FROM:<a@b.test>\r\n",
    b"RCPT TO:<c@d.test>\r\n",
    b"RCPT TO:<e@f.test>\n",
    b"DATA\r\n",
    b"DATA\r\n",
    b"DATA\r\n",
    b"DATA\n",
    b" data\r\n",
    b"BDAT 10\r\n",
    b"BDAT 5 LAST\r\n",
    b"BDAT 60 LAST\r\n",
    b"BDAT 200\r\n",
    b"BDAT 0 LAST\r\n",
    b"BDAT 5\n",
    b"BDAT 4294967301\r\n",
    b" BDAT 30\r\n",
    b"BDATX 30\r\n",
    b"AUTH PLAIN\r\n",
    b"AGEAYg==\r\n",
    b"*\r\n",
    b"EHLO c.test\r\n",
    b"HELO c.test\r\n",
    b"VRFY x\r\n",
    b"XYZ \x01\xff\r\n",
    b"\r\n",
    b"\n",
    b" \r\n",
    b"\r",
    b"\0",
    b"x",
    b" ",
    b"XCL",
    b"IENT ADDR=1\r\n",
    b"XCLIENT ADDR=192.0.2.1\r\n",
    b"XCLIENT ADDR=192.0.2.1\r\n",
    b"xclient\n",
    b"XCLIENT\r",
    b"\tXCLIENT ADDR=1\r\n",
    b"\x01XCLIENT ADDR=1\r\n",
    b"XFORWARD NAME=x\r\n",
    b"STARTTLS\r\n",
    b"StartTLS\n",
    b"TURN\r\n",
    b"NOOP\rXCLIENT ADDR=1\r\n",
    b"NOOP\nXCLIENT ADDR=1\r\n",
    b"\x16\x03\x01\x02\0\n",
    b"Subject: hello\r\n",
    b"..\r\n",
    b".x\r\n",
    b". \r\n",
    b"a.",
    b".",
    b".\r\n",
    b"\r\n.\r\n",
    b"\r\n.\r\n",
    b"\r\n.\r\n",
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\r\n.\r\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n",
    // Ways to make the follower and some backend disagree.
    b"DATA\r\n.\r\nBDAT 60 LAST\r\n\r\n.\r\nXCLIENT ADDR=1\r\n",
    b"DATA\r\nBDAT 60 LAST\r\n\r\n.\r\nXCLIENT ADDR=1\r\n",
    b"\n.\nBDAT 5\r\nabcdeXCLIENT ADDR=1\r\n",
    b"HELO c.test\r\nBDAT 60 LAST\r\n",
    b"NOOP\nBDAT 60 LAST\r\n\r\nXCLIENT ADDR=1\r\n",
];

/// A client's bytes, put together at random.
pub(super) fn soup(numbers: &mut Numbers) -> Vec<u8> {
    let count = 1 + numbers.below(25);
    let parts = (0..count).map(|_| *numbers.pick(FRAGMENTS));
    parts.collect::<Vec<_>>().concat()
}

/// Plays a client's bytes against a backend, all in random cuts at random moments, until nothing moves any more.
pub(super) fn play<O: Observer>(
    tunnel: &mut Tunnel<O>,
    client: &[u8],
    backend: &mut Backend,
    numbers: &mut Numbers,
) {
    let (mut sent, mut received) = (0, 0);
    let mut replies = Vec::new();
    let mut cut = |left: usize| 1 + numbers.below(left.min(64));
    let mut turn = 0;
    while tunnel.closed().is_none() {
        let on_its_way = [
            client.len() - sent,
            tunnel.to_backend.len() - received,
            replies.len(),
        ];
        if on_its_way == [0; 3] {
            return;
        }
        turn = (turn + cut(3)) % 3;
        match (turn, on_its_way[turn]) {
            (_, 0) => {}
            (0, left) => {
                let n = cut(left);
                tunnel.client_says(&client[sent..sent + n]);
                sent += n;
            }
            (1, left) => {
                let n = cut(left);
                replies.extend(backend.receive(&tunnel.to_backend[received..received + n]));
                received += n;
            }
            (_, left) => {
                let n = cut(left);
                let reply: Vec<u8> = replies.drain(..n).collect();
                tunnel.backend_says(&reply);
            }
        }
    }
}

#[test]
fn any_session_is_as_in_the_model() {
    let mut numbers = Numbers(7);
    let mut closed = 0;
    for round in 0..4_000 {
        let client = soup(&mut numbers);
        let chunking = round % 3 > 0;
        let manner = || super::backend::Manner { chunking, ..USUAL };
        let model = model::play(&client, chunking, &mut Backend::new(manner(), round));
        let mut backend = Backend::new(manner(), round);
        let mut tunnel = Tunnel::new(chunking, ());
        play(&mut tunnel, &client, &mut backend, &mut numbers);
        let text = client.escape_ascii();
        assert_eq!(tunnel.closed(), model.closed, "{round}: {text}");
        assert_eq!(
            tunnel.to_backend.escape_ascii().to_string(),
            model.to_backend.escape_ascii().to_string(),
            "{round}: {text}"
        );
        if model.closed.is_some() {
            closed += 1;
            continue;
        }
        assert_eq!(
            tunnel.to_client.escape_ascii().to_string(),
            model.to_client.escape_ascii().to_string(),
            "{round}: {text}"
        );
        assert_eq!(tunnel.then, Then::Read, "{round}: {text}");
    }
    assert!((300..3_700).contains(&closed), "{closed}");
}

/// Lines of a message that an honest client sends: each ends in CRLF, and a leading dot is doubled.
fn content(numbers: &mut Numbers) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..numbers.below(12) {
        let lines: [&[u8]; 10] = [
            b"XCLIENT ADDR=192.0.2.1",
            b"STARTTLS",
            b"",
            b"..",
            b"..hidden",
            b"BDAT 100 LAST",
            b"DATA",
            b"A sentence. Another one.",
            b" .",
            b"\xc3\xa4\0\x01 octets",
        ];
        let line = *numbers.pick(&lines);
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
    }
    text
}

#[test]
fn ordinary_mail_passes_untouched_and_is_counted() {
    let mut numbers = Numbers(3);
    let mut answered = 0;
    for round in 0..1000 {
        let mut client = Vec::new();
        let mut sizes = Vec::new();
        for _ in 0..numbers.below(4) {
            client.extend(b"MAIL FROM:<a@b.test> BODY=8BITMIME\r\nRCPT TO:<c@d.test>\r\n");
            let text = content(&mut numbers);
            sizes.push(text.len() as u64);
            let half = numbers.below(text.len() + 1);
            client.extend(format!("BDAT {half}\r\n").as_bytes());
            client.extend(&text[..half]);
            client.extend(format!("BDAT {} LAST\r\n", text.len() - half).as_bytes());
            client.extend(&text[half..]);
        }
        // What follows DATA is content only if the backend takes it, so one message is the session's last.
        let text = content(&mut numbers);
        client.extend(b"MAIL FROM:<last@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n");
        let mut accepting = Backend::new(USUAL, round);
        let replies = accepting.receive(&client);
        let taken = replies.ends_with(b"354 Go ahead\r\n");
        if taken {
            sizes.push(text.len() as u64);
            client.extend(&text);
            client.extend(b".\r\n");
        }
        client.extend(b"QUIT\r\n");

        let mut tunnel = Tunnel::new(true, Messages::default());
        play(
            &mut tunnel,
            &client,
            &mut Backend::new(USUAL, round),
            &mut numbers,
        );
        tunnel.ended();
        assert_eq!(tunnel.closed(), None, "{round}");
        assert_eq!(tunnel.follower.ambiguity(), None, "{round}");
        assert_eq!(
            tunnel.to_backend.escape_ascii().to_string(),
            client.escape_ascii().to_string(),
            "{round}"
        );
        let all: Vec<_> = std::iter::from_fn(|| tunnel.observer.take()).collect();
        let sent = all.iter().filter(|m| m.transfer != Transfer::None);
        assert_eq!(sent.map(|m| m.octets).collect::<Vec<_>>(), sizes, "{round}");
        assert!(all.iter().all(|m| m.offered == 1), "{round}");
        answered += all
            .iter()
            .filter(|m| matches!(m.outcome, Outcome::Answered(_)))
            .count();
    }
    assert!(answered > 600, "{answered}");
}
