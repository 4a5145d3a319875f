//! Other processes of this machine, as far as /proc shows them: the master that a pid file names, and who listens on an address.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::getpid;

use crate::base::Address;

/// The state LISTEN in /proc/net/tcp.
const LISTEN: &str = "0A";

/// A running process. Displays as `nginx (process 4711)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    number: i32,
    /// Its name in the kernel.
    name: String,
}

impl std::fmt::Display for Process {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} (process {})", self.name, self.number)
    }
}

impl Process {
    /// The process of this number; `None` for a zombie, and where /proc hides it.
    fn of(number: i32) -> Option<Self> {
        let name = fs::read(format!("/proc/{number}/comm")).ok()?;
        let name = String::from_utf8_lossy(&name).trim_end().to_owned();
        // A zombie has no command line.
        (!command_line(number)?.is_empty()).then_some(Self { number, name })
    }

    /// Whether it is the master process of an nginx or a portcullis.
    fn is_master(&self) -> bool {
        let own = Self::of(getpid().as_raw()).map(|own| own.name);
        let is_mail_server =
            ["nginx", "portcullis"].contains(&&*self.name) || Some(&self.name) == own.as_ref();
        let titles: [&[u8]; 2] = [b": worker process", b": cache "];
        let is_other = command_line(self.number).is_some_and(|line| {
            titles
                .iter()
                .any(|title| line.windows(title.len()).any(|part| part == *title))
        });
        is_mail_server && !is_other
    }
}

fn command_line(number: i32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{number}/cmdline")).ok()
}

/// Checks that no other running master has this pid file.
///
/// # Errors
/// The line that names the other one.
pub fn check_pid_file(path: &Path) -> Result<(), String> {
    let Some(master) = master_of(path) else {
        return Ok(());
    };
    let path = path.display();
    Err(format!(
        "\"{path}\" is the pid file of {master}, which is running: stop it first, replace it with SIGUSR2, or give this process \
         another pid file (--pid FILE)"
    ))
}

/// The running master process, other than this one, whose number a pid file contains.
fn master_of(pid_file: &Path) -> Option<Process> {
    let text = fs::read_to_string(pid_file).ok()?;
    let number = text.trim_end().parse().ok()?;
    if number == getpid().as_raw() {
        return None;
    }
    Process::of(number).filter(Process::is_master)
}

/// The process that listens on an address, or on one that keeps it from being bound. `None` where that cannot be read: the
/// descriptors of another user's processes are visible to root only.
pub fn listener_on(address: &Address) -> Option<Process> {
    let sockets = match address {
        Address::Inet(address) => inet_sockets(*address),
        Address::Unix(path) => unix_sockets(path),
    };
    let links: Vec<_> = sockets
        .iter()
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    // The oldest one, as a rule: a master comes before its workers.
    let mut numbers: Vec<i32> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let holds = |number: &i32| {
        let descriptors = fs::read_dir(format!("/proc/{number}/fd"));
        let mut descriptors = descriptors.into_iter().flatten().flatten();
        descriptors.any(|descriptor| {
            fs::read_link(descriptor.path()).is_ok_and(|target| {
                let target = target.as_os_str().as_bytes();
                links.iter().any(|link| link.as_bytes() == target)
            })
        })
    };
    Process::of(numbers.into_iter().find(holds)?)
}

/// The inodes of the listening sockets that have the port under the same address or a wildcard.
fn inet_sockets(wanted: SocketAddr) -> Vec<String> {
    let mut inodes = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            if let [_, local, _, LISTEN, .., inode, _, _, _, _, _, _, _] = fields.as_slice()
                && local_address(local).is_some_and(|local| overlap(local, wanted))
            {
                inodes.push((*inode).to_owned());
            }
        }
    }
    inodes
}

/// `0100007F:0019`: each 32 bits in the byte order of the machine.
fn local_address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| u32::from_str_radix(ip.get(at..at + 8)?, 16).ok();
    let ip = match ip.len() {
        8 => IpAddr::from(word(0)?.to_ne_bytes()),
        _ => {
            let mut octets = [0; 16];
            for (n, octets) in octets.chunks_exact_mut(4).enumerate() {
                octets.copy_from_slice(&word(8 * n)?.to_ne_bytes());
            }
            IpAddr::from(octets)
        }
    };
    Some(SocketAddr::new(ip, port))
}

fn overlap(local: SocketAddr, wanted: SocketAddr) -> bool {
    let is_wildcard = |address: SocketAddr| address.ip().is_unspecified();
    // `[::]` has the port of IPv4 too, unless IPV6_V6ONLY is set.
    let same_family = local.is_ipv4() == wanted.is_ipv4() || is_wildcard(local);
    local.port() == wanted.port()
        && (local.ip().to_canonical() == wanted.ip().to_canonical()
            || same_family && (is_wildcard(local) || is_wildcard(wanted)))
}

/// The inodes of the Unix sockets that are bound to a path.
fn unix_sockets(path: &Path) -> Vec<String> {
    let text = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let lines = text.lines().skip(1);
    let sockets = lines.filter_map(|line| {
        let mut fields = line.split_whitespace().skip(6);
        let (inode, bound) = (fields.next()?, fields.next()?);
        (Path::new(bound) == path).then(|| inode.to_owned())
    });
    sockets.collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn addresses_of_the_kernel_are_read() {
        let text = |ip: u32| format!("{:08X}:0019", u32::from_ne_bytes(ip.to_be_bytes()));
        let loopback = "127.0.0.1:25".parse().unwrap();
        assert_eq!(local_address(&text(0x7f00_0001)), Some(loopback));
        assert_eq!(local_address("zz:0019"), None);
        let one = u32::from_ne_bytes([0, 0, 0, 1]);
        let six = format!("{:024X}{one:08X}:0019", 0);
        assert_eq!(local_address(&six), Some("[::1]:25".parse().unwrap()));
    }

    #[test]
    fn the_listener_on_an_address_is_found() {
        let own = Process::of(getpid().as_raw()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for address in ["127.0.0.1", "0.0.0.0"] {
            let address = format!("{address}:{port}").parse().unwrap();
            assert_eq!(listener_on(&Address::Inet(address)), Some(own.clone()));
        }
        drop(listener);
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        assert_eq!(listener_on(&Address::Inet(address)), None);
        let path = std::env::temp_dir().join(format!("portcullis-running-{}", getpid()));
        let _listener = UnixListener::bind(&path).unwrap();
        assert_eq!(listener_on(&Address::Unix(path.clone())), Some(own));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn only_a_live_master_counts() {
        let path = std::env::temp_dir().join(format!("portcullis-master-{}", getpid()));
        let written = |text: String| {
            fs::write(&path, text).unwrap();
            master_of(&path)
        };
        assert_eq!(written(format!("{}\n", getpid())), None, "this process");
        for stale in ["", "x\n", "0\n", "1\n", "4194304000\n"] {
            assert_eq!(written(stale.to_owned()), None, "{stale:?}");
        }
        let mut other = Command::new("sleep")
            .arg("60")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        assert_eq!(written(format!("{}\n", other.id())), None, "sleep");
        other.kill().unwrap();
        other.wait().unwrap();
        fs::remove_file(path).unwrap();
    }
}
