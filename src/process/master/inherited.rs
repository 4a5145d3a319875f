//! Sockets that the process inherits by number: from nginx or portcullis (`NGINX=6;7;`), or from systemd (`LISTEN_FDS=2`).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::base::{Errno, Level};

/// nginx's variable: descriptors, each followed by `;` or `:`.
pub const VARIABLE: &str = "NGINX";

/// How a process comes to its sockets.
#[derive(Debug)]
pub enum Origin {
    /// It binds them.
    Itself,
    /// From systemd.
    Activation(Vec<OwnedFd>),
    /// From the process whose binary it replaces, which is its parent.
    Predecessor(Vec<OwnedFd>),
}

/// What is to be said about it, once there is a log.
pub type Remarks = Vec<(Level, String)>;

impl Origin {
    /// Reads the environment and takes the descriptors that it names. Must be called before the process opens any of its own.
    pub fn find() -> (Self, Remarks) {
        let mut remarks = Vec::new();
        if let Some(value) = std::env::var_os(VARIABLE) {
            let value = value.to_string_lossy();
            let text = format!("using inherited sockets from \"{value}\"");
            remarks.push((Level::Notice, text));
            let numbers = numbers(&value, &mut remarks);
            let sockets = take(numbers, &mut remarks);
            return (Self::Predecessor(sockets), remarks);
        }
        let origin = match sd_notify::listen_fds() {
            Ok(numbers) if numbers.len() > 0 => Self::Activation(take(numbers, &mut remarks)),
            _ => Self::Itself,
        };
        (origin, remarks)
    }
}

fn numbers(value: &str, remarks: &mut Remarks) -> Vec<RawFd> {
    let mut numbers = Vec::new();
    for number in value.split_terminator([';', ':']) {
        // The first three are not sockets, whatever the variable says.
        match number.parse() {
            Ok(number) if number > 2 => numbers.push(number),
            _ => {
                let text = format!(
                    "invalid socket number \"{number}\" in {VARIABLE} environment variable, ignoring the rest of the variable"
                );
                remarks.push((Level::Emerg, text));
                break;
            }
        }
    }
    numbers
}

fn take(numbers: impl IntoIterator<Item = RawFd>, remarks: &mut Remarks) -> Vec<OwnedFd> {
    let mut take = |number| {
        let adopted = adopt(number);
        let remark = |error| format!("inherited socket #{number} cannot be used{}", Errno(&error));
        adopted
            .map_err(|error| remarks.push((Level::Emerg, remark(error))))
            .ok()
    };
    numbers.into_iter().filter_map(&mut take).collect()
}

/// Becomes the owner of a descriptor that is known by its number alone. It travels through a socket of this process and comes
/// out under a new number; the old one is closed.
fn adopt(number: RawFd) -> io::Result<OwnedFd> {
    let (one, two) = UnixStream::pair()?;
    let rights = [number];
    let control = [ControlMessage::ScmRights(&rights)];
    let data = [IoSlice::new(&[0])];
    let target = std::os::fd::AsRawFd::as_raw_fd(&one);
    sendmsg::<()>(target, &data, &control, MsgFlags::empty(), None)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut data = [IoSliceMut::new(&mut byte)];
    recvmsg(&two, &mut data, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let received = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let descriptor = received.ok_or(io::ErrorKind::UnexpectedEof)?;
    nix::unistd::close(number)?;
    Ok(descriptor)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::fd::IntoRawFd;

    use super::*;

    #[test]
    fn a_number_becomes_a_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let number = listener.into_raw_fd();
        let adopted = TcpListener::from(adopt(number).unwrap());
        assert_eq!(adopted.local_addr().unwrap(), address);
        assert!(adopt(1_000_000).is_err());
    }

    #[test]
    fn the_variable_is_read_as_nginx_reads_it() {
        let mut remarks = Vec::new();
        assert_eq!(numbers("6;7:12;", &mut remarks), [6, 7, 12]);
        assert!(numbers("", &mut remarks).is_empty());
        assert!(remarks.is_empty());
        assert_eq!(numbers("6;x;7;", &mut remarks), [6]);
        assert_eq!(numbers("6;2;7;", &mut remarks), [6]);
        assert_eq!(remarks.len(), 2);
    }
}
