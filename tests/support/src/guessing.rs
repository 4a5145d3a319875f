//! Clients that guess passwords from many addresses, and users who log in meanwhile.
//!
//! All of them come through one address with PROXY headers, as through a load balancer.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::load::Client;
use crate::scripted::{ScriptedPeer, Step};
use crate::{auth_plain, free_port};

/// The users behind one address.
const NEIGHBOURS: u32 = 50;
/// Those of them whose phones have an old password.
const STALE: u32 = 3;
const NAT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

/// What happens.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// Guesses, each with another password.
    pub guesses: u32,
    /// How many a second. `None`: as fast as it goes.
    pub rate: Option<u32>,
    /// The addresses that guesses come from.
    pub addresses: u32,
    /// The accounts that are guessed. The first ones are those of users.
    pub accounts: u32,
    /// The connections at a time.
    pub clients: u32,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How long the guesses took.
    pub time: Duration,
    /// The most different wrong passwords of one account that the auth server was asked about.
    pub most_guesses: usize,
    /// How long successful logins took, the shortest first.
    pub logins: Vec<Duration>,
    /// The users who were refused, with the reply.
    pub refused: Vec<String>,
    /// Guesses that got no reply.
    pub unanswered: Vec<String>,
}

/// An auth server, a backend, and the port of the gateway that is to protect them.
#[derive(Debug)]
pub struct Site {
    pub port: u16,
    auth: u16,
    /// The wrong passwords of each login.
    guesses: Arc<Mutex<HashMap<String, HashSet<String>>>>,
}

impl Site {
    pub fn start() -> Self {
        // It lives as long as the process.
        let backend = ScriptedPeer::start(&[
            Step::Send(b"220 b\r\n"),
            Step::ReadLine,
            Step::Send(b"250 b\r\n"),
            Step::Stall,
        ])
        .port;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let auth = listener.local_addr().expect("its number").port();
        let guesses = Arc::<Mutex<HashMap<_, HashSet<_>>>>::default();
        let asked = Arc::clone(&guesses);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&asked);
                thread::spawn(move || answer(stream, backend, &asked));
            }
        });
        Self {
            port: free_port(),
            auth,
            guesses,
        }
    }

    /// The configuration of a gateway with a zone of this size: 5 wrong passwords for an account in an hour.
    pub fn mail(&self, zone: &str) -> String {
        let Self { port, auth, .. } = self;
        format!(
            "mail {{
                server_name gate.test; xclient off; auth_http 127.0.0.1:{auth}/; set_real_ip_from 127.0.0.1;
                limit_auth_zone $remote_user zone=accounts:{zone} rate=5r/h distinct=on;
                limit_auth zone=accounts action=refuse;
                limit_auth_zone $remote_addr zone=addresses:{zone} rate=20r/m distinct=on;
                limit_auth zone=addresses action=refuse;
                server {{ listen 127.0.0.1:{port} proxy_protocol; protocol smtp; }}
            }}"
        )
    }

    /// Lets users log in, and the attack run while they do so again and again.
    pub fn attack(&self, attack: Attack) -> Outcome {
        let mut outcome = Outcome::default();
        for user in 0..attack.accounts / 2 {
            self.log_in(user, &mut outcome);
        }
        outcome.logins.clear();
        let (next, ended) = (AtomicU32::new(0), AtomicBool::new(false));
        let begun = Instant::now();
        thread::scope(|scope| {
            let guessing =
                (0..attack.clients).map(|_| scope.spawn(|| self.guess(attack, &next, begun)));
            let guessing: Vec<_> = guessing.collect();
            let users = scope.spawn(|| self.users(attack, &ended));
            for client in guessing {
                outcome.unanswered.extend(client.join().expect("a client"));
            }
            outcome.time = begun.elapsed();
            ended.store(true, Ordering::Relaxed);
            let users = users.join().expect("the users");
            outcome.logins.extend(users.logins);
            outcome.refused.extend(users.refused);
        });
        outcome.logins.sort_unstable();
        let guesses = self.guesses.lock().expect("the guesses");
        let strangers = guesses
            .iter()
            .filter(|(login, _)| !login.starts_with("phone"));
        outcome.most_guesses = strangers.map(|(_, all)| all.len()).max().unwrap_or(0);
        outcome
    }

    /// One client of the attack. Returns what went wrong.
    fn guess(&self, attack: Attack, next: &AtomicU32, begun: Instant) -> Vec<String> {
        let mut unanswered = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= attack.guesses {
                return unanswered;
            }
            if let Some(rate) = attack.rate {
                let due = Duration::from_secs(1) * number / rate;
                thread::sleep(due.saturating_sub(begun.elapsed()));
            }
            // Neither the addresses nor the accounts come in their order.
            let mixed = number.wrapping_mul(0x9e37_79b1);
            let address = Ipv4Addr::from(0x0a00_0000 + mixed % attack.addresses);
            let account = login((mixed >> 7) % attack.accounts);
            if let Err(why) = self.session(address, &account, &format!("guess{number}"), "") {
                unanswered.push(why);
            }
        }
    }

    /// Users one after the other, with a pause between them.
    fn users(&self, attack: Attack, ended: &AtomicBool) -> Outcome {
        let mut outcome = Outcome::default();
        let mut user = 0;
        while !ended.load(Ordering::Relaxed) {
            self.log_in(user % (attack.accounts / 2), &mut outcome);
            let phone = format!("phone{}", user % STALE);
            if let Err(why) = self.session(NAT, &phone, "stale", "535") {
                outcome.refused.push(format!("{phone}: {why}"));
            }
            user += 1;
            thread::sleep(Duration::from_millis(2));
        }
        outcome
    }

    fn log_in(&self, user: u32, outcome: &mut Outcome) {
        let address = match user {
            0..NEIGHBOURS => NAT,
            _ => Ipv4Addr::from(0xc612_0000 + user),
        };
        let begun = Instant::now();
        match self.session(address, &login(user), "right", "235") {
            Ok(()) => outcome.logins.push(begun.elapsed()),
            Err(why) => outcome.refused.push(format!("{}: {why}", login(user))),
        }
    }

    /// A login whose reply must begin so.
    fn session(
        &self,
        from: Ipv4Addr,
        login: &str,
        password: &str,
        start: &str,
    ) -> Result<(), String> {
        let mut client = Client::connect(self.port)?;
        client.send(&format!("PROXY TCP4 {from} 192.0.2.1 40000 25\r\n"))?;
        client.expect("220")?;
        let login = auth_plain(login, password);
        client.say(&format!("AUTH PLAIN {login}\r\n"), start)
    }
}

fn login(number: u32) -> String {
    format!("user{number}@example.com")
}

/// Accepts the password `right`, and notes all others.
fn answer(stream: TcpStream, backend: u16, guesses: &Mutex<HashMap<String, HashSet<String>>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut login, mut password) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("Auth-User", value)) => value.clone_into(&mut login),
                Some(("Auth-Pass", value)) => value.clone_into(&mut password),
                _ if line.is_empty() => break,
                _ => {}
            }
        }
        let status = match password == "right" {
            true => format!("OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {backend}"),
            false => {
                let mut guesses = guesses.lock().expect("the guesses");
                guesses.entry(login).or_default().insert(password);
                "wrong".to_owned()
            }
        };
        let answer =
            format!("HTTP/1.1 200 OK\r\nAuth-Status: {status}\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
