//! Clients that guess passwords from many addresses, while users log in (`limit_auth`).

use std::time::Duration;

use support::guessing::{Attack, Site};

use super::{memory, print, start};
use crate::failure::{Context as _, Failure};

/// Guesses a second.
const RATE: u32 = 3000;
const ATTACK: Attack = Attack {
    guesses: 0,
    rate: Some(RATE),
    addresses: 200_000,
    accounts: 1000,
    clients: 64,
};
const MAIN: &str = "worker_processes 2;\nevents { worker_connections 8192; }";

/// Measures an attack of so many seconds.
///
/// # Errors
/// When there are too many seconds, or the memory cannot be measured.
pub fn measure(seconds: usize) -> Result<(), Failure> {
    let seconds = u32::try_from(seconds).context(|| "read the seconds".to_owned())?;
    println!(
        "{RATE} guesses a second for {seconds} s from {} addresses at {} accounts; zones of 32 MB; half of the accounts log in meanwhile",
        ATTACK.addresses, ATTACK.accounts
    );
    let site = Site::start();
    let mail = site.mail("32m");
    let (gateway, _) = start(MAIN, &mail.replacen('{', "{ error_log /dev/null crit;", 1));
    let before = memory(&gateway)?;
    let outcome = site.attack(Attack {
        guesses: RATE * seconds,
        ..ATTACK
    });
    let rate = f64::from(RATE * seconds) / outcome.time.as_secs_f64();
    print("guesses a second", format!("{rate:.0}"));
    print("guesses without a reply", outcome.unanswered.len());
    print(
        "most wrong passwords asked for an account",
        outcome.most_guesses,
    );
    print("logins of users meanwhile", outcome.logins.len());
    print(
        "users refused, and phones told other than 535",
        outcome.refused.len(),
    );
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let at = (outcome.logins.len().saturating_sub(1) as f64 * share) as usize;
        let latency = outcome.logins.get(at).copied().unwrap_or(Duration::ZERO);
        print(
            &format!("login {name}, ms"),
            format!("{:.1}", latency.as_secs_f64() * 1000.0),
        );
    }
    let grown = memory(&gateway)?.saturating_sub(before);
    print(
        "memory for all of it, MB",
        format!("{:.1}", grown as f64 / 1e6),
    );
    if let Some(why) = outcome.refused.first().or(outcome.unanswered.first()) {
        println!("    {why}");
    }
    Ok(())
}
