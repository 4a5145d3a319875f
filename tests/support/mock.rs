//! A peer that does on command what a real one will not: stall, tear a reply, hang up in the middle.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// What a mock does next.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends bytes.
    Send(&'static [u8]),
    /// Reads a line; reports it.
    Line,
    /// Reads up to an empty line; reports it.
    Header,
    /// Says nothing more, and holds the connection until the peer closes it.
    Stall,
    /// Sends the same byte until the peer has had enough.
    Flood(u8),
}

/// A listening mock. Every connection gets the same acts, then is closed.
pub struct Mock {
    pub port: u16,
    heard: Receiver<String>,
}

impl Mock {
    pub fn new(acts: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the mock");
        let port = listener.local_addr().expect("its number").port();
        let (tell, heard) = channel();
        let acts = acts.to_vec();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (acts, tell) = (acts.clone(), tell.clone());
                std::thread::spawn(move || play(stream, &acts, &tell));
            }
        });
        Mock { port, heard }
    }

    /// The next thing that was read.
    pub fn heard(&self) -> String {
        self.heard.recv_timeout(Duration::from_secs(60)).expect("the mock to hear something")
    }
}

fn play(stream: TcpStream, acts: &[Act], tell: &Sender<String>) {
    let mut reader = BufReader::new(stream);
    for act in acts {
        match act {
            Act::Send(bytes) => {
                let _ = reader.get_mut().write_all(bytes);
            }
            Act::Line => {
                let mut line = String::new();
                let _ = reader.read_line(&mut line);
                let _ = tell.send(line.trim_end().to_string());
            }
            Act::Header => {
                let mut header = String::new();
                while !header.ends_with("\r\n\r\n") {
                    if reader.read_line(&mut header).unwrap_or(0) == 0 {
                        break;
                    }
                }
                let _ = tell.send(header);
            }
            Act::Stall => {
                let _ = reader.read_to_end(&mut Vec::new());
            }
            Act::Flood(byte) => while reader.get_mut().write_all(&[*byte; 4096]).is_ok() {},
        }
    }
}
