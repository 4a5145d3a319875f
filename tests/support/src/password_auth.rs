//! An auth server that knows one password.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An auth server that accepts the password `right` and counts the questions.
#[derive(Debug)]
pub struct PasswordAuth {
    pub port: u16,
    asked: Arc<AtomicUsize>,
}

impl PasswordAuth {
    /// Listens on a free port. Those that it accepts have their backend at this one.
    pub fn start(backend: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || answer(stream, backend, &counter));
            }
        });
        Self { port, asked }
    }

    /// The number of questions so far.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(stream: TcpStream, backend: u16, asked: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut header = String::new();
        while !header.ends_with("\r\n\r\n") {
            if reader.read_line(&mut header).unwrap_or(0) == 0 {
                return;
            }
        }
        asked.fetch_add(1, Ordering::SeqCst);
        let status = match header.contains("Auth-Pass: right\r\n") {
            true => format!("OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: {backend}"),
            false => "wrong".to_owned(),
        };
        let answer =
            format!("HTTP/1.1 200 OK\r\nAuth-Status: {status}\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
