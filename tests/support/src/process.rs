//! Starting the real peers.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User};

/// Starts a program in a process group of its own, with its output in `<program>.out` in `folder`.
pub fn run(folder: &Path, program: &str, arguments: &[&OsStr]) -> Child {
    let out = fs::File::create(folder.join(format!("{program}.out"))).expect("an output file");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new(program)
        .args(arguments)
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(out.try_clone().expect("the output file"))
        .stderr(out)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"))
}

/// Ends a program that [`run`] started, with its process group.
pub fn stop(child: &mut Child) {
    let group = Pid::from_raw(child.id().cast_signed());
    let _ = killpg(group, Signal::SIGTERM);
    let _ = child.wait();
    let _ = killpg(group, Signal::SIGKILL);
}

/// The id of a user.
///
/// # Panics
/// When there is no such user.
pub fn uid(name: &str) -> u32 {
    let user = User::from_name(name).ok().flatten();
    user.unwrap_or_else(|| panic!("no user {name}"))
        .uid
        .as_raw()
}

/// Makes a user the owner of a file or directory.
pub fn give_to(path: &Path, name: &str) {
    chown(path, Some(uid(name)), None).expect("to change the owner");
}

/// Lets workers, which have another user than the test, connect to a Unix socket.
pub fn open_to_all(path: &Path) {
    let mode = PermissionsExt::from_mode(0o666);
    fs::set_permissions(path, mode).expect("to change the mode");
}
