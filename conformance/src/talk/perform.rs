//! Plays one conversation with one gateway.
//!
//! Nobody acts before the gateway is still: it has answered NOOPs on a connection of their own while nothing happened here.
//! First the auth server and the backend say what is due, then the client does its next step.

use std::io;
use std::time::Duration;

use super::conversation::Conversation;
use super::scene::Scene;
use super::stage::{Pulse, Seat};
use super::transcript::Transcript;
use crate::case::Peer;

/// How sure one wants to be that the gateway is still.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// So many beats without anything happening.
    pub beats: usize,
    /// And so long.
    pub pause: Duration,
    /// So long it may lag behind the gateway that played before it.
    pub grace: Duration,
}

impl Pace {
    /// For many conversations at once.
    pub const QUICK: Self = Self {
        beats: 2,
        pause: Duration::ZERO,
        grace: Duration::from_millis(500),
    };
    /// For one whose gateways seemed to differ.
    pub const SURE: Self = Self {
        beats: 4,
        pause: Duration::from_millis(40),
        grace: Duration::from_millis(1500),
    };
}

/// Plays it. `model` is what another gateway did in the same conversation.
///
/// # Errors
/// When the gateway does not listen, or is still for ever.
pub fn perform(
    talk: &Conversation,
    seat: &Seat,
    pulse: &mut Pulse,
    pace: Pace,
    model: Option<&Transcript>,
) -> io::Result<Transcript> {
    let mut scene = Scene::new(talk, seat, pulse, pace, model)?;
    scene.settle()?;
    for act in &talk.client {
        let held = scene.is_held();
        scene.transcript.step += 1;
        scene.ahead -= 1;
        scene.client_does(act)?;
        scene.settle()?;
        if held {
            scene.release();
            scene.settle()?;
        }
    }
    scene.release();
    scene.settle()?;
    scene.transcript.step += 1;
    for peer in match talk.backend_leaves {
        true => [Peer::Backend, Peer::Client],
        false => [Peer::Client, Peer::Backend],
    } {
        scene.leave(peer);
        scene.settle()?;
    }
    Ok(scene.transcript)
}
