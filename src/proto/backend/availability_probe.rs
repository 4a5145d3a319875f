//! A dialogue that finds out whether a backend works: greeting, capabilities, end.

use super::discovery::Discovery;
use super::wire::Wire;
use crate::proto::client::{Dialogue, Progress, then};

/// The dialogue. Its outcome is the command that ends the session; no reply to it matters.
pub type AvailabilityProbe = Dialogue<&'static [u8]>;

/// A dialogue that waits for the greeting. A backend that knows no command for capabilities (RFC 821, RFC 1939) works too.
pub fn dialogue(wire: Box<dyn Wire>) -> AvailabilityProbe {
    let action = wire.verbs().capabilities_action;
    let discovery = Discovery::new(wire, action, |_| false);
    then(discovery, |(wire, _), _, _| {
        Progress::Done(wire.verbs().quit)
    })
}
