//! All values that the pages show, at one moment. Serialized, it is the document of `/json`, whose names are Angie's where Angie has them.

mod auth_servers;
mod certificates;
mod histogram;
mod limits;
mod process;
mod reloads;
mod servers;
mod upstreams;

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

pub(super) use self::auth_servers::AuthServer;
pub(super) use self::certificates::Certificate;
pub(super) use self::histogram::Histogram;
pub(super) use self::limits::LimitZone;
pub(super) use self::process::Process;
pub(super) use self::reloads::Reloads;
pub(super) use self::servers::ServerZone;
pub(super) use self::upstreams::{Peer, Upstream};
use super::state::State;
use super::time::iso;
use crate::cli::version;
use crate::log::lost_lines;
use crate::monitor::Monitor;

/// The status of the process.
#[derive(Debug, Serialize)]
pub(super) struct Snapshot {
    pub portcullis: About,
    pub connections: Connections,
    pub mail: Mail,
    pub auth_servers: BTreeMap<String, AuthServer>,
    /// By the name of the zone.
    pub limits: BTreeMap<String, LimitZone>,
    pub certificates: Vec<Certificate>,
    pub reloads: Reloads,
    /// The logins whose new sessions are refused.
    pub held_logins: Vec<String>,
    pub logs: Logs,
    pub process: Process,
}

/// The program and its configuration.
#[derive(Debug, Serialize)]
pub(super) struct About {
    pub version: &'static str,
    /// When counting began.
    pub start_time: String,
    /// The number of the configuration in force; 0 for none.
    pub generation: u64,
    /// When it was put in force.
    pub load_time: Option<String>,
    /// Whether clients are served.
    pub ready: bool,
}

/// The clients of all servers.
#[derive(Debug, Default, Serialize)]
pub(super) struct Connections {
    pub accepted: u64,
    /// Those that `worker_connections` left no room for, and those of other limits.
    pub dropped: u64,
    pub active: u64,
}

/// `mail {}`
#[derive(Debug, Serialize)]
pub(super) struct Mail {
    /// By the address of `listen`.
    pub server_zones: BTreeMap<String, ServerZone>,
    /// By the name of the group.
    pub upstreams: BTreeMap<String, Upstream>,
    /// By protocol.
    pub durations: BTreeMap<&'static str, Durations>,
}

/// How long the parts of sessions take.
#[derive(Debug, Serialize)]
pub(super) struct Durations {
    pub login: Histogram,
    pub connect: Histogram,
    pub session: Histogram,
}

/// The logs of all servers.
#[derive(Debug, Serialize)]
pub(super) struct Logs {
    pub lost_lines: u64,
}

impl Snapshot {
    /// The status now.
    pub fn of(state: &State) -> Self {
        let (in_force, now) = (state.in_force(), SystemTime::now());
        let in_force = in_force.as_deref();
        let server_zones = servers::zones(&state.monitor, in_force);
        let durations = state.monitor.durations();
        let durations = durations.map(|(protocol, durations)| {
            let of_protocol = Durations {
                login: Histogram::of(&durations.login),
                connect: Histogram::of(&durations.connect),
                session: Histogram::of(&durations.session),
            };
            (protocol.word(), of_protocol)
        });
        Self {
            portcullis: About {
                version: version::OWN,
                start_time: iso(state.monitor.started),
                generation: in_force.map_or(0, |in_force| in_force.number),
                load_time: in_force.map(|in_force| iso(in_force.since)),
                ready: state.is_ready(),
            },
            connections: Connections::of(server_zones.values()),
            mail: Mail {
                server_zones,
                upstreams: upstreams::upstreams(in_force),
                durations: durations.collect(),
            },
            auth_servers: auth_servers::all(&state.monitor),
            limits: limits::all(in_force),
            certificates: certificates::all(in_force, now),
            reloads: Reloads::of(&state.monitor.reloads),
            held_logins: held_logins(&state.monitor),
            logs: Logs {
                lost_lines: lost_lines(),
            },
            process: Process::of(state),
        }
    }
}

fn held_logins(monitor: &Monitor) -> Vec<String> {
    let held = monitor.holds.all().into_iter();
    held.map(|login| String::from_utf8_lossy(&login).into_owned())
        .collect()
}

impl Connections {
    fn of<'a>(zones: impl Iterator<Item = &'a ServerZone>) -> Self {
        zones.fold(Self::default(), |sum, zone| Self {
            accepted: sum.accepted + zone.connections.total,
            dropped: sum.dropped + zone.connections.discarded,
            active: sum.active + zone.connections.processing,
        })
    }
}
