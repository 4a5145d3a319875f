//! The program under test, nginx or portcullis: its configuration, start and end.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::gateway::binary;

use crate::case::Header;
use crate::memory::{self, Network};
use crate::socket::Socket;
use crate::template::{Template, Values};
use crate::workdir::WorkDir;

/// How long a log may not grow before all of its lines count as written. portcullis writes them within 2 ms.
const SETTLED: std::time::Duration = std::time::Duration::from_millis(10);

/// A program that can be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// nginx, and the mail module if it is a dynamic one.
    Nginx {
        path: PathBuf,
        module: Option<PathBuf>,
    },
    Portcullis(PathBuf),
    /// The sessions of portcullis in this process, in memory and in virtual time. It runs dialogues only.
    InMemory,
}

impl Program {
    /// `NGINX_BIN`, or nginx of Debian's packages; `None` without the mail module.
    pub fn nginx() -> Option<Self> {
        let named = std::env::var_os("NGINX_BIN").map(PathBuf::from);
        let path = named.unwrap_or_else(|| PathBuf::from("/usr/sbin/nginx"));
        let module = Some(PathBuf::from("/usr/lib/nginx/modules/ngx_mail_module.so"))
            .filter(|path| path.exists());
        let is_debian = path.starts_with("/usr/sbin");
        (path.exists() && (module.is_some() || !is_debian)).then_some(Self::Nginx { path, module })
    }

    /// `PORTCULLIS_BIN`, or the result of `cargo build` beside the running program.
    ///
    /// # Errors
    /// Where it was looked for.
    pub fn portcullis() -> Result<Self, String> {
        binary().map(Self::Portcullis)
    }

    /// Whether it is portcullis.
    pub fn is_portcullis(&self) -> bool {
        matches!(self, Self::Portcullis(_) | Self::InMemory)
    }

    /// The path of the executable.
    pub fn path(&self) -> &Path {
        match self {
            Self::Nginx { path, .. } | Self::Portcullis(path) => path,
            Self::InMemory => Path::new("portcullis"),
        }
    }

    /// `load_module …;` if the program needs it, else empty.
    pub fn load_module(&self) -> String {
        match self {
            Self::Nginx {
                module: Some(module),
                ..
            } => format!("load_module {};", module.display()),
            _ => String::new(),
        }
    }
}

/// A running gateway; killed on drop.
#[derive(Debug)]
pub struct Gateway {
    running: Running,
    root: PathBuf,
}

#[derive(Debug)]
enum Running {
    Process(Child),
    Memory(memory::Gateway),
}

impl Gateway {
    /// Starts the program with the configuration of a dialogue, in a network in memory if there is one.
    ///
    /// # Errors
    /// When it does not start; with its output.
    pub fn start(
        program: &Program,
        header: &Header,
        workdir: &WorkDir,
        values: &Values,
        network: Option<&Network>,
    ) -> Result<Self, String> {
        let text = configuration(program, header, values);
        let Some(network) = network else {
            return Self::launch(program, workdir, &text);
        };
        let file = write(workdir, &text).map_err(|error| error.to_string())?;
        let gateway = memory::Gateway::new(network.clone(), &file, &workdir.root)?;
        Ok(Self {
            running: Running::Memory(gateway),
            root: workdir.root.clone(),
        })
    }

    /// Connects a new client; returns its socket and its address.
    ///
    /// # Errors
    /// When the program does not listen in time.
    pub fn client(&mut self, values: &Values) -> io::Result<(Socket, SocketAddr)> {
        let ip: IpAddr = values.listen_addr.parse().map_err(io::Error::other)?;
        let address = SocketAddr::from((ip, values.listen_port));
        if let Running::Memory(gateway) = &self.running {
            let (client, own) = gateway.connect(address);
            return Ok((Socket::Memory(client), own));
        }
        let client = self.connect(address).map_err(io::Error::other)?;
        let own = client.local_addr()?;
        Ok((Socket::System(client), own))
    }

    /// Starts the program with a configuration. It may not listen yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(program: &Program, workdir: &WorkDir, text: &[u8]) -> Result<Self, String> {
        let stderr =
            fs::File::create(workdir.root.join("stderr")).map_err(|error| error.to_string())?;
        let file = write(workdir, text).map_err(|error| error.to_string())?;
        let child = Command::new(program.path())
            .arg("-p")
            .arg(format!("{}/", workdir.root.display()))
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(workdir.root.join("error.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.path().display()))?;
        Ok(Self {
            running: Running::Process(child),
            root: workdir.root.clone(),
        })
    }

    /// Connects as soon as the gateway listens.
    ///
    /// # Errors
    /// When it exits, or does not listen in time; with its output.
    pub fn connect(&mut self, address: SocketAddr) -> Result<TcpStream, String> {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            match TcpStream::connect(address) {
                Ok(client) => return Ok(client),
                Err(_) if self.exit_status().is_some() => {
                    return Err(format!("the gateway did not start: {}", self.output()));
                }
                Err(error) if Instant::now() > deadline => {
                    return Err(format!("nothing listens on {address}: {error}"));
                }
                Err(_) => thread::sleep(Duration::from_millis(3)),
            }
        }
    }

    /// How it exited; `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        match &mut self.running {
            Running::Process(child) => child.try_wait().ok().flatten(),
            Running::Memory(_) => None,
        }
    }

    /// The error log. A thread of portcullis writes it, some milliseconds after the event: returns it once it does not grow any more.
    pub fn log(&self) -> String {
        let mut before = self.read("error.log");
        loop {
            std::thread::sleep(SETTLED);
            let now = self.read("error.log");
            if now == before {
                return now;
            }
            before = now;
        }
    }

    /// Standard error and the error log.
    pub fn output(&self) -> String {
        self.read("stderr") + &self.read("error.log")
    }

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.root.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends the program.
    ///
    /// # Errors
    /// When it has exited before, or a thread panicked.
    pub fn stop(mut self) -> Result<(), String> {
        if let Some(status) = self.exit_status() {
            return Err(format!("the gateway exited, {status}: {}", self.output()));
        }
        self.kill().map_err(|error| error.to_string())?;
        let output = self.output();
        if output.contains("panicked at") {
            Err(format!("the gateway panicked: {output}"))
        } else {
            Ok(())
        }
    }

    fn kill(&mut self) -> io::Result<()> {
        match &mut self.running {
            Running::Process(child) => {
                child.kill()?;
                child.wait().map(|_| ())
            }
            Running::Memory(_) => Ok(()),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.kill();
    }
}

/// Writes the configuration, and removes the log of an earlier run.
fn write(workdir: &WorkDir, text: &[u8]) -> io::Result<PathBuf> {
    let file = workdir.root.join("gateway.conf");
    let _ = fs::remove_file(workdir.root.join("error.log"));
    fs::write(&file, text)?;
    Ok(file)
}

/// The whole configuration of a dialogue for this program.
#[must_use]
pub fn configuration(program: &Program, header: &Header, values: &Values) -> Vec<u8> {
    let level = header.log.as_deref().unwrap_or("info");
    let only_portcullis = if program.is_portcullis() {
        "auth_http_keepalive off;"
    } else {
        ""
    };
    let text = format!(
        "{load}
daemon off;
master_process off;
pid @ROOT@/gateway.pid;
error_log @ROOT@/error.log {level};
events {{ worker_connections 64; }}
mail {{
server_name mx.example;
auth_http 127.0.0.1:@AUTH_PORT@/auth;
{only_portcullis}
{mail}
server {{
listen @LISTEN_ADDR@:@LISTEN_PORT@ {listen};
protocol {protocol};
{server}
}}
}}
",
        load = program.load_module(),
        protocol = header.protocol,
        mail = header.mail.join("\n"),
        listen = header.listen,
        server = header.server.join("\n"),
    );
    Template::new(text.as_bytes()).fill(values)
}
