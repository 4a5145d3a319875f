//! Whole sessions: recorded as data, at random against a model, and hostile ones against backends of every kind.

mod backend;
mod hostile;
mod model;
mod random;
mod screening;
mod trace;
mod watching;

use super::{Fault, Follower, Observer, Then};

/// A tunnel over memory: what a caller of the follower does.
struct Tunnel<O> {
    follower: Follower,
    observer: O,
    /// Read from the client and not passed on.
    rest: Vec<u8>,
    to_backend: Vec<u8>,
    to_client: Vec<u8>,
    /// What the follower asked for last.
    then: Then,
}

impl<O: Observer> Tunnel<O> {
    fn new(chunking: bool, observer: O) -> Self {
        Tunnel {
            follower: Follower::new(chunking),
            observer,
            rest: Vec::new(),
            to_backend: Vec::new(),
            to_client: Vec::new(),
            then: Then::Read,
        }
    }

    fn closed(&self) -> Option<Fault> {
        match self.then {
            Then::Close(fault) => Some(fault),
            _ => None,
        }
    }

    fn client_says(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        self.pump();
    }

    fn backend_says(&mut self, bytes: &[u8]) {
        if self.closed().is_some() {
            return;
        }
        match self.follower.from_backend(bytes, &mut self.observer) {
            Ok(()) => self.to_client.extend_from_slice(bytes),
            Err(broken) => {
                self.to_client.extend_from_slice(&bytes[..broken.forward]);
                self.close(broken.fault);
            }
        }
        self.pump();
    }

    fn ended(&mut self) {
        self.follower.ended(&mut self.observer);
    }

    fn pump(&mut self) {
        while self.closed().is_none() {
            let step = self.follower.from_client(&self.rest, &mut self.observer);
            self.to_backend
                .extend_from_slice(&self.rest[..step.forward]);
            self.rest.drain(..step.forward + step.discard);
            self.then = step.then;
            match step.then {
                Then::Reply(refusal) => self.to_client.extend_from_slice(refusal.reply()),
                Then::Insert(bytes, _) => self.to_backend.extend_from_slice(bytes),
                Then::Close(fault) => self.close(fault),
                Then::Read | Then::Wait => return,
            }
        }
    }

    fn close(&mut self, fault: Fault) {
        self.to_client.extend_from_slice(fault.reply());
        self.then = Then::Close(fault);
    }
}

/// Numbers that are the same for the same seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
