//! Content in which irregularities do not pass, against backends that end messages in different ways: no backend reads a command
//! inside a message.

use super::backend::Backend;
use super::hostile::{ENDS, manners};
use super::random::play;
use super::{Numbers, Tunnel};
use crate::config::BareNewlines;
use crate::proto::smtp::follower::{Follower, Then};

/// What some servers may take for the end of a message, and is not.
const MORE_ENDS: &[&[u8]] = &[
    b"\n.\r",
    b"\r.\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\0\n.\r\n",
    b"\n\0.\n",
    b"\r\n. \r\n",
    b"\n.\r\r\n",
];
const FORGED: &[u8] =
    b"MAIL FROM:<forged@b.test>\r\nRCPT TO:<x@b.test>\r\nDATA\r\nSubject: forged\r\n";

/// The backend after a message with a second one in it, and whether the session goes on. `None`: it does not accept DATA.
fn send(
    policy: BareNewlines,
    content: &[u8],
    backend: Backend,
    numbers: &mut Numbers,
) -> Option<(Backend, Tunnel<()>)> {
    let mut backend = backend;
    let mut tunnel = Tunnel::new(true, ());
    if policy != BareNewlines::Pass {
        tunnel.follower = Follower::new(true).screen(policy, None);
    }
    let begin = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n";
    play(&mut tunnel, begin, &mut backend, numbers);
    if !tunnel.to_client.ends_with(b"354 Go ahead\r\n") {
        return None;
    }
    tunnel.to_backend.clear();
    play(&mut tunnel, content, &mut backend, numbers);
    Some((backend, tunnel))
}

fn hears_forged(backend: &Backend) -> bool {
    let mut heard = backend.heard.iter();
    heard.any(|line| line.windows(6).any(|word| word == b"forged"))
}

#[test]
fn no_backend_reads_a_message_inside_another() {
    let mut numbers = Numbers(16);
    let (mut deceived, mut sent) = (0, 0);
    for (round, manner) in manners().iter().cycle().enumerate().take(6_000) {
        let end = *numbers.pick(&[ENDS, MORE_ENDS].concat());
        let content = [b"Subject: one\r\n\r\ntext", end, FORGED, b".\r\nQUIT\r\n"].concat();
        let backend = || Backend::new(manner.clone(), round as u64);
        let text = format!("{round}, {manner:?}: {}", content.escape_ascii());
        if let Some((backend, _)) = send(BareNewlines::Pass, &content, backend(), &mut numbers) {
            deceived += usize::from(hears_forged(&backend));
        }
        let reject = BareNewlines::Reject;
        if let Some((backend, tunnel)) = send(reject, &content, backend(), &mut numbers) {
            assert!(!hears_forged(&backend) && backend.ends == 0, "{text}");
            assert!(tunnel.closed().is_some(), "{text}");
            let replies = tunnel.to_client.escape_ascii().to_string();
            assert!(replies.contains("Go ahead\\r\\n550 5.5.2 "), "{replies}");
        }
        let normalize = BareNewlines::Normalize;
        if let Some((backend, tunnel)) = send(normalize, &content, backend(), &mut numbers) {
            assert!(!hears_forged(&backend) && backend.ends == 1, "{text}");
            assert_eq!(tunnel.then, Then::Read, "{text}");
            sent += 1;
        }
    }
    assert!(deceived > 100 && sent > 2_000, "{deceived} {sent}");
}

#[test]
fn ordinary_content_passes_unchanged() {
    let mut numbers = Numbers(17);
    let content = b"Subject: one\r\n\r\n..\r\n.. \r\ntext. Text.\r\n..hidden\r\n.\r\nQUIT\r\n";
    for policy in [BareNewlines::Reject, BareNewlines::Normalize] {
        let mut sent = 0;
        for (round, manner) in manners().iter().cycle().enumerate().take(300) {
            let backend = Backend::new(manner.clone(), round as u64);
            if let Some((backend, tunnel)) = send(policy, content, backend, &mut numbers) {
                assert_eq!(tunnel.to_backend, content, "{policy:?}");
                assert_eq!(backend.ends, 1, "{policy:?}");
                sent += 1;
            }
        }
        assert!(sent > 100, "{sent}");
    }
}
