//! `limit_session` and `limit_conn`, compared with nginx's `limit_req` (http) and `limit_conn` (stream): both get the same numbers and
//! the same arrivals at the same times.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use portcullis::config::Rate;
use portcullis::limit::{SessionCheck, SessionVerdict, SessionZone, check_sessions};
use support::nginx::{HTTP, Nginx};
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, TIMEOUT, connect_from, free_port, wait_until};

/// How late an arrival may be decided. No schedule gets other decisions when some of its arrivals are this late.
const LATE: Duration = Duration::from_millis(200);
/// How often a schedule is repeated on a machine that is too busy to keep it.
const ATTEMPTS: usize = 20;
/// The thousandths by which an excess may differ because times are rounded to milliseconds.
const ROUNDING: u64 = 20;
/// The time by which nginx's timers may be early.
const EARLY: Duration = Duration::from_millis(20);

/// A rule with a zone of its own.
struct Rule {
    key: Key,
    rate: Rate,
    burst: u64,
    /// `None`: `nodelay`
    delay: Option<u64>,
}

/// The key of a zone.
#[derive(Clone, Copy)]
enum Key {
    Client,
    /// The same for all clients.
    Server,
}

/// An arrival: when, in milliseconds; of which client; and what is decided: `p`assed, `d`elayed or `r`efused.
type Arrival = (u64, char, char);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Passed,
    /// With the excess in thousandths.
    Delayed(u64),
    Refused(u64),
}

impl Rule {
    const fn of_client(rate: Rate, burst: u64, delay: Option<u64>) -> Self {
        let key = Key::Client;
        Self {
            key,
            rate,
            burst,
            delay,
        }
    }

    /// The zone and its rule, with the directives `<prefix>_zone` and `<prefix>`.
    fn lines(&self, prefix: &str, number: usize) -> (String, String) {
        let key = match self.key {
            Key::Client => "$remote_addr",
            Key::Server => "$server_addr",
        };
        let Rate { number: rate, time } = self.rate;
        let unit = if time == 1 { "r/s" } else { "r/m" };
        let zone = format!("{prefix}_zone {key} zone=z{number}:64k rate={rate}{unit};\n");
        let burst = match self.burst {
            0 => String::new(),
            burst => format!(" burst={burst}"),
        };
        let delay = match self.delay {
            None => " nodelay".to_string(),
            Some(0) => String::new(),
            Some(delay) => format!(" delay={delay}"),
        };
        (zone, format!("{prefix} zone=z{number}{burst}{delay};\n"))
    }
}

impl Decision {
    fn letter(self) -> char {
        match self {
            Self::Passed => 'p',
            Self::Delayed(_) => 'd',
            Self::Refused(_) => 'r',
        }
    }

    /// What the log says about a connection.
    fn logged(log: &str, connection: usize) -> Self {
        let number = format!("*{connection} ");
        let mut lines = log.lines().filter(|line| line.contains(&number));
        let Some(line) = lines.find(|line| line.contains(", excess: ")) else {
            return Self::Passed;
        };
        let (_, excess) = line.split_once(", excess: ").expect("an excess");
        let is_part = |char: &char| char.is_ascii_digit() || *char == '.';
        let digits: String = excess.chars().take_while(is_part).collect();
        let excess = digits.replace('.', "").parse().expect("a number");
        match line.contains(&format!("{number}delaying ")) {
            true => Self::Delayed(excess),
            false => Self::Refused(excess),
        }
    }

    /// The same decision, with an excess that differs by `most` at most.
    fn is_near(self, other: Self, most: u64) -> bool {
        match (self, other) {
            (Self::Passed, Self::Passed) => true,
            (Self::Delayed(one), Self::Delayed(other))
            | (Self::Refused(one), Self::Refused(other)) => one.abs_diff(other) <= most,
            _ => false,
        }
    }
}

impl From<SessionVerdict> for Decision {
    fn from(verdict: SessionVerdict) -> Self {
        match verdict {
            SessionVerdict::Passed => Self::Passed,
            SessionVerdict::Delayed { excess, .. } => Self::Delayed(excess),
            SessionVerdict::Refused { excess, .. } => Self::Refused(excess),
        }
    }
}

/// The address of a client.
fn address(client: char) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, client as u8)
}

/// A server under test.
struct Server {
    port: u16,
    log: PathBuf,
    request: &'static [u8],
}

/// A connection after the decision about it.
struct Decided {
    /// The time before which it was not decided.
    from: Instant,
    /// The time at which it was.
    to: Instant,
    answer: JoinHandle<Answer>,
}

struct Answer {
    text: String,
    /// When it began.
    at: Instant,
}

impl Server {
    /// Connects as the connection with this number, and waits until the server has decided about it.
    fn arrive(&self, connection: usize, client: char) -> Decided {
        let from = Instant::now();
        let mut stream = connect_from(address(client), self.port);
        stream.write_all(self.request).expect("to send");
        let is_http = !self.request.is_empty();
        let answer = spawn(move || Answer::read(stream, is_http));
        let delayed = format!("*{connection} delaying ");
        while !answer.is_finished() && !self.log().contains(&delayed) {
            assert!(from.elapsed() < TIMEOUT, "no decision:\n{}", self.log());
            sleep(Duration::from_millis(1));
        }
        let to = Instant::now();
        Decided { from, to, answer }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Answer {
    /// Reads a response of HTTP, or the first line of another protocol.
    fn read(stream: TcpStream, is_http: bool) -> Self {
        let mut client = LineClient::over(stream);
        let mut text = client.read_reply();
        let at = Instant::now();
        if is_http {
            text += &client.read_to_end();
        }
        Self { text, at }
    }

    /// When nginx decided, in milliseconds.
    fn arrived(&self) -> u64 {
        let (_, time) = self.text.split_once("X-Arrived: ").expect("the header");
        let time = time.lines().next().expect("its value").replace('.', "");
        time.parse().expect("a time")
    }
}

/// nginx and the gateway with the same rules.
struct Pair {
    nginx: Server,
    gateway: Server,
    _nginx: Nginx,
    _gateway: Gateway,
}

impl Pair {
    fn start(rules: &[Rule]) -> Self {
        let lines = |prefix| {
            let rules = rules.iter().enumerate();
            let lines = rules.map(move |(number, rule)| rule.lines(prefix, number));
            lines.unzip::<String, String, String, String>()
        };
        let ports = [free_port(), free_port()];
        let (zones, rules) = lines("limit_req");
        let nginx = Nginx::start(&format!(
            "http {{ {HTTP} {zones} server {{ listen 127.0.0.1:{}; {rules}
             set $arrived $msec; add_header X-Arrived $arrived always;
             location / {{ empty_gif; }} }} }}",
            ports[0]
        ));
        let (zones, rules) = lines("limit_session");
        let gateway = Gateway::start(&format!(
            "mail {{ auth_http 127.0.0.1:9/; {zones} server {{ listen 127.0.0.1:{}; protocol smtp; {rules} }} }}",
            ports[1]
        ));
        Self {
            nginx: Server {
                port: ports[0],
                log: nginx.error_log(),
                request: b"GET / HTTP/1.0\r\n\r\n",
            },
            gateway: Server {
                port: ports[1],
                log: gateway.folder().join("error.log"),
                request: b"",
            },
            _nginx: nginx,
            _gateway: gateway,
        }
    }
}

/// A decision, the answer to the client, and for how long it was certainly held back.
struct Outcome {
    decision: Decision,
    answer: Answer,
    waited: Duration,
}

impl Outcome {
    fn of(decided: Decided, log: &str, connection: usize) -> Self {
        let answer = decided.answer.join().expect("the answer");
        Self {
            decision: Decision::logged(log, connection),
            waited: answer.at.saturating_duration_since(decided.from),
            answer,
        }
    }
}

/// What both decided about all arrivals of a schedule.
struct Run {
    nginx: Vec<Outcome>,
    gateway: Vec<Outcome>,
    /// The most time between the decisions of the two about one arrival.
    apart: Duration,
}

impl Run {
    /// `None`: the machine was too busy to keep the schedule.
    fn of(rules: &[Rule], arrivals: &[Arrival]) -> Option<Self> {
        let pair = Pair::start(rules);
        let begun = Instant::now();
        let (mut nginx, mut gateway) = (Vec::new(), Vec::new());
        let mut apart = Duration::ZERO;
        for (connection, (at, client, _)) in (1..).zip(arrivals) {
            let due = begun + Duration::from_millis(*at);
            sleep(due.saturating_duration_since(Instant::now()));
            let theirs = pair.nginx.arrive(connection, *client);
            let ours = pair.gateway.arrive(connection, *client);
            if ours.to > due + LATE {
                return None;
            }
            apart = apart.max(ours.to - theirs.from);
            nginx.push(theirs);
            gateway.push(ours);
        }
        let wait = |decided: &Decided| decided.answer.is_finished();
        wait_until("the answers", || nginx.iter().chain(&gateway).all(wait));
        // The line about one more connection comes after all others.
        let last = arrivals.len() + 1;
        pair.gateway.arrive(last, 'z');
        let line = format!("*{last} client ");
        wait_until("the last line", || pair.gateway.log().contains(&line));
        let outcomes = |decided: Vec<Decided>, log: &str| {
            let all = (1..).zip(decided);
            all.map(|(connection, decided)| Outcome::of(decided, log, connection))
                .collect()
        };
        Some(Self {
            nginx: outcomes(nginx, &pair.nginx.log()),
            gateway: outcomes(gateway, &pair.gateway.log()),
            apart,
        })
    }

    /// What the gateway's zones decide at the times of nginx's decisions.
    fn expected(&self, rules: &[Rule], arrivals: &[Arrival]) -> Vec<SessionVerdict> {
        let begun = Instant::now();
        let zones = rules.iter().map(|_| SessionZone::new(64 << 10, begun));
        let zones: Vec<_> = zones.collect();
        let first = self.nginx[0].answer.arrived();
        let each = self.nginx.iter().zip(arrivals);
        let verdicts = each.map(|(outcome, (_, client, _))| {
            let time = outcome.answer.arrived().saturating_sub(first);
            let key = client.to_string();
            let checks = rules.iter().zip(&zones).map(|(rule, zone)| SessionCheck {
                zone,
                key: match rule.key {
                    Key::Client => key.as_bytes(),
                    Key::Server => b"server",
                },
                rate: rule.rate.thousandths(),
                burst: rule.burst * 1000,
                delay: rule.delay.map_or(u64::MAX, |delay| delay * 1000),
            });
            let checks: Vec<_> = checks.collect();
            check_sessions(&checks, begun + Duration::from_millis(time))
        });
        verdicts.collect()
    }
}

/// Sends the same arrivals to both, and compares decisions, excesses, answers and waits.
fn compare(rules: &[Rule], arrivals: &[Arrival]) {
    let mut runs = (0..ATTEMPTS).map(|_| Run::of(rules, arrivals));
    let run = runs.find_map(|run| run).expect("a run in time");
    let letters = |outcomes: &[Outcome]| -> String {
        let letters = outcomes.iter().map(|outcome| outcome.decision.letter());
        letters.collect()
    };
    let scheduled: String = arrivals.iter().map(|(.., letter)| letter).collect();
    assert_eq!(letters(&run.nginx), scheduled, "nginx");
    assert_eq!(letters(&run.gateway), scheduled, "the gateway");
    let rates = rules.iter().map(|rule| rule.rate.thousandths());
    let rate = rates.max().expect("a rule");
    let apart = rate * run.apart.as_millis() as u64 / 1000 + ROUNDING;
    let expected = run.expected(rules, arrivals);
    for (at, verdict) in expected.into_iter().enumerate() {
        let (theirs, ours) = (&run.nginx[at], &run.gateway[at]);
        let (their, our) = (theirs.decision, ours.decision);
        let what = format!("arrival {at}: nginx {their:?}, gateway {our:?}, zones {verdict:?}");
        assert!(their.is_near(verdict.into(), ROUNDING), "{what}");
        assert!(our.is_near(their, apart), "{what}");
        let (status, reply) = match our {
            Decision::Refused(_) => ("HTTP/1.1 503", "421 4.7.0 Too many sessions\r\n"),
            Decision::Passed | Decision::Delayed(_) => ("HTTP/1.1 200", "220 "),
        };
        assert!(theirs.answer.text.starts_with(status), "{what}");
        assert!(ours.answer.text.starts_with(reply), "{what}");
        if let SessionVerdict::Delayed { wait, .. } = verdict {
            for waited in [theirs.waited, ours.waited] {
                assert!(waited + EARLY + run.apart >= wait, "{what}: {waited:?}");
            }
        }
    }
}

const TWO_PER_SECOND: Rate = Rate { number: 2, time: 1 };

#[test]
fn without_burst() {
    let rule = Rule::of_client(TWO_PER_SECOND, 0, Some(0));
    let arrivals = [
        (0, 'a', 'p'),
        (0, 'a', 'r'),
        (0, 'a', 'r'),
        (250, 'a', 'r'),
        (750, 'a', 'p'),
        (1000, 'a', 'r'),
        (1500, 'a', 'p'),
    ];
    compare(&[rule], &arrivals);
}

#[test]
fn a_burst_is_delayed() {
    let rule = Rule::of_client(TWO_PER_SECOND, 3, Some(0));
    let arrivals = [
        (0, 'a', 'p'),
        (0, 'a', 'd'),
        (0, 'a', 'd'),
        (0, 'a', 'd'),
        (0, 'a', 'r'),
        (0, 'a', 'r'),
        (750, 'a', 'd'),
        (750, 'a', 'r'),
        (3000, 'a', 'p'),
    ];
    compare(&[rule], &arrivals);
}

#[test]
fn a_burst_without_delay() {
    let rule = Rule::of_client(TWO_PER_SECOND, 3, None);
    let arrivals = [
        (0, 'a', 'p'),
        (0, 'a', 'p'),
        (0, 'a', 'p'),
        (0, 'a', 'p'),
        (0, 'a', 'r'),
        (0, 'a', 'r'),
        (750, 'a', 'p'),
        (750, 'a', 'r'),
        (1500, 'a', 'p'),
    ];
    compare(&[rule], &arrivals);
}

#[test]
fn a_burst_of_which_a_part_is_delayed() {
    let rule = Rule::of_client(TWO_PER_SECOND, 5, Some(2));
    let arrivals = [
        (0, 'a', 'p'),
        (0, 'a', 'p'),
        (0, 'a', 'p'),
        (0, 'a', 'd'),
        (0, 'a', 'd'),
        (0, 'a', 'd'),
        (0, 'a', 'r'),
        (0, 'a', 'r'),
        (750, 'a', 'd'),
        (750, 'a', 'r'),
        (2750, 'a', 'p'),
        (2750, 'a', 'd'),
    ];
    compare(&[rule], &arrivals);
}

/// 40 in a minute are 666 thousandths in a second.
#[test]
fn a_rate_per_minute() {
    let rate = Rate {
        number: 40,
        time: 60,
    };
    let rule = Rule::of_client(rate, 1, Some(0));
    let arrivals = [
        (0, 'a', 'p'),
        (0, 'a', 'd'),
        (0, 'a', 'r'),
        (750, 'a', 'r'),
        (2250, 'a', 'd'),
        (2250, 'a', 'r'),
    ];
    compare(&[rule], &arrivals);
}

#[test]
fn each_key_has_its_own_burst() {
    let rule = Rule::of_client(TWO_PER_SECOND, 1, None);
    let arrivals = [
        (0, 'a', 'p'),
        (0, 'a', 'p'),
        (0, 'b', 'p'),
        (0, 'a', 'r'),
        (0, 'b', 'p'),
        (0, 'b', 'r'),
        (750, 'b', 'p'),
        (750, 'a', 'p'),
        (750, 'a', 'r'),
    ];
    compare(&[rule], &arrivals);
}

/// An arrival that one zone refuses counts in none.
#[test]
fn two_zones() {
    let rules = [
        Rule::of_client(TWO_PER_SECOND, 1, None),
        Rule {
            key: Key::Server,
            rate: TWO_PER_SECOND,
            burst: 3,
            delay: Some(1),
        },
    ];
    let arrivals = [
        (0, 'a', 'p'),
        (0, 'a', 'p'),
        (0, 'a', 'r'),
        (0, 'b', 'd'),
        (0, 'b', 'd'),
        (0, 'b', 'r'),
        (0, 'c', 'r'),
        (750, 'c', 'd'),
        (750, 'c', 'r'),
        (1500, 'c', 'd'),
    ];
    compare(&rules, &arrivals);
}

/// A step of a test of `limit_conn`.
enum Conn {
    /// A client connects, and is `p`assed or `r`efused.
    Open(char, char),
    /// The passed connection with this number, from 0, closes, and a client takes the place that it had.
    Replace(usize, char),
}

/// nginx's stream module and the gateway, with the same `limit_conn` lines.
struct ConnPair {
    ports: [u16; 2],
    _nginx: Nginx,
    _gateway: Gateway,
}

impl ConnPair {
    fn start(zones: &str, rules: &str) -> Self {
        let backend = ScriptedPeer::start(&[Step::Send(b"220 backend\r\n"), Step::Stall]);
        let ports = [free_port(), free_port()];
        let nginx = Nginx::start(&format!(
            "stream {{ {zones} server {{ listen 127.0.0.1:{}; proxy_pass 127.0.0.1:{}; {rules} }} }}",
            ports[0], backend.port
        ));
        let gateway = Gateway::start(&format!(
            "mail {{ auth_http 127.0.0.1:9/; {zones} server {{ listen 127.0.0.1:{}; protocol smtp; {rules} }} }}",
            ports[1]
        ));
        Self {
            ports,
            _nginx: nginx,
            _gateway: gateway,
        }
    }
}

/// Connects and reads a greeting, if the server lets the client in.
fn open(port: u16, client: char) -> Option<TcpStream> {
    let mut stream = connect_from(address(client), port);
    let mut start = [0; 4];
    let read = stream.read(&mut start).expect("a greeting or the end");
    start[..read].starts_with(b"220 ").then_some(stream)
}

/// Takes the same steps with both.
fn compare_connections(zones: &str, rules: &str, steps: &[Conn]) {
    let pair = ConnPair::start(zones, rules);
    for (port, name) in pair.ports.into_iter().zip(["nginx", "the gateway"]) {
        let mut passed = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            match *step {
                Conn::Open(client, decision) => {
                    let stream = open(port, client);
                    assert_eq!(stream.is_some(), decision == 'p', "{name}: step {at}");
                    passed.extend(stream.map(Some));
                }
                Conn::Replace(closed, client) => {
                    passed[closed] = None;
                    wait_until(&format!("{name}: step {at}"), || {
                        passed[closed] = open(port, client);
                        passed[closed].is_some()
                    });
                }
            }
        }
    }
}

#[test]
fn one_connection() {
    let steps = [
        Conn::Open('a', 'p'),
        Conn::Open('a', 'r'),
        Conn::Open('b', 'p'),
        Conn::Open('b', 'r'),
        Conn::Replace(0, 'a'),
        Conn::Open('a', 'r'),
        Conn::Open('b', 'r'),
        Conn::Replace(1, 'b'),
        Conn::Open('b', 'r'),
    ];
    let zone = "limit_conn_zone $remote_addr zone=client:64k;";
    compare_connections(zone, "limit_conn client 1;", &steps);
}

#[test]
fn two_connections() {
    let steps = [
        Conn::Open('a', 'p'),
        Conn::Open('a', 'p'),
        Conn::Open('a', 'r'),
        Conn::Open('a', 'r'),
        Conn::Replace(0, 'a'),
        Conn::Open('a', 'r'),
        Conn::Replace(1, 'a'),
        Conn::Replace(0, 'a'),
        Conn::Open('a', 'r'),
        Conn::Open('b', 'p'),
        Conn::Open('b', 'p'),
        Conn::Open('b', 'r'),
    ];
    let zone = "limit_conn_zone $binary_remote_addr zone=client:64k;";
    compare_connections(zone, "limit_conn client 2;", &steps);
}

/// A connection that one zone refuses takes no place in another.
#[test]
fn connections_in_two_zones() {
    let steps = [
        Conn::Open('a', 'p'),
        Conn::Open('a', 'p'),
        Conn::Open('a', 'r'),
        Conn::Open('b', 'p'),
        Conn::Open('b', 'r'),
        Conn::Open('b', 'r'),
        Conn::Replace(0, 'b'),
        Conn::Open('c', 'r'),
        Conn::Replace(1, 'c'),
        Conn::Open('a', 'r'),
        Conn::Replace(2, 'a'),
    ];
    let zones = "limit_conn_zone $remote_addr zone=client:64k; limit_conn_zone $server_addr zone=server:64k;";
    let rules = "limit_conn client 2; limit_conn server 3;";
    compare_connections(zones, rules, &steps);
}
