//! Many clients that say nothing, and logins meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use support::backend_loss::{Backend, Sessions};
use support::{Certificate, free_port};

use super::{memory, print, start};
use crate::descriptors;
use crate::failure::{Context as _, Failure};

/// Clients that log in.
const CLIENTS: usize = 4;
/// How long they do, without the silent clients and with them.
const PHASE: Duration = Duration::from_secs(5);
const MAIN: &str =
    "worker_processes 2;\nworker_rlimit_nofile 65536;\nevents { worker_connections 32768; }";

/// What the silent clients sent before they fell silent, by the server that they are connected to.
#[derive(Clone, Copy, Debug)]
enum Silence {
    /// Nothing, and the greeting is not read.
    Greeting,
    /// A part of a command.
    Command,
    /// A part of a PROXY header.
    ProxyHeader,
    /// A part of a TLS record.
    Handshake,
}

impl Silence {
    const ALL: [Self; 4] = [
        Self::Greeting,
        Self::Command,
        Self::ProxyHeader,
        Self::Handshake,
    ];

    const fn sends(self) -> &'static [u8] {
        match self {
            Self::Greeting => b"",
            Self::Command => b"EHLO clie",
            Self::ProxyHeader => b"PROXY TCP4 198.51",
            Self::Handshake => &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3],
        }
    }

    const fn listen(self) -> &'static str {
        match self {
            Self::Greeting | Self::Command => "",
            Self::ProxyHeader => "proxy_protocol",
            Self::Handshake => "ssl",
        }
    }
}

/// Measures logins while so many clients are silent.
///
/// # Errors
/// When something cannot be made or measured.
pub fn measure(silent: usize) -> Result<(), Failure> {
    descriptors::raise(2 * silent as u64 + 1000)?;
    let (backend, certificate) = (Backend::start(), Certificate::new());
    let port = free_port();
    let ports = Silence::ALL.map(|_| free_port());
    let kinds = || Silence::ALL.into_iter().zip(ports);
    let servers: String = kinds()
        .map(|(kind, port)| {
            format!(
                "server {{ listen 127.0.0.1:{port} {}; protocol smtp; }}",
                kind.listen()
            )
        })
        .collect();
    let mail = format!(
        "mail {{ server_name gate.test; smtp_capabilities DSN; timeout 10m; proxy_pass 127.0.0.1:{};
         ssl_certificate {}; ssl_certificate_key {}; error_log /dev/null crit;
         server {{ listen 127.0.0.1:{port}; protocol smtp; }} {servers} }}",
        backend.port,
        certificate.chain().display(),
        certificate.key().display(),
    );
    let (gateway, _) = start(MAIN, &mail);
    println!("{CLIENTS} clients log in while {silent} others say nothing");
    logins("alone", port);
    let before = memory(&gateway)?;
    let mut held = Vec::with_capacity(silent);
    for (kind, port) in kinds().cycle().take(silent) {
        held.push(hold(kind, port).context(|| "connect a silent client".to_owned())?);
    }
    logins("with silent clients", port);
    let grown = memory(&gateway)?.saturating_sub(before) as usize;
    print("memory of a silent client, bytes", grown / silent.max(1));
    let open = held.iter().filter(|client| is_open(client)).count();
    print("silent clients that are still connected", open);
    Ok(())
}

fn hold(kind: Silence, port: u16) -> std::io::Result<TcpStream> {
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(kind.sends())?;
    Ok(client)
}

/// Whether the gateway keeps the connection: what it sent has no end yet.
fn is_open(mut client: &TcpStream) -> bool {
    let mut sent = [0; 512];
    let read = client
        .set_nonblocking(true)
        .and_then(|()| client.read(&mut sent));
    match read {
        Ok(length) => length > 0,
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    }
}

/// Prints the latencies of sessions with a login.
fn logins(when: &str, port: u16) {
    let sessions = Sessions::start(port, CLIENTS);
    sleep(PHASE);
    let ended = sessions.end();
    let failed = ended.iter().filter(|one| one.error.is_some()).count();
    let mut times: Vec<_> = ended.iter().map(|one| one.at.1 - one.at.0).collect();
    times.sort_unstable();
    let at = |share: f64| {
        let at = (times.len().saturating_sub(1) as f64 * share) as usize;
        let time = times.get(at).copied().unwrap_or_default();
        format!("{:.2}", time.as_secs_f64() * 1000.0)
    };
    print(&format!("sessions {when}"), times.len());
    print("  of these failed", failed);
    print("  p50, ms", at(0.5));
    print("  p99, ms", at(0.99));
}
