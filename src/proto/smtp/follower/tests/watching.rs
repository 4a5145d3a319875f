//! A follower that only watches passes every byte, whatever the two sides say.

use super::Numbers;
use crate::proto::smtp::follower::{Follower, Messages, Then};

const CLIENT: [&[u8]; 20] = [
    b"EHLO x\r\n",
    b"MAIL FROM:<a@b>\r\n",
    b"RCPT TO:<c@d>\r\n",
    b"DATA\r\n",
    b"text\r\n.\r\n",
    b"text\n.\n",
    b".\r\n",
    b"XCLIENT ADDR=192.0.2.1\r\n",
    b"XFORWARD NAME=x\r\n",
    b"STARTTLS\r\n",
    b"BDAT 5\r\n12345",
    b"BDAT x\r\n",
    b"XEXCH50 2 2\r\nab",
    b"\r\n",
    b"NOOP\r\r\n",
    b"NOOP\n",
    b"AUTH PLAIN\r\n",
    b"AGEAYg==\r\n",
    b"QUIT\r\n",
    b"\x16\x03\x01\x00\xff",
];
const BACKEND: [&[u8]; 8] = [
    b"250-x\r\n250 CHUNKING\r\n",
    b"250 ok\r\n",
    b"354 go on\r\n",
    b"334 \r\n",
    b"220 go on\r\n",
    b"221 bye\r\n",
    b"550 no\r\n",
    b"not a reply\r\n",
];

#[test]
fn every_byte_passes() {
    let mut numbers = Numbers(5);
    let long = [&b"NOOP "[..], &[b'a'; 20_000], b"\r\n"].concat();
    for _ in 0..4000 {
        let mut follower = Follower::watching(numbers.below(2) == 0);
        let mut messages = Messages::default();
        let (mut said, mut passed, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..numbers.below(14) {
            let bytes = match numbers.below(40) {
                0 => &long,
                n => CLIENT[n % CLIENT.len()],
            };
            said.extend_from_slice(bytes);
            held.extend_from_slice(bytes);
            // The backend answers as often as the client waits.
            loop {
                let step = follower.from_client(&held, &mut messages);
                passed.extend(held.drain(..step.forward));
                assert_eq!(step.discard, 0);
                match step.then {
                    Then::Read => break,
                    Then::Wait => {
                        let reply = BACKEND[numbers.below(BACKEND.len())];
                        assert_eq!(follower.from_backend(reply, &mut messages), Ok(()));
                    }
                    other => panic!("{other:?} after {}", said.escape_ascii()),
                }
            }
        }
        passed.append(&mut held);
        assert_eq!(passed, said);
        assert_eq!(follower.ambiguity(), None);
    }
}

#[test]
fn a_line_that_is_no_reply_holds_nothing_back() {
    let mut follower = Follower::watching(false);
    let mut messages = Messages::default();
    let sent = b"AUTH PLAIN AGEAYg==\r\nQUIT\r\n";
    let first = follower.from_client(sent, &mut messages);
    assert!(matches!(first.then, Then::Wait));
    let line = b"not a reply\r\n";
    assert_eq!(follower.from_backend(line, &mut messages), Ok(()));
    let rest = &sent[first.forward..];
    let second = follower.from_client(rest, &mut messages);
    assert_eq!(second.forward, rest.len());
}
