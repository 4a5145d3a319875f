//! A backend for IMAP that accepts or refuses every login, and answers every other command; LOGOUT ends the connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Starts it on a free port of 127.0.0.1, which it returns. It lives as long as the process.
pub fn backend(accepts: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its number").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, accepts));
        }
    });
    port
}

/// `None` at the end of the connection.
fn serve(stream: TcpStream, accepts: bool) -> Option<()> {
    let mut stream = BufReader::new(stream);
    send(&mut stream, "* OK b\r\n")?;
    loop {
        let command = line(&mut stream)?;
        let mut last = command.clone();
        while last.ends_with('}') {
            send(&mut stream, "+ go\r\n")?;
            last = line(&mut stream)?;
        }
        let words: Vec<_> = command.split(' ').collect();
        let tag = words.first()?;
        let login = match accepts {
            true => format!("{tag} OK in\r\n"),
            false => format!("{tag} NO wrong password\r\n"),
        };
        let reply = match words.get(1).copied() {
            Some("CAPABILITY") => {
                format!("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n")
            }
            Some("AUTHENTICATE") if words.len() == 3 => {
                send(&mut stream, "+ \r\n")?;
                line(&mut stream)?;
                login
            }
            Some("AUTHENTICATE" | "LOGIN") => login,
            Some("LOGOUT") => {
                let reply = format!("* BYE\r\n{tag} OK done\r\n");
                return send(&mut stream, &reply);
            }
            _ => format!("{tag} OK done\r\n"),
        };
        send(&mut stream, &reply)?;
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn send(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.get_mut().write_all(text.as_bytes()).ok()
}
