//! `-s reload --wait`: the master tells the process that sent the signal how the reload ended.
//!
//! The sender of SIGHUP binds an abstract datagram socket that is named after its process number, which the signal carries. The
//! master's datagram comes with the master's credentials, which the kernel vouches for.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg, sockopt};

/// Why a reload has changed nothing, or `None`.
pub type Outcome = Result<(), String>;

/// The longest outcome, in bytes.
const LONGEST: usize = 8192;
/// How often the life of the master is looked at.
const TURN: Duration = Duration::from_secs(1);

fn name_of(pid: i32) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("portcullis-reload-{pid}"))
}

/// Tells a process that may be waiting. It usually is not: most signals come from kill(1) and systemd.
pub fn tell(pid: i32, outcome: &Outcome) {
    let attempt = || {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let mut text = match outcome {
            Ok(()) => String::new(),
            Err(reason) if reason.is_empty() => "refused".to_owned(),
            Err(reason) => reason.clone(),
        };
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        socket.send_to_addr(text.as_bytes(), &name_of(pid)?)
    };
    let _: io::Result<usize> = attempt();
}

/// The ear of a process that waits for an outcome.
#[derive(Debug)]
pub struct Waiter(UnixDatagram);

impl Waiter {
    /// Must be there before the signal is sent.
    ///
    /// # Errors
    /// Somebody else has the name.
    pub fn new() -> io::Result<Self> {
        let socket = UnixDatagram::bind_addr(&name_of(std::process::id().cast_signed())?)?;
        sockopt::set_socket_passcred(&socket, true)?;
        Ok(Self(socket))
    }

    /// Waits for the outcome, as long as the master lives and at most for `limit`.
    pub fn wait(&self, master: i32, limit: Duration) -> Outcome {
        let deadline = Instant::now() + limit;
        let failed = |error: io::Error| format!("no answer from the master process: {error}");
        while Instant::now() < deadline {
            self.0.set_read_timeout(Some(TURN)).map_err(failed)?;
            match self.receive() {
                Ok((sender, text)) if sender == Some(master) => {
                    return if text.is_empty() { Ok(()) } else { Err(text) };
                }
                // Somebody else.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(failed(error)),
            }
            if kill(Pid::from_raw(master), None).is_err() {
                return Err(format!("the master process {master} is gone"));
            }
        }
        let seconds = limit.as_secs();
        Err(format!(
            "no answer from the master process within {seconds}s"
        ))
    }

    fn receive(&self) -> io::Result<(Option<i32>, String)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = vec![0; LONGEST];
        let mut data = [IoSliceMut::new(&mut bytes)];
        let received = recvmsg(&self.0, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        let sender = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmCredentials(credentials) => Some(credentials.pid),
            _ => None,
        });
        let sender = sender.map(rustix::process::Pid::as_raw_pid);
        let text = &bytes[..received.bytes.min(LONGEST)];
        Ok((sender, String::from_utf8_lossy(text).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_master_is_believed() {
        let own = std::process::id().cast_signed();
        let waiter = Waiter::new().unwrap();
        tell(own, &Err("no such file".into()));
        let limit = Duration::from_secs(60);
        assert_eq!(waiter.wait(own, limit), Err("no such file".into()));
        tell(own, &Ok(()));
        assert_eq!(waiter.wait(own, limit), Ok(()));
        // Whatever another process sends is not an answer.
        tell(own, &Ok(()));
        let parent = std::os::unix::process::parent_id().cast_signed();
        assert!(waiter.wait(parent, Duration::from_millis(50)).is_err());
    }
}
