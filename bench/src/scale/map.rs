//! A map of many users: the time and memory of `proxy_pass $backend`, alone and in a gateway under load.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use portcullis::config::{
    self, Authenticator, LogDestination, Options, PidOption, ProxyPass, ProxyRoute,
    SessionVariable, Variable, VariableSource,
};
use portcullis::process::machine::{Machine, Rights};
use portcullis::tls;
use support::TempDir;
use support::backend_loss::Backend;
use support::load::Client;
use support::{auth_plain, free_port};

use super::{megabytes, memory, print, reload, seconds, start};
use crate::failure::{Context as _, Failure};

/// How many logins are looked up.
const LOOKUPS: usize = 1_000_000;
/// The number of values in the map. The first of them is an address of the running backend.
const BACKENDS: usize = 40;
const RELOADS: usize = 5;
const CLIENTS: usize = 4;
const MAIN: &str = "worker_processes 2;\nevents { worker_connections 4096; }";

/// Measures a map file of so many lines.
///
/// # Errors
/// When something cannot be made or measured.
pub fn measure(lines: usize) -> Result<(), Failure> {
    let folder = TempDir::create("map-bench").context(|| "create a folder".to_owned())?;
    let backend = Backend::start();
    let port = free_port();
    let mail = write(folder.path(), lines, port, backend.port)?;
    println!("a map file of {lines} lines");
    let (gateway, started) = start(MAIN, &mail);
    print("start, s", seconds(started));
    print("memory (PSS), MB", megabytes(memory(&gateway)?));
    let idle = (0..RELOADS).map(|_| reload(&gateway)).collect();
    print("reload, s (median)", seconds(median(idle)));
    let load = Load::start(port, lines);
    let busy = (0..RELOADS).map(|_| reload(&gateway)).collect();
    let (sessions, failed) = load.end();
    print("reload under load, s (median)", seconds(median(busy)));
    print("sessions meanwhile", sessions);
    print("of these failed", failed);
    thread::sleep(Duration::from_secs(2));
    print("memory afterwards (PSS), MB", megabytes(memory(&gateway)?));
    drop(gateway);
    look_up(folder.path(), &mail, lines)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Clients with logins of the map.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<(usize, usize)>>,
}

impl Load {
    fn start(port: u16, lines: usize) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let threads = (0..CLIENTS).map(|client| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let (mut done, mut failed) = (0, 0);
                while !stop.load(Ordering::Relaxed) {
                    let user = login((done * CLIENTS + client) * BACKENDS % lines);
                    match session(port, &user) {
                        Ok(()) => done += 1,
                        Err(_) => failed += 1,
                    }
                }
                (done, failed)
            })
        });
        Self {
            threads: threads.collect(),
            stop,
        }
    }

    /// The numbers of sessions that were completed and that failed.
    fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        let results = self.threads.into_iter().filter_map(|one| one.join().ok());
        results.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

/// A session whose backend depends on its login.
fn session(port: u16, user: &str) -> Result<(), String> {
    let mut client = Client::connect(port)?;
    client.expect("220")?;
    client.say(
        &format!("AUTH PLAIN {}\r\n", auth_plain(user, "secret")),
        "235",
    )?;
    client.quit()
}

fn login(number: usize) -> String {
    format!("user{number:07}@customer{:04}.example.com", number % 5000)
}

/// Writes the map; returns the configuration that uses it.
fn write(folder: &Path, lines: usize, port: u16, backend: u16) -> Result<String, Failure> {
    let mut map = String::new();
    for number in 0..lines {
        let address = number % BACKENDS + 1;
        let _ = writeln!(map, "{} 127.0.0.{address}:{backend};", login(number));
    }
    let file = folder.join("users.map");
    fs::write(&file, map).context(|| "write the map".to_owned())?;
    Ok(format!(
        "mail {{ server_name gate.test; smtp_capabilities DSN; smtp_auth plain;\n\
         map $remote_user $backend {{ include {}; }}\n\
         server {{ listen 127.0.0.1:{port}; protocol smtp; proxy_pass $backend; }} }}\n",
        file.display()
    ))
}

/// Loads the map in this process, and looks up random logins.
fn look_up(folder: &Path, mail: &str, lines: usize) -> Result<(), Failure> {
    let file = folder.join("gateway.conf");
    fs::write(&file, format!("events {{}}\n{mail}"))
        .context(|| "write the configuration".to_owned())?;
    let begun = Instant::now();
    let route = load(folder, &file)?;
    print("load, s", seconds(begun.elapsed()));
    let mut latencies = Vec::with_capacity(LOOKUPS);
    let mut state = 0x9e37_79b9_u64;
    for _ in 0..LOOKUPS {
        // A linear congruential generator: neighbours in the file are not looked up one after the other.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let login = Login(login((state >> 33) as usize % lines));
        let begun = Instant::now();
        let value = route.text.template.evaluate(&login);
        latencies.push(begun.elapsed());
        if value.is_empty() {
            return Err(Failure::new(format!("{} has no backend", login.0)));
        }
    }
    latencies.sort_unstable();
    let quantile = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    print("look-up p50, ns", quantile(0.5).as_nanos());
    print("look-up p99, ns", quantile(0.99).as_nanos());
    Ok(())
}

fn load(folder: &Path, file: &Path) -> Result<ProxyRoute, Failure> {
    let world = Machine {
        check_pair: tls::check_pair,
        check_tls: tls::check,
        check_client_tls: tls::check_client,
        rights: Rights::Own,
    };
    let options = Options {
        program: "portcullis",
        prefix: folder.into(),
        file: file.into(),
        globals: None,
        error_log: LogDestination::Stderr,
        allowed: Vec::new(),
        pid: PidOption::BuiltIn(PathBuf::from("gateway.pid")),
        typed: None,
        messages: Default::default(),
    };
    let loaded = config::load(&world, &options, &mut |_| ());
    let loaded = loaded.map_err(|why| Failure::new(String::from_utf8_lossy(&why.text())))?;
    let server = loaded.config.servers.first();
    match server.map(|server| &server.authenticator) {
        Some(Authenticator::Backend(ProxyPass::Route(route))) => Ok(route.clone()),
        _ => Err(Failure::new("the server has no route")),
    }
}

/// A client of which only the login matters.
struct Login(String);

impl VariableSource for Login {
    fn append(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let is_login = *variable == Variable::Session(SessionVariable::RemoteUser);
        if is_login {
            out.extend_from_slice(self.0.as_bytes());
        }
        is_login
    }
}
