//! Figures with targets of their own: large configurations, backends that fail under load, hostile clients, the cost of `status`.

use std::process::ExitCode;

use portcullis_bench::failure::Failure;
use portcullis_bench::scale::{attack, held, kill, map, sni, status};

const USAGE: &str = "\
usage: script/bench --map [LINES] | --sni [CERTIFICATES] | --kill | --attack [SECONDS] | --held [CLIENTS] | --status [ROUNDS]

  --map    a map file for `proxy_pass $backend` (default 1000000 lines): load, start, reload under load, memory, look-ups
  --sni    certificates for one server and for as many servers (default 10000): start, memory, a renewed certificate
  --kill   one of three backends fails under load: failed sessions, the time until the last one, with and without health_check
  --attack passwords guessed from 200000 addresses (default for 20 s): guesses asked, logins of users, memory
  --held   clients that say nothing (default 9000): logins meanwhile, memory
  --status CPU time of a session without `status`, and with it (default 15 rounds)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let usage = || Failure::new(USAGE);
    let (what, count) = match arguments {
        [what] => (what.as_str(), None),
        [what, count] => (what.as_str(), Some(count.parse().map_err(|_| usage())?)),
        _ => return Err(usage()),
    };
    match (what, count) {
        ("--map", lines) => map::measure(lines.unwrap_or(1_000_000)),
        ("--sni", certificates) => sni::measure(certificates.unwrap_or(10_000)),
        ("--attack", seconds) => attack::measure(seconds.unwrap_or(20)),
        ("--held", clients) => held::measure(clients.unwrap_or(9000)),
        ("--status", rounds) => status::measure(rounds.unwrap_or(15)),
        ("--kill", None) => kill::measure(),
        _ => Err(usage()),
    }
}
