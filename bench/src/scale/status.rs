//! What `status` costs while a program reads it each second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use support::backend_loss::{Backend, Sessions};
use support::status::StatusPages;
use support::upstream_group::group_mail;
use support::{Gateway, TempDir, free_port};

use super::{print, start};
use crate::failure::{Context as _, Failure};
use crate::process_tree::Tree;

const CLIENTS: usize = 8;
/// The sessions of one program in one round.
const SESSIONS: usize = 4000;
/// The time between two requests for the metrics.
const INTERVAL: Duration = Duration::from_secs(1);
const MAIN: &str = "worker_processes 2;\nevents { worker_connections 4096; }";

/// A gateway that is measured.
struct Measured {
    name: &'static str,
    gateway: Gateway,
    port: u16,
    /// Microseconds of CPU time for each session, a round each.
    cpu: Vec<f64>,
}

/// Measures gateways without `status`, twice, and one with it, in so many rounds.
///
/// # Errors
/// When something cannot be made or measured.
pub fn measure(rounds: usize) -> Result<(), Failure> {
    let folder = TempDir::create("status-bench").context(|| "create a folder".to_owned())?;
    let socket = folder.path().join("status");
    let backend = Backend::start();
    let with_status = format!("status unix:{};\n{MAIN}", socket.display());
    let mut all = [
        ("without status", MAIN),
        ("without status, again", MAIN),
        ("with status, read each second", &*with_status),
    ]
    .map(|(name, main)| {
        let port = free_port();
        let group = format!("server 127.0.0.1:{};", backend.port);
        let mail = group_mail(port, "smtp", &group, "error_log /dev/null crit;");
        let (gateway, _) = start(main, &mail);
        Measured {
            name,
            gateway,
            port,
            cpu: Vec::new(),
        }
    });
    println!(
        "CPU time of a session with a login, us, medians of {rounds} rounds of {SESSIONS} sessions"
    );
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let pages = StatusPages::unix(&socket);
            while !ended.load(Ordering::Relaxed) {
                pages.get("/metrics");
                thread::sleep(INTERVAL);
            }
        });
        let measured = (0..rounds).try_for_each(|_| all.iter_mut().try_for_each(Measured::round));
        ended.store(true, Ordering::Relaxed);
        measured
    })?;
    let mut medians = all.iter_mut().map(|one| (one.name, one.median()));
    let Some((name, base)) = medians.next() else {
        return Ok(());
    };
    print(name, format!("{base:.1}"));
    for (name, cpu) in medians {
        print(name, format!("{cpu:.1} ({:.3})", cpu / base));
    }
    Ok(())
}

impl Measured {
    fn round(&mut self) -> Result<(), Failure> {
        let tree = Tree::new(self.gateway.pid());
        let before = tree.cpu()?;
        let sessions = Sessions::start(self.port, CLIENTS);
        sessions.more(SESSIONS);
        let ended = sessions.end().len();
        let spent = tree.cpu()?.since(&before);
        self.cpu
            .push(spent.nanoseconds as f64 / 1000.0 / ended as f64);
        Ok(())
    }

    fn median(&mut self) -> f64 {
        self.cpu.sort_unstable_by(f64::total_cmp);
        self.cpu
            .get(self.cpu.len() / 2)
            .copied()
            .unwrap_or(f64::NAN)
    }
}
