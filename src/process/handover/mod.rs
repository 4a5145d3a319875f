//! What passes between the master and a worker: frames over a Unix socket pair, with descriptors.
//!
//! The master orders, the worker reports. The worker trusts the master; the master believes a worker no more than a bounded report
//! says, since an attacker may own the worker. A configuration is handed over as the machine's answers to a load, not as a
//! `Config`: the worker loads it again from these answers.

mod channel;
mod message;
mod process_files;
mod recording;
mod reports;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use channel::Channel;
pub use message::{Cause, Handover, Order, Reloaded, Report, StatusSockets, WorkerSettings};
pub use process_files::ProcessFiles;
pub use recording::{Answer, Recorder, Recording};
pub use reports::{Reports, ReportsEnd};

/// How long the other side may take to read a frame.
const LIMIT: Duration = Duration::from_secs(10);

/// Sends one message.
///
/// # Errors
/// The other side is gone or does not read.
pub fn send(
    channel: &Channel,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let payload = postcard::to_stdvec(message).map_err(io::Error::other)?;
    channel.send(&payload, descriptors, LIMIT)
}

/// Reports to the master. One that is gone needs no report.
pub fn report(channel: &Channel, report: &Report) {
    let _ = send(channel, report, &[]);
}

/// A message with its descriptors; `None` where the limit of open files leaves no room for them.
pub type Received<T> = (T, Option<Vec<OwnedFd>>);

/// Waits for the master's next message; `None` at the end.
///
/// # Errors
/// Reading fails, or the message is no message.
pub fn receive<T: DeserializeOwned>(channel: &Channel) -> io::Result<Option<Received<T>>> {
    let Some(frame) = channel.receive()? else {
        return Ok(None);
    };
    let message = postcard::from_bytes(&frame.payload).map_err(io::Error::other)?;
    Ok(Some((message, frame.descriptors)))
}

/// The reports of a worker that have arrived.
///
/// # Errors
/// No more reports will come.
pub fn reports(channel: &Channel, read: &mut Reports) -> Result<Vec<Report>, ReportsEnd> {
    let payloads = read.read(channel)?;
    let parsed = payloads.iter().map(|payload| postcard::from_bytes(payload));
    parsed
        .collect::<Result<_, _>>()
        .map_err(|_| ReportsEnd::Invalid)
}
