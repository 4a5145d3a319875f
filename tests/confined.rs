//! What a worker cannot do any more: a process of its own gives up what a worker gives up, then tries.
//!
//! No test harness: it would start threads, and the restrictions must come before the first one.

use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, geteuid, getppid, setuid};
use portcullis::process::privileges::{Account, CoreFiles, Restrictions};

/// The argument that makes this program the confined process; the folder with the key follows.
const INSIDE: &str = "--inside";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().collect();
    match arguments.as_slice() {
        [_, inside, folder] if inside == INSIDE => return inside_of(Path::new(folder)),
        // What cargo and others ask of a harness.
        arguments if arguments.iter().any(|word| word == "--list") => return ExitCode::SUCCESS,
        _ => {}
    }
    let folder = std::env::temp_dir().join(format!("portcullis-confined-{}", std::process::id()));
    let result = outside(&folder);
    let _ = fs::remove_dir_all(&folder);
    if let Err(why) = result {
        eprintln!("{why}");
        return ExitCode::FAILURE;
    }
    println!("test a_worker_is_confined ... ok");
    ExitCode::SUCCESS
}

/// Makes what the confined process is to try itself on, and starts it.
fn outside(folder: &Path) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    fs::create_dir_all(folder).map_err(told)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(told)?;
    for (name, mode) in [("key.pem", 0o600), ("readable", 0o644), ("writable", 0o666)] {
        fs::write(folder.join(name), "content").map_err(told)?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).map_err(told)?;
    }
    let program = std::env::current_exe().map_err(told)?;
    let output = Command::new(program)
        .arg(INSIDE)
        .arg(folder)
        .output()
        .map_err(told)?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("the confined process: {}\n{said}", output.status))
}

type Attempt = (&'static str, Box<dyn Fn() -> io::Result<()>>);

fn attempt<T>(name: &'static str, what: impl Fn() -> io::Result<T> + 'static) -> Attempt {
    (name, Box::new(move || what().map(drop)))
}

fn inside_of(folder: &Path) -> ExitCode {
    let is_root = geteuid().is_root();
    let account = is_root.then(|| Account::default_of(&machine())).flatten();
    // Open before, as the sockets and logs of a worker are.
    let (listener, mut log) = (
        TcpListener::bind("127.0.0.1:0").expect("a port"),
        fs::File::create(folder.join("log")).expect("a log"),
    );
    let address = listener.local_addr().expect("its number");
    let held = Restrictions::apply(account.as_ref(), CoreFiles::Kept).expect("to be confined");
    println!("{held}");
    let mut failed = Vec::new();
    for (name, attempt) in possible(address) {
        if let Err(error) = attempt() {
            failed.push(format!("{name} should work: {error}"));
        }
    }
    if let Err(error) = log.write_all(b"a line\n") {
        failed.push(format!("writing to an open log should work: {error}"));
    }
    let mut attempts = impossible(folder);
    if held.to_string().contains("Landlock ABI") {
        attempts.extend(denied_by_landlock(folder));
    } else {
        println!("no Landlock: what all may read was not tried");
    }
    for (name, attempt) in attempts {
        match attempt() {
            Ok(()) => failed.push(format!("{name} should fail")),
            Err(error) => println!("{name}: {error}"),
        }
    }
    if !is_root {
        println!("not root: a change of the account was not tried");
    }
    failed.iter().for_each(|line| eprintln!("{line}"));
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn machine() -> portcullis::process::machine::Machine {
    portcullis::process::machine::Machine {
        check_pair: portcullis::tls::check_pair,
        check_tls: portcullis::tls::check,
        check_client_tls: portcullis::tls::check_client,
        rights: portcullis::process::machine::Rights::Own,
    }
}

/// What serving needs.
fn possible(address: std::net::SocketAddr) -> Vec<Attempt> {
    vec![
        attempt("connecting by TCP", move || TcpStream::connect(address)),
        attempt("sending by UDP", move || {
            UdpSocket::bind("127.0.0.1:0")?.send_to(b"x", address)
        }),
        attempt("a socket pair", UnixStream::pair),
        attempt("a thread", || {
            let thread = std::thread::Builder::new().spawn(|| 1)?;
            thread.join().map_err(|_| io::Error::other("it panicked"))
        }),
        attempt("the time zone", || match fs::read("/etc/localtime") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }),
        attempt("memory", || {
            let mut bytes = vec![0_u8; 64 << 20];
            bytes.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
            Ok(())
        }),
    ]
}

/// What an attacker would try.
fn impossible(folder: &Path) -> Vec<Attempt> {
    let path = |name: &str| folder.join(name);
    let read = |name, path: PathBuf| attempt(name, move || fs::read(&path));
    let own = path("new");
    let writable = path("writable");
    let removed = path("writable");
    vec![
        read("reading a private key", path("key.pem")),
        read("reading /etc/shadow", "/etc/shadow".into()),
        attempt("writing a file that all may write", move || {
            fs::OpenOptions::new().write(true).open(&writable)
        }),
        attempt("creating a file in /tmp", || {
            fs::File::create("/tmp/portcullis-confined")
        }),
        attempt("creating a file", move || fs::File::create(&own)),
        attempt("removing a file", move || fs::remove_file(&removed)),
        attempt("listening on port 24", || TcpListener::bind("127.0.0.1:24")),
        attempt("listening on port 12024", || {
            TcpListener::bind("127.0.0.1:12024")
        }),
        attempt("a raw socket", || socket(libc::AF_INET, libc::IPPROTO_ICMP)),
        attempt("a packet socket", || socket(libc::AF_PACKET, 0)),
        attempt("a netlink socket", || socket(libc::AF_NETLINK, 0)),
        attempt("starting a program", || Command::new("/bin/true").status()),
        attempt("becoming root", || {
            Ok(setuid(Uid::from_raw(0)).and(is_not_root())?)
        }),
        attempt("signalling the parent", || {
            Ok(kill(getppid(), Signal::SIGUSR1)?)
        }),
        attempt("signalling everybody", || {
            Ok(kill(Pid::from_raw(-1), None)?)
        }),
        attempt("tracing the parent", || {
            Ok(nix::sys::ptrace::seize(
                getppid(),
                nix::sys::ptrace::Options::empty(),
            )?)
        }),
        attempt("a new user namespace", || {
            Ok(nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER)?)
        }),
        attempt("mounting", || {
            let none: Option<&str> = None;
            let flags = nix::mount::MsFlags::empty();
            Ok(nix::mount::mount(none, "/tmp", Some("tmpfs"), flags, none)?)
        }),
        attempt("changing the root folder", || {
            Ok(nix::unistd::chroot("/tmp")?)
        }),
        attempt("a memory file", || {
            let name = c"x";
            Ok(nix::sys::memfd::memfd_create(
                name,
                nix::sys::memfd::MFdFlags::empty(),
            )?)
        }),
        attempt("raising a limit", || {
            let resource = nix::sys::resource::Resource::RLIMIT_NOFILE;
            Ok(nix::sys::resource::setrlimit(resource, 5, 5)?)
        }),
        attempt("more privileges by a program", || {
            let bits = rustix::thread::capabilities(None)?;
            match bits.permitted.is_empty() && bits.inheritable.is_empty() {
                true => Err(Errno::EPERM.into()),
                false => Ok(()),
            }
        }),
    ]
}

/// What other users' files allow.
fn denied_by_landlock(folder: &Path) -> Vec<Attempt> {
    let readable = folder.join("readable");
    vec![
        attempt("reading /etc/passwd", || fs::read("/etc/passwd")),
        attempt("reading /proc/self/maps", || fs::read("/proc/self/maps")),
        attempt("reading a file that all may read", move || {
            fs::read(&readable)
        }),
        attempt("listing a folder", || fs::read_dir("/")),
    ]
}

fn is_not_root() -> nix::Result<()> {
    if geteuid().is_root() {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

fn socket(family: libc::c_int, protocol: libc::c_int) -> io::Result<socket2::Socket> {
    let protocol = Some(protocol.into());
    socket2::Socket::new(family.into(), socket2::Type::RAW, protocol)
}
