//! The program under test: nginx, or portcullis. How it is found, configured, started and stopped.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::Header;
use crate::link::Socket;
use crate::memory::{self, Network};
use crate::place::Place;
use crate::template::{Template, Values};

/// Which program, and which of the two it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// nginx, and the module that brings mail to it where mail is not built in.
    Nginx {
        path: PathBuf,
        module: Option<PathBuf>,
    },
    Ours(PathBuf),
    /// portcullis's sessions in this process, in memory and virtual time. Plays dialogues only.
    InMemory,
}

impl Program {
    /// nginx as Debian installs it, or as `NGINX_BIN` says.
    pub fn nginx() -> Option<Self> {
        let named = std::env::var_os("NGINX_BIN").map(PathBuf::from);
        let path = named.unwrap_or_else(|| PathBuf::from("/usr/sbin/nginx"));
        let module = Some(PathBuf::from("/usr/lib/nginx/modules/ngx_mail_module.so"))
            .filter(|path| path.exists());
        let debian = path.starts_with("/usr/sbin");
        (path.exists() && (module.is_some() || !debian)).then_some(Self::Nginx { path, module })
    }

    /// portcullis: `PORTCULLIS_BIN`, or what `cargo build` left beside the running program.
    ///
    /// # Errors
    /// Where it was looked for.
    pub fn ours() -> Result<Self, String> {
        if let Some(path) = std::env::var_os("PORTCULLIS_BIN") {
            return Ok(Self::Ours(PathBuf::from(path)));
        }
        let here = std::env::current_exe().map_err(|error| error.to_string())?;
        // target/debug/conformance, or target/debug/deps/suite-…
        let found = here
            .ancestors()
            .skip(1)
            .take(2)
            .map(|dir| dir.join("portcullis"))
            .find(|path| path.is_file());
        found.map(Self::Ours).ok_or_else(|| {
            format!(
                "no portcullis beside {}: `cargo build` first, or set PORTCULLIS_BIN",
                here.display()
            )
        })
    }

    /// Is it portcullis?
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ours(_) | Self::InMemory)
    }

    /// The program's path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Nginx { path, .. } | Self::Ours(path) => path,
            Self::InMemory => Path::new("portcullis"),
        }
    }

    /// `load_module …;`, or nothing.
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
    /// Writes the configuration of a dialogue and starts the program on it.
    ///
    /// # Errors
    /// When it does not come up; with what it said.
    pub fn start(
        program: &Program,
        header: &Header,
        place: &Place,
        values: &Values,
        network: Option<&Network>,
    ) -> Result<Self, String> {
        let text = configuration(program, header, values);
        let Some(network) = network else {
            return Self::launch(program, place, &text);
        };
        let file = write(place, &text).map_err(|error| error.to_string())?;
        let gateway = memory::Gateway::new(network.clone(), &file, &place.root)?;
        Ok(Self {
            running: Running::Memory(gateway),
            root: place.root.clone(),
        })
    }

    /// A new client, and its address.
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
        let client = self.first_client(address).map_err(io::Error::other)?;
        let own = client.local_addr()?;
        Ok((Socket::System(client), own))
    }

    /// Starts the program on a configuration. It may not listen yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(program: &Program, place: &Place, text: &[u8]) -> Result<Self, String> {
        let said =
            fs::File::create(place.root.join("stderr")).map_err(|error| error.to_string())?;
        let file = write(place, text).map_err(|error| error.to_string())?;
        let child = Command::new(program.path())
            .arg("-p")
            .arg(format!("{}/", place.root.display()))
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(place.root.join("error.log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.path().display()))?;
        Ok(Self {
            running: Running::Process(child),
            root: place.root.clone(),
        })
    }

    /// The first connection that succeeds shows that it listens.
    ///
    /// # Errors
    /// When it ended, or does not listen in time; with what it said.
    pub fn first_client(&mut self, address: SocketAddr) -> Result<TcpStream, String> {
        let until = Instant::now() + Duration::from_secs(15);
        loop {
            match TcpStream::connect(address) {
                Ok(client) => return Ok(client),
                Err(_) if self.died() => {
                    return Err(format!("the gateway did not start: {}", self.words()));
                }
                Err(error) if Instant::now() > until => {
                    return Err(format!("nobody listens on {address}: {error}"));
                }
                Err(_) => thread::sleep(Duration::from_millis(3)),
            }
        }
    }

    /// Has the program ended by itself?
    pub fn died(&mut self) -> bool {
        match &mut self.running {
            Running::Process(child) => !matches!(child.try_wait(), Ok(None)),
            Running::Memory(_) => false,
        }
    }

    /// Its log.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.root.join("error.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What it wrote to standard error and to its log: for the report of a failure.
    pub fn words(&self) -> String {
        let read = |name: &str| {
            fs::read(self.root.join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        ["stderr", "error.log"]
            .into_iter()
            .filter_map(|name| read(name).ok())
            .collect()
    }

    /// Ends the program.
    ///
    /// # Errors
    /// When it ended by itself before, or panicked.
    pub fn stop(mut self) -> Result<(), String> {
        if self.died() {
            return Err(format!("the gateway ended by itself: {}", self.words()));
        }
        self.kill().map_err(|error| error.to_string())?;
        let words = self.words();
        if words.contains("panicked at") {
            Err(format!("the gateway panicked: {words}"))
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
        // already gone is as good
        let _ = self.kill();
    }
}

/// Writes the configuration, and removes the log of an earlier run.
fn write(place: &Place, text: &[u8]) -> io::Result<PathBuf> {
    let file = place.root.join("gateway.conf");
    let _ = fs::remove_file(place.root.join("error.log"));
    fs::write(&file, text)?;
    Ok(file)
}

/// The whole configuration of a dialogue, as `program` is to have it.
#[must_use]
pub fn configuration(program: &Program, header: &Header, values: &Values) -> Vec<u8> {
    let level = header.log.as_deref().unwrap_or("info");
    let own = if program.is_ours() {
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
{own}
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
