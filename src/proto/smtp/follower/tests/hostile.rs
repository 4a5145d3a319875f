//! Hostile clients against backends that read in different ways: none of them ever reads a guarded command.

use super::backend::{Backend, Lines, Manner, USUAL};
use super::random::{play, soup};
use super::{Numbers, Tunnel};
use crate::proto::smtp::follower::Then;

/// What some servers have taken for the end of a message.
pub(super) const ENDS: &[&[u8]] = &[
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\r\n.\r\r\n",
];

pub(super) fn manners() -> Vec<Manner> {
    let by_end = ENDS.iter().map(|end| Manner {
        ends: std::slice::from_ref(end),
        ..USUAL
    });
    let others = [
        USUAL,
        Manner {
            ends: ENDS,
            ..USUAL
        },
        Manner {
            chunking: false,
            ..USUAL
        },
        Manner {
            lines: Lines::Crlf,
            ..USUAL
        },
        Manner {
            lines: Lines::CrOrLf,
            ..USUAL
        },
        Manner {
            lines: Lines::CrOrLf,
            ends: ENDS,
            answers_empty: false,
            ..USUAL
        },
        Manner {
            limit: 2048,
            ..USUAL
        },
        Manner {
            limit: 512,
            ends: ENDS,
            ..USUAL
        },
        Manner {
            strips_nul: true,
            chunking: false,
            ..USUAL
        },
        Manner {
            strips_nul: true,
            chunking: false,
            ends: ENDS,
            answers_empty: false,
            ..USUAL
        },
        Manner {
            answers_empty: false,
            ..USUAL
        },
        Manner {
            dot_first: false,
            ..USUAL
        },
    ];
    by_end.chain(others).collect()
}

/// Lines around the limits at which backends cut them, with a command after the cut.
fn long_line(numbers: &mut Numbers) -> Vec<u8> {
    let length = *numbers.pick(&[490, 507, 512, 600, 2043, 2048, 3000]);
    let verb = *numbers.pick(&[
        &b"XCLIENT ADDR=1\r\n"[..],
        b"DATA\r\n",
        b"BDAT 50\r\n",
        b"\r\n",
    ]);
    [&b"NOOP "[..], &vec![b'a'; length - 5], verb].concat()
}

#[test]
fn no_backend_ever_reads_a_guarded_command() {
    let mut numbers = Numbers(1);
    let manners = manners();
    let (mut closed, mut ambiguous) = (0, 0);
    for round in 0..5_000 {
        let mut client = soup(&mut numbers);
        if numbers.below(4) == 0 {
            client.extend(long_line(&mut numbers));
            client.extend(soup(&mut numbers));
        }
        let manner = &manners[round as usize % manners.len()];
        let mut backend = Backend::new(manner.clone(), round);
        let mut tunnel = Tunnel::new(manner.chunking, ());
        play(&mut tunnel, &client, &mut backend, &mut numbers);
        let text = client.escape_ascii();
        let read: Vec<_> = backend
            .guarded
            .iter()
            .map(|line| line.escape_ascii().to_string())
            .collect();
        assert!(read.is_empty(), "{round}, {manner:?}: {read:?} in {text}");
        // A backend that insists on CRLF, or on a line before the last dot, may wait for more, and one that has read what was
        // meant as content may have read a BDAT. No other does.
        let agrees = manner.lines != Lines::Crlf && manner.dot_first;
        if agrees && tunnel.follower.ambiguity().is_none() && tunnel.closed().is_none() {
            assert_eq!(tunnel.then, Then::Read, "{round}, {manner:?}: {text}");
        }
        closed += usize::from(tunnel.closed().is_some());
        ambiguous += usize::from(tunnel.follower.ambiguity().is_some());
    }
    assert!(closed > 300 && ambiguous > 300, "{closed} {ambiguous}");
}

#[test]
fn random_octets_end_nowhere() {
    let mut numbers = Numbers(2);
    for _ in 0..1000 {
        let mut tunnel = Tunnel::new(true, ());
        for _ in 0..numbers.below(30) {
            let alphabet =
                *numbers.pick(&[&b"\r\n.\0 25-XABD"[..], b"3540\r\n- ", b"\xff\x80abc\n"]);
            let length = numbers.below(40);
            let bytes: Vec<u8> = (0..length).map(|_| *numbers.pick(alphabet)).collect();
            match numbers.below(2) {
                0 => tunnel.client_says(&bytes),
                _ => tunnel.backend_says(&bytes),
            }
        }
        tunnel.ended();
    }
}
