//! What the tests of the binary share: the gateway in a folder of its own, free ports, waiting, a plain client.
#![allow(
    dead_code,
    reason = "each test file is a crate of its own and uses a part of this"
)]

pub mod auth;
pub mod dns;
pub mod dovecot;
pub mod haproxy;
pub mod mock;
pub mod pop3;
pub mod postfix;
pub mod shipped;
pub mod single;
pub mod tls;
pub mod tls_backend;

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a test waits for what must come. Nothing is asserted about how fast it comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that goes when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portcullis-{name}-{}-{next}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that nobody listens on. It is none that the system hands out, for a backend may be slow to take it; and each process
/// counts from a place of its own.
pub fn free_port() -> u16 {
    static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| {
        let chance = RandomState::new().build_hasher().finish();
        AtomicU32::new(chance as u32)
    });
    loop {
        let port = 10_000 + (NEXT.fetch_add(1, Ordering::Relaxed) % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until `ready` says so.
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A self-signed certificate for localhost and 127.0.0.1.
pub struct Certificate(Scratch);

impl Certificate {
    pub fn new() -> Self {
        let folder = Scratch::new("certificate");
        let names = vec!["localhost".to_string(), "127.0.0.1".to_string()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("cert.pem");
        fs::write(
            folder.path().join("key.pem"),
            made.signing_key.serialize_pem(),
        )
        .expect("key.pem");
        Certificate(folder)
    }

    pub fn chain(&self) -> PathBuf {
        self.0.path().join("cert.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }
}

/// A running gateway. It stops when dropped.
pub struct Gateway {
    folder: Scratch,
    child: Child,
}

impl Gateway {
    /// Starts it on a `mail {}` block and waits until it serves.
    pub fn start(mail: &str) -> Self {
        Self::start_with(MAIN, mail)
    }

    /// The same with the lines before `mail {}` given.
    pub fn start_with(main: &str, mail: &str) -> Self {
        let folder = Scratch::new("gateway");
        write_configuration_with(folder.path(), main, mail);
        let child = command(folder.path()).spawn().expect("the gateway");
        let mut this = Gateway { folder, child };
        let pid = this.folder.path().join("gateway.pid");
        wait_until("the gateway", || {
            let over = this.child.try_wait().expect("its state");
            assert!(over.is_none(), "the gateway ended:\n{}", this.log());
            fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'))
        });
        this
    }

    /// Its folder: `gateway.conf`, `error.log`, `gateway.pid`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The error log.
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("error.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits for a line with `text` in it.
    pub fn wait_for_log(&self, text: &str) {
        let start = Instant::now();
        while !self.log().contains(text) {
            assert!(
                start.elapsed() < PATIENCE,
                "no {text:?} in the log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Writes another `mail {}` block over the first.
    pub fn rewrite(&self, mail: &str) {
        write_configuration(self.folder.path(), mail);
    }

    /// SIGHUP, and the end of what it starts.
    pub fn reload(&self) {
        let done = |log: &str| log.matches("reconfigured").count();
        let before = done(&self.log());
        self.signal(Signal::SIGHUP);
        wait_until("the reload", || done(&self.log()) > before);
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("to signal the gateway");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end and tells its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, told to use `folder`.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("gateway.conf"))
        // The log until the configured one is open.
        .arg("-e")
        .arg(folder.join("early.log"))
        .stdin(Stdio::null());
    command
}

/// What is the same for most.
const MAIN: &str = "worker_processes 2;\nevents {}";

/// Everything but `mail {}` is the same for all.
pub fn write_configuration(folder: &Path, mail: &str) {
    write_configuration_with(folder, MAIN, mail);
}

fn write_configuration_with(folder: &Path, main: &str, mail: &str) {
    let text =
        format!("daemon off;\npid gateway.pid;\nerror_log error.log info;\n{main}\n{mail}\n");
    fs::write(folder.join("gateway.conf"), text).expect("the configuration");
}

/// The message of AUTH PLAIN.
pub fn plain(user: &str, password: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0{password}"))
}

/// A client that says what it is told to say.
pub struct Smtp {
    stream: BufReader<TcpStream>,
}

impl Smtp {
    pub fn connect(port: u16) -> Self {
        Self::over(TcpStream::connect(("127.0.0.1", port)).expect("to connect"))
    }

    /// A client on a connection that is there.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Smtp {
            stream: BufReader::new(stream),
        }
    }

    /// Sends a line.
    pub fn say(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("to send");
    }

    /// Reads one reply, whole.
    pub fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).expect("a reply") == 0 {
                return reply;
            }
            let more = line.as_bytes().get(3) == Some(&b'-');
            reply.push_str(&line);
            if !more {
                return reply;
            }
        }
    }

    /// Reads one reply that must begin so.
    pub fn expect(&mut self, start: &str) -> String {
        let reply = self.hear();
        assert!(
            reply.starts_with(start),
            "expected {start}, heard {reply:?}"
        );
        reply
    }

    /// Reads to the end of the stream; a reset is an end too.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Sends no more, and goes on reading.
    pub fn finish(&self) {
        self.stream
            .get_ref()
            .shutdown(std::net::Shutdown::Write)
            .expect("to half-close");
    }
}
