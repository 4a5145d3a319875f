//! Plays one script with one gateway.
//!
//! No peer acts before the gateway is idle. First the auth server and the backend send what is queued, then the client does its
//! next step.

use std::io;

use super::idle_probe::IdleProbe;
use super::player::Player;
use super::script::Script;
use super::testbed::Sockets;
use super::timing::Timing;
use super::transcript::Transcript;
use crate::case::Peer;

/// Plays a script. `reference` is the transcript of another gateway.
///
/// # Errors
/// When the gateway does not listen or does not reply to the probe.
pub fn play(
    script: &Script,
    sockets: &Sockets,
    probe: &mut IdleProbe,
    timing: Timing,
    reference: Option<&Transcript>,
) -> io::Result<Transcript> {
    let mut player = Player::new(script, sockets, probe, timing, reference)?;
    player.settle()?;
    for action in &script.client {
        let is_late = player.has_late_response();
        player.act(action)?;
        player.settle()?;
        if is_late {
            player.release_late_response();
            player.settle()?;
        }
    }
    player.release_late_response();
    player.settle()?;
    player.transcript.step += 1;
    for peer in match script.backend_closes_first {
        true => [Peer::Backend, Peer::Client],
        false => [Peer::Client, Peer::Backend],
    } {
        player.close(peer);
        player.settle()?;
    }
    Ok(player.transcript)
}
