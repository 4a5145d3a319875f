//! A group of SMTP backends of which one fails under load: what the sessions notice.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::auth_plain;

/// How long a client waits for a reply.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a backend looks whether it is to stop.
const TICK: Duration = Duration::from_millis(2);

/// How a backend fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It stops listening: connections are refused. Its sessions go on.
    Refuses = 1,
    /// It is killed: its sessions end, and connections are refused.
    Killed = 2,
    /// It stands still (SIGSTOP): the system accepts connections, and nobody answers.
    Silent = 3,
}

/// A backend that accepts all logins until it fails.
#[derive(Debug)]
pub struct Backend {
    pub port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// 0, or a [`Loss`].
    loss: AtomicU8,
    sessions: AtomicUsize,
    /// The open connections, by a number of each.
    open: Mutex<HashMap<usize, TcpStream>>,
    accepted: AtomicUsize,
    stopped: AtomicBool,
}

impl State {
    fn has(&self, loss: Loss) -> bool {
        self.loss.load(Ordering::SeqCst) == loss as u8
    }

    /// Keeps a connection open until it is closed by its number.
    fn keep(&self, stream: TcpStream) -> usize {
        let number = self.accepted.fetch_add(1, Ordering::SeqCst);
        self.open().insert(number, stream);
        number
    }

    fn open(&self) -> MutexGuard<'_, HashMap<usize, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend {
    /// Listens on a free port of 127.0.0.1.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        listener.set_nonblocking(true).expect("a mode");
        let state = Arc::<State>::default();
        let own = Arc::clone(&state);
        thread::spawn(move || {
            while !own.has(Loss::Refuses) && !own.has(Loss::Killed) {
                match listener.accept() {
                    Ok((stream, _)) if !own.has(Loss::Silent) => {
                        stream.set_nonblocking(false).expect("a mode");
                        let number = own.keep(stream.try_clone().expect("a copy"));
                        let own = Arc::clone(&own);
                        thread::spawn(move || {
                            let _ = serve(stream, &own);
                            own.open().remove(&number);
                        });
                    }
                    // The connection stays open, as one in the queue of the system does.
                    Ok((stream, _)) => {
                        own.keep(stream);
                    }
                    Err(_) => thread::sleep(TICK),
                }
            }
            drop(listener);
            own.stopped.store(true, Ordering::SeqCst);
        });
        Self { port, state }
    }

    /// The sessions that have logged in so far.
    pub fn sessions(&self) -> usize {
        self.state.sessions.load(Ordering::SeqCst)
    }

    /// Fails from now on. Where connections are refused, they are when this returns.
    pub fn fail(&self, loss: Loss) {
        self.state.loss.store(loss as u8, Ordering::SeqCst);
        if loss != Loss::Silent {
            crate::wait_until("the end of a backend", || {
                self.state.stopped.load(Ordering::SeqCst)
            });
        }
        if loss == Loss::Killed {
            for (_, stream) in self.state.open().drain() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

fn serve(stream: TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(b"220 b\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if state.has(Loss::Silent) {
            continue;
        }
        let reply = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250-b\r\n250 AUTH PLAIN",
            "AUTH" => {
                state.sessions.fetch_add(1, Ordering::SeqCst);
                "235 in"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        reader
            .get_mut()
            .write_all(format!("{reply}\r\n").as_bytes())?;
    }
}

/// A session that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// When it began and when it ended.
    pub at: (Instant, Instant),
    /// Why it failed.
    pub error: Option<String>,
}

/// Clients that hold one session after the other.
#[derive(Debug)]
pub struct Sessions {
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<Vec<Ended>>>,
}

impl Sessions {
    /// So many clients on one port.
    pub fn start(port: u16, clients: usize) -> Self {
        let (stop, ended) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let threads = (0..clients).map(|_| {
            let (stop, count) = (Arc::clone(&stop), Arc::clone(&ended));
            thread::spawn(move || {
                let mut ended = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let error = session(port).err();
                    ended.push(Ended {
                        at: (begun, Instant::now()),
                        error,
                    });
                    count.fetch_add(1, Ordering::SeqCst);
                }
                ended
            })
        });
        let threads = threads.collect();
        Self {
            stop,
            ended,
            threads,
        }
    }

    /// Waits until so many more have ended.
    pub fn more(&self, sessions: usize) {
        let wanted = self.ended.load(Ordering::SeqCst) + sessions;
        crate::wait_until("more sessions", || {
            self.ended.load(Ordering::SeqCst) >= wanted
        });
    }

    /// Ends them, and returns all.
    pub fn end(self) -> Vec<Ended> {
        self.stop.store(true, Ordering::Relaxed);
        let threads = self.threads.into_iter();
        threads
            .flat_map(|one| one.join().expect("a client"))
            .collect()
    }
}

/// A login, three commands, and the end.
fn session(port: u16) -> Result<(), String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| error.to_string())?;
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    let mut reader = BufReader::new(stream);
    let login = format!("AUTH PLAIN {}\r\n", auth_plain("joe", "secret"));
    for (line, start) in [
        ("", "220"),
        (&login, "235"),
        ("NOOP\r\n", "250"),
        ("NOOP\r\n", "250"),
        ("NOOP\r\n", "250"),
        ("QUIT\r\n", "221"),
    ] {
        let sent = reader.get_mut().write_all(line.as_bytes());
        sent.map_err(|error| format!("sending: {error}"))?;
        let mut reply = String::new();
        let read = reader.read_line(&mut reply);
        read.map_err(|error| format!("waiting for {start}: {error}"))?;
        if !reply.starts_with(start) {
            return Err(format!("{reply:?} instead of {start}"));
        }
    }
    Ok(())
}
