//! One of three backends fails under load.

use std::time::{Duration, Instant};

use support::backend_loss::{Backend, Loss, Sessions};
use support::free_port;
use support::upstream_group::group_mail;

use super::start;
use crate::failure::Failure;

const CLIENTS: usize = 16;
/// The time before and after the failure.
const PHASES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(14)];
/// Limits of the gateway: connections to a backend that does not answer, and sessions with one.
const LIMITS: &str = "proxy_connect_timeout 1s; error_log /dev/null crit;";
const MAIN: &str = "worker_processes 2;\nevents { worker_connections 4096; }";
/// A session that takes longer is delayed.
const DELAYED: Duration = Duration::from_millis(500);

/// Measures each kind of failure without health checks and with them.
///
/// # Errors
/// None.
pub fn measure() -> Result<(), Failure> {
    println!(
        "{CLIENTS} clients, three backends, one fails after 1 s; proxy_connect_timeout 1s, fail_timeout 10s (default)"
    );
    println!(
        "{:<22} {:>9} {:>12} {:>12} {:>14} {:>9} {:>11}",
        "failure",
        "sessions",
        "failed, open",
        "failed, new",
        "last failure,s",
        "delayed",
        "longest, s"
    );
    for loss in [Loss::Refuses, Loss::Killed, Loss::Silent] {
        for (check, shown) in [("", ""), ("health_check interval=500ms;", ", checks")] {
            one(loss, check, shown);
        }
    }
    Ok(())
}

fn one(loss: Loss, check: &str, shown: &str) {
    let backends = [(); 3].map(|()| Backend::start());
    let servers = backends.iter();
    let servers: String = servers
        .map(|backend| format!("server 127.0.0.1:{};", backend.port))
        .collect();
    let port = free_port();
    let mail = group_mail(port, "smtp", &format!("{servers} {check}"), LIMITS);
    let (gateway, _) = start(MAIN, &mail);
    let sessions = Sessions::start(port, CLIENTS);
    std::thread::sleep(PHASES[0]);
    let lost = Instant::now();
    backends[0].fail(loss);
    std::thread::sleep(PHASES[1]);
    let ended = sessions.end();
    drop(gateway);
    let failed = || ended.iter().filter(|one| one.error.is_some());
    let open = failed().filter(|one| one.at.0 < lost).count();
    let last = failed()
        .map(|one| one.at.1.saturating_duration_since(lost))
        .max();
    let longest = ended.iter().map(|one| one.at.1 - one.at.0).max();
    println!(
        "{:<22} {:>9} {:>12} {:>12} {:>14} {:>9} {:>11.2}",
        format!("{loss:?}{shown}").to_lowercase(),
        ended.len(),
        open,
        failed().count() - open,
        last.map_or("-".to_owned(), |last| format!("{:.2}", last.as_secs_f64())),
        ended
            .iter()
            .filter(|one| one.at.1 - one.at.0 > DELAYED)
            .count(),
        longest.unwrap_or_default().as_secs_f64(),
    );
    if let Some(error) = failed().find(|one| one.at.0 >= lost) {
        println!("    {}", error.error.as_deref().unwrap_or_default());
    }
}
