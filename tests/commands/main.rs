//! What an administrator can change while the gateway runs: by POST to the status pages, and by the commands that send it.

mod asked;
mod close;
mod drain;
mod hold;
#[path = "../status/imap.rs"]
mod imap;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use support::protocol_servers::ProtocolServer;
use support::status::StatusPages;
use support::{Gateway, TempDir, free_port};

/// A gateway with servers of all protocols, and its pages on a Unix socket, on a port without a token and on one with the token
/// [`TOKEN`].
struct Pages {
    folder: TempDir,
    servers: Vec<ProtocolServer>,
    gateway: Gateway,
    socket: StatusPages,
    open: StatusPages,
    guarded: StatusPages,
}

/// What a command printed, and its exit code.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(command: &mut Command) -> Said {
    let output = command.output().expect("the command");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said {
        code: output.status.code().expect("an exit code"),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// The line of the gateway with the token.
const TOKEN: &str = "Authorization: Bearer a-secret-token\r\n";

impl Pages {
    fn start(more: &str) -> Self {
        let folder = TempDir::new("commands");
        let (path, token) = (folder.path().join("s"), folder.path().join("token"));
        fs::write(&token, "a-secret-token\n").expect("the token");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("its mode");
        let (open, guarded) = (free_port(), free_port());
        let main = format!(
            "worker_processes 2; status unix:{}; status 127.0.0.1:{open}; status 127.0.0.1:{guarded} token={}; events {{}}",
            path.display(),
            token.display(),
        );
        let servers = ProtocolServer::all();
        let blocks: String = servers.iter().map(ProtocolServer::block).collect();
        let mail = format!(
            "mail {{ server_name gate.test; xclient off; smtp_auth plain; pop3_auth plain; mail_log {}; {more}\n{blocks} }}",
            folder.path().join("mail.log").display(),
        );
        Self {
            gateway: Gateway::start_with(&main, &mail),
            servers,
            socket: StatusPages::unix(path),
            open: StatusPages::Tcp(open),
            guarded: StatusPages::Tcp(guarded),
            folder,
        }
    }

    /// Runs the program with the configuration of the gateway and these arguments.
    fn command(&self, arguments: &[&str]) -> Said {
        run(support::command(self.gateway.folder()).args(arguments))
    }

    /// A file beside the socket.
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
