//! A peer that follows a script, to do what a real one does not do on demand: stall, send half a reply, close early.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::TIMEOUT;

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends bytes.
    Send(&'static [u8]),
    /// Reads and reports a line.
    ReadLine,
    /// Reads and reports everything up to an empty line.
    ReadHeader,
    /// Sends nothing and keeps the connection open until the gateway closes it.
    Stall,
    /// Sends one byte value over and over until the gateway closes the connection.
    Flood(u8),
}

impl Step {
    /// Sends a text that is made at run time.
    pub fn send(text: impl Into<String>) -> Self {
        Self::Send(text.into().leak().as_bytes())
    }
}

/// A listening peer. It plays the script on each connection and then closes it.
#[derive(Debug)]
pub struct ScriptedPeer {
    pub port: u16,
    received: Receiver<String>,
}

impl ScriptedPeer {
    /// Listens on a free port of 127.0.0.1.
    pub fn start(script: &[Step]) -> Self {
        Self::start_on(0, script)
    }

    /// Listens on this port of 127.0.0.1; 0 is a free one.
    pub fn start_on(port: u16, script: &[Step]) -> Self {
        Self::start_at(("127.0.0.1", port), script)
    }

    /// Listens on this address.
    pub fn start_at(address: impl ToSocketAddrs, script: &[Step]) -> Self {
        let listener = TcpListener::bind(address).expect("a port for the peer");
        let port = listener.local_addr().expect("its number").port();
        let (report, received) = channel();
        let script = script.to_vec();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, report) = (script.clone(), report.clone());
                std::thread::spawn(move || play(stream, &script, &report));
            }
        });
        Self { port, received }
    }

    /// An auth server that sends the same response to each request.
    pub fn auth_server(response: impl Into<String>) -> Self {
        Self::start(&[Step::ReadHeader, Step::send(response)])
    }

    /// The lines and headers that it has read by now and nobody has asked for.
    pub fn received_so_far(&self) -> Vec<String> {
        self.received.try_iter().collect()
    }

    /// The next line or header that it read.
    pub fn received(&self) -> String {
        let next = self.received.recv_timeout(TIMEOUT);
        next.expect("the gateway to send something")
    }
}

fn play(stream: TcpStream, script: &[Step], report: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    for step in script {
        match step {
            Step::Send(bytes) => {
                let _ = reader.get_mut().write_all(bytes);
            }
            Step::ReadLine => {
                let mut line = String::new();
                let _ = reader.read_line(&mut line);
                let _ = report.send(line.trim_end().to_string());
            }
            Step::ReadHeader => {
                let mut header = String::new();
                while !header.ends_with("\r\n\r\n") {
                    if reader.read_line(&mut header).unwrap_or(0) == 0 {
                        break;
                    }
                }
                let _ = report.send(header);
            }
            Step::Stall => {
                let _ = reader.read_to_end(&mut Vec::new());
            }
            Step::Flood(byte) => while reader.get_mut().write_all(&[*byte; 4096]).is_ok() {},
        }
    }
}
