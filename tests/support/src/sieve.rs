//! ManageSieve: Dovecot with Pigeonhole as a backend, and real clients. `kind` is `clear`, `starttls` or `tls`.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::dovecot::{Dovecot, Options, PASSWORD, USER};
use crate::imap_clients::python;
use crate::{TempDir, free_port, wait_until};

/// A running Dovecot with Pigeonhole. It keeps the scripts of its users.
#[derive(Debug)]
pub struct Pigeonhole {
    pub port: u16,
    pub dovecot: Dovecot,
}

impl Pigeonhole {
    /// Starts it without TLS and waits until it accepts connections.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts it with a certificate and its key. Clients may log in after STARTTLS only.
    pub fn with_tls((certificate, key): &(PathBuf, PathBuf)) -> Self {
        Self::start_with(&format!(
            "ssl = required\nssl_cert = <{}\nssl_key = <{}\ndisable_plaintext_auth = yes\n",
            certificate.display(),
            key.display()
        ))
    }

    fn start_with(more: &str) -> Self {
        let port = free_port();
        let more = format!(
            "protocols = imap pop3 sieve\n\
             service managesieve-login {{\n  inet_listener sieve {{\n    port = {port}\n  }}\n}}\n\
             plugin {{\n  sieve = file:~/mail/scripts;active=~/mail/active.sieve\n}}\n{more}"
        );
        let dovecot = Dovecot::with_options(Options {
            more: &more,
            ..Options::default()
        });
        wait_until("Pigeonhole", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { port, dovecot }
    }
}

/// Runs the client in `python/sieve.py`, which knows all mechanisms.
pub fn client(
    kind: &str,
    port: u16,
    password: &str,
    mechanism: &str,
    file: Option<&Path>,
) -> Output {
    python("sieve.py", kind, port, password, mechanism, file)
}

/// Runs sievelib of Debian's Python.
pub fn sievelib(kind: &str, port: u16, password: &str, mechanism: &str, file: &Path) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/sievelib_client.py");
    Command::new("/usr/bin/python3")
        .args([script, kind, &port.to_string(), USER, password, mechanism])
        .arg(file)
        .output()
        .expect("Debian's Python")
}

/// Runs Net_Sieve, the client of Roundcube.
pub fn net_sieve(kind: &str, port: u16, password: &str, mechanism: &str, file: &Path) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/php/sieve.php");
    Command::new("php")
        .args([script, kind, &port.to_string(), USER, password, mechanism])
        .arg(file)
        .output()
        .expect("php")
}

/// Runs sieve-connect with these arguments. It uses STARTTLS where that is announced, which it is if `kind` is `starttls`.
pub fn sieve_connect(kind: &str, port: u16, arguments: &[&str]) -> Output {
    let folder = TempDir::new("sieve-connect");
    let password = folder.path().join("password");
    fs::write(&password, format!("{PASSWORD}\n")).expect("a file for the password");
    let password = File::open(password).expect("the file");
    Command::new("sieve-connect")
        .args(["--server", "127.0.0.1", "--nosrv", "--user", USER])
        .args(["--port", &port.to_string(), "--passwordfd", "0"])
        .arg("--notlsverify")
        .args((kind == "clear").then_some("--clearchan"))
        .args(arguments)
        .stdin(password)
        .output()
        .expect("sieve-connect")
}
