//! A gateway with a server for each of many conversations, so that they can be played at once.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::conversation::Conversation;
use crate::gateway::{Gateway, Program};
use crate::place::Place;
use crate::template::{Template, Values};

/// The running gateway and its seats.
#[derive(Debug)]
pub struct Stage {
    gateway: Gateway,
    pulse: SocketAddr,
    /// One for each conversation, in their order.
    pub seats: Vec<Seat>,
    // its folder goes when all else is gone
    _place: Place,
}

/// What one conversation needs: its server's address, and the doors of its auth server and its backend.
#[derive(Debug)]
pub struct Seat {
    pub server: SocketAddr,
    pub auth: TcpListener,
    pub backend: TcpListener,
    pub values: Values,
}

impl Stage {
    /// Starts `program` with a server for each conversation.
    ///
    /// # Errors
    /// When it does not come up; with what it said.
    pub fn open(program: &Program, talks: &[&Conversation], slot: u32) -> Result<Self, String> {
        let text = |error: io::Error| error.to_string();
        let pki = Path::new(env!("CARGO_MANIFEST_DIR")).join("pki");
        let place = Place::new(slot, &pki).map_err(text)?;
        let bind = |address: Ipv4Addr| TcpListener::bind((address, 0));
        // all are held until all are found, so that none is found twice
        let held: io::Result<Vec<_>> = (0..=talks.len()).map(|_| bind(place.address)).collect();
        let held = held.map_err(text)?;
        let found: io::Result<Vec<_>> = held.iter().map(TcpListener::local_addr).collect();
        let mut found = found.map_err(text)?.into_iter();
        drop(held);
        let pulse = found.next().ok_or("no port")?;
        let mut seats = Vec::new();
        for server in found {
            seats.push(Seat::new(server, &place).map_err(text)?);
        }
        let text = configuration(program, talks, &seats, pulse);
        let values = Values {
            root: place.root_text(),
            ..Values::default()
        };
        let text = Template::new(text.as_bytes()).fill(&values);
        let mut gateway = Gateway::launch(program, &place, &text)?;
        gateway.first_client(pulse)?;
        Ok(Self {
            gateway,
            pulse,
            seats,
            _place: place,
        })
    }

    /// A pulse of this gateway.
    ///
    /// # Errors
    /// When it cannot be felt.
    pub fn pulse(&self) -> io::Result<Pulse> {
        Pulse::new(self.pulse)
    }

    /// Ends the gateway.
    ///
    /// # Errors
    /// When it ended by itself before, or panicked.
    pub fn close(self) -> Result<(), String> {
        self.gateway.stop()
    }
}

impl Seat {
    fn new(server: SocketAddr, place: &Place) -> io::Result<Self> {
        let door = || -> io::Result<TcpListener> {
            let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            door.set_nonblocking(true)?;
            Ok(door)
        };
        let (auth, backend) = (door()?, door()?);
        let values = Values {
            listen_addr: place.address.to_string(),
            listen_port: server.port(),
            auth_port: auth.local_addr()?.port(),
            backend_port: backend.local_addr()?.port(),
            root: place.root_text(),
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

/// The whole configuration. The first server is the pulse's.
fn configuration(
    program: &Program,
    talks: &[&Conversation],
    seats: &[Seat],
    pulse: SocketAddr,
) -> String {
    let (own, tireless) = match program.is_ours() {
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
{own}
server {{ listen {pulse}; protocol smtp; smtp_auth none; {tireless} }}
",
        load = program.load_module(),
    );
    for (talk, seat) in talks.iter().zip(seats) {
        text.push_str(&format!(
            "server {{
listen {server};
protocol {protocol};
auth_http 127.0.0.1:{auth}/auth;
{lines}
}}
",
            server = seat.server,
            protocol = talk.protocol.name(),
            auth = seat.values.auth_port,
            lines = talk.server.join("\n"),
        ));
    }
    text + "}\n"
}

/// A session that does nothing but NOOP. A gateway takes what comes to it in order: when it has answered a NOOP, it has
/// done what was to do with all that reached it before. So nobody has to guess how long it needs.
#[derive(Debug)]
pub struct Pulse(TcpStream);

const NOOP: &[u8] = b"NOOP\r\n";
const OK: &[u8] = b"250 2.0.0 OK\r\n";

impl Pulse {
    fn new(address: SocketAddr) -> io::Result<Self> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut byte = [0];
        while byte != *b"\n" {
            socket.read_exact(&mut byte)?;
        }
        Ok(Self(socket))
    }

    /// Returns when the gateway has done what was there to do.
    ///
    /// # Errors
    /// When it does nothing any more.
    pub fn beat(&mut self) -> io::Result<()> {
        self.0.write_all(NOOP)?;
        let mut answer = [0; OK.len()];
        self.0.read_exact(&mut answer)?;
        if answer == *OK {
            Ok(())
        } else {
            Err(io::Error::other("the gateway does not answer NOOP"))
        }
    }
}
