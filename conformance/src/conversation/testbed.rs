//! A gateway with a server for each of many scripts, so that they can be played in parallel.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::idle_probe::IdleProbe;
use super::script::Script;
use crate::gateway::{Gateway, Program};
use crate::template::{Template, Values};
use crate::workdir::WorkDir;

/// A running gateway and the sockets of the peers.
#[derive(Debug)]
pub struct Testbed {
    gateway: Gateway,
    probe: SocketAddr,
    /// One for each script, in the same order.
    pub sockets: Vec<Sockets>,
    // Dropped last: it contains the files of the gateway.
    _workdir: WorkDir,
}

/// The addresses that one script needs.
#[derive(Debug)]
pub struct Sockets {
    /// The server's.
    pub server: SocketAddr,
    pub auth: TcpListener,
    pub backend: TcpListener,
    pub values: Values,
}

impl Testbed {
    /// Starts `program` with a server for each script. `thread` selects the loopback address.
    ///
    /// # Errors
    /// When it does not start; with its output.
    pub fn start(program: &Program, scripts: &[&Script], thread: u32) -> Result<Self, String> {
        let text = |error: io::Error| error.to_string();
        let workdir = WorkDir::with_own_pki(thread)?;
        let bind = |_| TcpListener::bind((workdir.address, 0));
        // All ports are held until all are found, so that they are different.
        let held: io::Result<Vec<_>> = (0..=scripts.len()).map(bind).collect();
        let held = held.map_err(text)?;
        let addresses: io::Result<Vec<_>> = held.iter().map(TcpListener::local_addr).collect();
        let mut addresses = addresses.map_err(text)?.into_iter();
        drop(held);
        let probe = addresses.next().ok_or("no port")?;
        let sockets: io::Result<Vec<_>> = addresses
            .map(|server| Sockets::open(server, &workdir))
            .collect();
        let sockets = sockets.map_err(text)?;
        let values = Values {
            root: workdir.root_text(),
            ..Values::default()
        };
        let configuration = configuration(program, scripts, &sockets, probe);
        let configuration = Template::new(configuration.as_bytes()).fill(&values);
        let mut gateway = Gateway::launch(program, &workdir, &configuration)?;
        gateway.connect(probe)?;
        Ok(Self {
            gateway,
            probe,
            sockets,
            _workdir: workdir,
        })
    }

    /// A new probe of this gateway.
    ///
    /// # Errors
    /// When the gateway does not greet.
    pub fn probe(&self) -> io::Result<IdleProbe> {
        IdleProbe::connect(self.probe)
    }

    /// Ends the gateway.
    ///
    /// # Errors
    /// When it has exited before, or a thread panicked.
    pub fn stop(self) -> Result<(), String> {
        self.gateway.stop()
    }
}

impl Sockets {
    fn open(server: SocketAddr, workdir: &WorkDir) -> io::Result<Self> {
        let listen = || -> io::Result<TcpListener> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let (auth, backend) = (listen()?, listen()?);
        let values = Values {
            listen_addr: workdir.address.to_string(),
            listen_port: server.port(),
            auth_port: auth.local_addr()?.port(),
            backend_port: backend.local_addr()?.port(),
            root: workdir.root_text(),
            ..Values::default()
        };
        Ok(Self {
            server,
            auth,
            backend,
            values,
        })
    }
}

/// The whole configuration. The first server is the probe's.
fn configuration(
    program: &Program,
    scripts: &[&Script],
    sockets: &[Sockets],
    probe: SocketAddr,
) -> String {
    let (only_portcullis, unlimited) = match program.is_portcullis() {
        true => ("auth_http_keepalive off;", "max_commands 1000000000;"),
        false => ("", ""),
    };
    let mut text = format!(
        "{load}
daemon off;
master_process off;
pid @ROOT@/gateway.pid;
error_log @ROOT@/error.log error;
events {{ worker_connections 4096; }}
mail {{
server_name mx.example;
auth_http 127.0.0.1:1/none;
timeout 10m;
{only_portcullis}
server {{ listen {probe}; protocol smtp; smtp_auth none; {unlimited} }}
",
        load = program.load_module(),
    );
    for (script, sockets) in scripts.iter().zip(sockets) {
        text.push_str(&format!(
            "server {{
listen {server};
protocol {protocol};
auth_http 127.0.0.1:{auth}/auth;
{lines}
}}
",
            server = sockets.server,
            protocol = script.protocol,
            auth = sockets.values.auth_port,
            lines = script.server.join("\n"),
        ));
    }
    text + "}\n"
}
