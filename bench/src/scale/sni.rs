//! Many certificates: start, memory, and the time until a renewed certificate is served.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use support::certificate::self_signed;
use support::{Gateway, TempDir, free_port, unverified};

use super::{megabytes, memory, print, reload, seconds, start};
use crate::failure::{Context as _, Failure};

/// The directory of configurations has a limit of open files that suits the servers.
const MAIN: &str =
    "worker_processes 2;\nworker_rlimit_nofile 65536;\nevents { worker_connections 32768; }";
/// How long a renewed certificate may take before the measurement fails.
const LONGEST: Duration = Duration::from_secs(60);
/// Clients that make handshakes meanwhile.
const CLIENTS: usize = 2;

/// Measures one server with all certificates, and a server for each.
///
/// # Errors
/// When something cannot be made or measured.
pub fn measure(certificates: usize) -> Result<(), Failure> {
    let folder = TempDir::create("sni-bench").context(|| "create a folder".to_owned())?;
    let begun = Instant::now();
    for number in 0..certificates {
        write_pair(folder.path(), number)?;
    }
    println!(
        "{certificates} certificates (P-256), made in {} s",
        seconds(begun.elapsed())
    );
    let port = free_port();
    println!("one server");
    shape(
        folder.path(),
        &one_server(folder.path(), certificates, port),
        port,
    )?;
    println!("a server for each");
    shape(
        folder.path(),
        &many_servers(folder.path(), certificates, port),
        port,
    )
}

fn shape(folder: &Path, mail: &str, port: u16) -> Result<(), Failure> {
    let (gateway, started) = start(MAIN, mail);
    print("start, s", seconds(started));
    print("memory (PSS), MB", megabytes(memory(&gateway)?));
    print("reload, s", seconds(reload(&gateway)));
    renew(folder, &gateway, port)?;
    thread::sleep(Duration::from_secs(2));
    print("memory afterwards (PSS), MB", megabytes(memory(&gateway)?));
    Ok(())
}

/// Renews the first certificate while clients make handshakes.
fn renew(folder: &Path, gateway: &Gateway, port: u16) -> Result<(), Failure> {
    let config = client()?;
    let old = certificate(&config, port).map_err(Failure::new)?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| handshakes(&config, port, &stop)))
            .collect();
        write_pair(folder, 0)?;
        let begun = Instant::now();
        while certificate(&config, port).is_ok_and(|now| now == old) && begun.elapsed() < LONGEST {
            thread::sleep(Duration::from_millis(5));
        }
        let renewed = begun.elapsed();
        stop.store(true, Ordering::Relaxed);
        let mut total = (0, 0);
        for client in clients {
            let (made, failed) = client
                .join()
                .map_err(|_| Failure::new("a client panicked"))?;
            total = (total.0 + made, total.1 + failed);
        }
        if renewed >= LONGEST {
            return Err(Failure::new(format!(
                "the old certificate is served on:\n{}",
                gateway.log()
            )));
        }
        print("renewed certificate served after, s", seconds(renewed));
        print("handshakes meanwhile", total.0);
        print("of these failed", total.1);
        Ok(())
    })
}

/// Makes handshakes until told to stop; returns their number and that of those that failed.
fn handshakes(config: &Arc<ClientConfig>, port: u16, stop: &AtomicBool) -> (usize, usize) {
    let (mut made, mut failed) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        made += 1;
        failed += usize::from(certificate(config, port).is_err());
    }
    (made, failed)
}

fn client() -> Result<Arc<ClientConfig>, Failure> {
    let client = unverified::client(aws_lc_rs::default_provider(), &[&rustls::version::TLS13]);
    let client = client.context(|| "set up TLS".to_owned())?;
    Ok(Arc::new(client.with_no_client_auth()))
}

/// The certificate that the server has for the first name.
fn certificate(config: &Arc<ClientConfig>, port: u16) -> Result<Vec<u8>, String> {
    let name = ServerName::try_from(name(0)).map_err(|error| error.to_string())?;
    let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(|e| e.to_string())?;
    let mut socket = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    while tls.is_handshaking() {
        tls.complete_io(&mut socket).map_err(|e| e.to_string())?;
    }
    let shown = tls.peer_certificates().and_then(<[_]>::first);
    shown
        .map(|certificate| certificate.to_vec())
        .ok_or_else(|| "no certificate".to_owned())
}

fn name(number: usize) -> String {
    format!("mail{number}.example.com")
}

/// Writes a new pair in place of the one before, as certificate clients do: by renaming.
fn write_pair(folder: &Path, number: usize) -> Result<(), Failure> {
    let made = self_signed(&[&name(number)]);
    let (certificate, key) = made.context(|| "make a certificate".to_owned())?;
    for (text, ending) in [(certificate, "crt"), (key, "key")] {
        let path = folder.join(format!("{number}.{ending}"));
        let fresh = path.with_extension("new");
        let written = write_private(&fresh, &text).and_then(|()| fs::rename(&fresh, &path));
        written.context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Writes a file that nobody else may read: the gateway warns of a key that all users can read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn pair(folder: &Path, number: usize) -> String {
    let folder = folder.display();
    format!("ssl_certificate {folder}/{number}.crt; ssl_certificate_key {folder}/{number}.key;\n")
}

fn one_server(folder: &Path, certificates: usize, port: u16) -> String {
    let pairs: String = (0..certificates)
        .map(|number| pair(folder, number))
        .collect();
    format!(
        "mail {{ server_name gate.test; smtp_capabilities DSN; proxy_pass 127.0.0.1:9;\n\
         server {{ listen 127.0.0.1:{port} ssl; protocol smtp;\n{pairs} }} }}"
    )
}

fn many_servers(folder: &Path, certificates: usize, port: u16) -> String {
    let mut text =
        "mail { server_name gate.test; smtp_capabilities DSN; proxy_pass 127.0.0.1:9;\n".to_owned();
    for number in 0..certificates {
        let (high, low) = (number / 250, number % 250 + 1);
        let address = match number {
            0 => "127.0.0.1".to_owned(),
            _ => format!("127.2.{high}.{low}"),
        };
        let _ = writeln!(
            text,
            "server {{ listen {address}:{port} ssl; protocol smtp; {} }}",
            pair(folder, number)
        );
    }
    text + "}"
}
