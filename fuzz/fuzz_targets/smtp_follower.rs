#![no_main]

use portcullis::proto::smtp::follower::{Follower, Messages, Then};

/// Ends a part. The first octet of a part says who sends the rest: `S` the backend, any other the client.
const PART: u8 = 0x1e;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut messages = Messages::default();
    let mut follower = Follower::new(bytes.len().is_multiple_of(2));
    let mut rest = Vec::new();
    for part in bytes.split(|byte| *byte == PART) {
        match part {
            [b'S', reply @ ..] => match follower.from_backend(reply, &mut messages) {
                Ok(()) => {}
                Err(broken) => assert!(broken.forward <= reply.len()),
            },
            [_, said @ ..] => rest.extend_from_slice(said),
            [] => {}
        }
        loop {
            let step = follower.from_client(&rest, &mut messages);
            rest.drain(..step.forward + step.discard);
            match step.then {
                Then::Reply(refusal) => assert!(refusal.reply().ends_with(b"\r\n")),
                Then::Read => {
                    // A command line without its end, and nothing else, is left.
                    assert!(!rest.contains(&b'\n'));
                    break;
                }
                Then::Wait | Then::Close(_) => break,
            }
        }
    }
    follower.ended(&mut messages);
    while messages.take().is_some() {}
});
