//! The errors of one verification.

use super::reason::Reason;

/// An error and where it is: 0 is the peer's own certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The error.
    pub reason: Reason,
    /// The index of the certificate in the chain.
    pub depth: usize,
}

/// The errors found so far.
#[derive(Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds an error at a depth.
    pub fn add(&mut self, depth: usize, reason: Reason) {
        self.0.push(Fault { reason, depth });
    }

    /// All of them, in the order found.
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}
