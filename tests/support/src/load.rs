//! SMTP sessions in numbers, for tests that exchange what serves them: an auth server, a backend, clients that count what they
//! lost.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use crate::{TIMEOUT, auth_plain, free_port, wait_until};

/// An auth server that lets everybody in, and a backend that takes every message.
#[derive(Debug)]
pub struct Peers {
    /// The port of the auth server.
    pub auth: u16,
    /// The port of the backend.
    pub backend: u16,
    gate: Arc<Gate>,
}

/// Holds the answers for the user `slow`.
#[derive(Debug, Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
    waiting: AtomicUsize,
}

impl Peers {
    pub fn start() -> Self {
        let gate = Arc::<Gate>::default();
        let backend = serve(|stream| drop(take_mail(stream)));
        let auth = serve({
            let gate = Arc::clone(&gate);
            move |stream| drop(let_in(stream, backend, &gate))
        });
        Self {
            auth,
            backend,
            gate,
        }
    }

    /// Logins of `slow` that wait for an answer.
    pub fn waiting(&self) -> usize {
        self.gate.waiting.load(Ordering::SeqCst)
    }

    /// Answers them.
    pub fn answer(&self) {
        *self.gate.open.lock().expect("the gate") = true;
        self.gate.opened.notify_all();
    }
}

/// Serves each connection in a thread of its own.
fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
    let each = Arc::new(each);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = Arc::clone(&each);
            std::thread::spawn(move || each(stream));
        }
    });
    port
}

fn let_in(stream: TcpStream, backend: u16, gate: &Gate) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut is_slow = false;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        is_slow |= line.trim_end() == "Auth-User: slow";
        if line == "\r\n" {
            break;
        }
    }
    if is_slow {
        gate.waiting.fetch_add(1, Ordering::SeqCst);
        let open = gate.open.lock().expect("the gate");
        drop(gate.opened.wait_while(open, |open| !*open));
    }
    let answer = format!(
        "HTTP/1.0 200 OK\r\nConnection: close\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {backend}\r\n\r\n"
    );
    reader.get_mut().write_all(answer.as_bytes())
}

fn take_mail(stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(b"220 sink ESMTP\r\n")?;
    let mut in_message = false;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let reply = match line.trim_end() {
            "." => {
                in_message = false;
                "250 2.0.0 queued"
            }
            _ if in_message => continue,
            "DATA" => {
                in_message = true;
                "354 go ahead"
            }
            "QUIT" => "221 2.0.0 bye",
            _ => "250 2.0.0 ok",
        };
        reader
            .get_mut()
            .write_all(format!("{reply}\r\n").as_bytes())?;
    }
}

/// A client that reports what it did not get.
#[derive(Debug)]
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn connect(port: u16) -> Result<Self, String> {
        let stream =
            TcpStream::connect(("127.0.0.1", port)).map_err(|error| format!("refused: {error}"))?;
        stream.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Ok(Self(BufReader::new(stream)))
    }

    pub fn send(&mut self, text: &str) -> Result<(), String> {
        let sent = self.0.get_mut().write_all(text.as_bytes());
        sent.map_err(|error| format!("{text:?} cannot be sent: {error}"))
    }

    /// Reads a reply that must begin so.
    pub fn expect(&mut self, start: &str) -> Result<(), String> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.0.read_line(&mut line);
            read.map_err(|error| format!("no {start}: {error}"))?;
            if line.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        if line.starts_with(start) {
            return Ok(());
        }
        Err(format!("{line:?} instead of {start}"))
    }

    pub fn say(&mut self, text: &str, start: &str) -> Result<(), String> {
        self.send(text)?;
        self.expect(start)
    }

    /// From the greeting to a backend that has greeted back.
    pub fn log_in(&mut self, user: &str) -> Result<(), String> {
        self.expect("220")?;
        self.say("EHLO client.test\r\n", "250")?;
        self.say(
            &format!("AUTH PLAIN {}\r\n", auth_plain(user, "secret")),
            "235",
        )
    }

    /// One message, after a login.
    pub fn deliver(&mut self) -> Result<(), String> {
        self.say("MAIL FROM:<a@client.test>\r\n", "250")?;
        self.say("RCPT TO:<b@client.test>\r\n", "250")?;
        self.say("DATA\r\n", "354")?;
        self.say("Subject: x\r\n\r\nx\r\n.\r\n", "250")
    }

    pub fn quit(&mut self) -> Result<(), String> {
        self.say("QUIT\r\n", "221")
    }
}

/// A whole session.
pub fn session(port: u16) -> Result<(), String> {
    let mut client = Client::connect(port)?;
    client.log_in("joe")?;
    client.deliver()?;
    client.quit()
}

/// Clients that hold one session after the other until told to stop.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// So many clients on one port.
    pub fn start(port: u16, clients: usize) -> Self {
        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let threads = (0..clients).map(|_| {
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            std::thread::spawn(move || {
                let mut lost = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match session(port) {
                        Ok(()) => drop(done.fetch_add(1, Ordering::Relaxed)),
                        Err(why) => lost.push(why),
                    }
                }
                lost
            })
        });
        let threads = threads.collect();
        Self {
            stop,
            done,
            threads,
        }
    }

    /// Sessions that were completed so far.
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Waits until so many more are completed.
    pub fn more(&self, sessions: usize) {
        let before = self.done();
        wait_until("more sessions", || self.done() >= before + sessions);
    }

    /// Ends it. Returns the number of sessions, and what went wrong with others.
    pub fn end(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let lost = self.threads.into_iter();
        let lost = lost
            .flat_map(|thread| thread.join().expect("a client"))
            .collect();
        (self.done.load(Ordering::Relaxed), lost)
    }
}

/// Sessions that wait in the middle of each phase, to be completed later.
#[derive(Debug)]
pub struct Held {
    greeted: Client,
    half_command: Client,
    authenticating: Client,
    in_message: Client,
    idle: Client,
}

impl Held {
    pub fn open(port: u16, peers: &Peers) -> Result<Self, String> {
        let greeted = Client::connect(port)?;
        let mut half_command = Client::connect(port)?;
        half_command.expect("220")?;
        half_command.send("EHLO clie")?;
        let mut authenticating = Client::connect(port)?;
        authenticating.expect("220")?;
        authenticating.say("EHLO client.test\r\n", "250")?;
        let before = peers.waiting();
        authenticating.send(&format!("AUTH PLAIN {}\r\n", auth_plain("slow", "secret")))?;
        wait_until("the auth request", || peers.waiting() > before);
        let mut in_message = Client::connect(port)?;
        in_message.log_in("joe")?;
        in_message.say("MAIL FROM:<a@client.test>\r\n", "250")?;
        in_message.say("RCPT TO:<b@client.test>\r\n", "250")?;
        in_message.say("DATA\r\n", "354")?;
        in_message.send("Subject: ha")?;
        let mut idle = Client::connect(port)?;
        idle.log_in("joe")?;
        Ok(Self {
            greeted,
            half_command,
            authenticating,
            in_message,
            idle,
        })
    }

    /// Lets each of them come to its end.
    pub fn complete(mut self, peers: &Peers) -> Result<(), String> {
        self.greeted.log_in("joe")?;
        self.greeted.deliver()?;
        self.half_command.say("nt.test\r\n", "250")?;
        peers.answer();
        self.authenticating.expect("235")?;
        self.authenticating.deliver()?;
        self.in_message.say("lf\r\n\r\nx\r\n.\r\n", "250")?;
        self.idle.deliver()?;
        for client in [
            &mut self.greeted,
            &mut self.half_command,
            &mut self.authenticating,
            &mut self.in_message,
            &mut self.idle,
        ] {
            client.quit()?;
        }
        Ok(())
    }
}
