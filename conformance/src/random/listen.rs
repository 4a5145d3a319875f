//! Generates the arguments of `listen`. There are few ports, so that addresses collide.

use crate::rng::Rng;

const HOSTS: [&str; 10] = [
    "@IP@:",
    "@IP@:",
    "127.0.0.1:",
    "*:",
    "0.0.0.0:",
    "",
    "[::1]:",
    "[::]:",
    "localhost:",
    "[::ffff:127.0.0.1]:",
];
const PORTS: [&str; 8] = [
    "2501",
    "2502",
    "2503",
    "2501-2503",
    "2502-2504",
    "02501",
    "2504",
    "2505",
];
const PARAMETERS: [&str; 18] = [
    "ssl",
    "ssl",
    "bind",
    "proxy_protocol",
    "backlog=5",
    "backlog=100",
    "rcvbuf=8k",
    "sndbuf=16k",
    "ipv6only=on",
    "ipv6only=off",
    "so_keepalive=on",
    "so_keepalive=off",
    "so_keepalive=5m:30:",
    "backlog=0",
    "so_keepalive=::",
    "ipv6only=x",
    "bin",
    "rcvbuf=1kk",
];
/// The number of valid parameters; they come first.
const VALID: usize = 13;

/// An address and parameters.
pub fn arguments(rng: &mut Rng) -> String {
    let mut text = format!("{}{}", rng.pick(&HOSTS), rng.pick(&PORTS));
    if rng.permille(30) {
        text = "unix:@ROOT@/s.sock".into();
    }
    let known = if rng.permille(60) {
        PARAMETERS.len()
    } else {
        VALID
    };
    for _ in 0..[0, 0, 0, 1, 1, 2, 4][rng.below(7)] {
        text.push(' ');
        text.push_str(PARAMETERS[rng.below(known)]);
    }
    text
}
