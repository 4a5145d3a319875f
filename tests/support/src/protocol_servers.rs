//! A server of each protocol with an auth server that lets everybody in, and a backend that then says nothing.

use crate::auth_server::accepted;
use crate::scripted::{ScriptedPeer, Step};
use crate::{LineClient, auth_plain, free_port};

/// A backend of one protocol that lets everybody in and then says nothing.
fn backend(protocol: &str) -> ScriptedPeer {
    let (greeting, replies): (&[u8], &[&[u8]]) = match protocol {
        "smtp" => (b"220 b\r\n", &[b"250 b\r\n"]),
        "imap" => (b"* OK b\r\n", &[b"+ OK\r\n", b"+ OK\r\n", b"a OK\r\n"]),
        _ => (b"+OK b\r\n", &[b"+OK\r\n", b"+OK\r\n"]),
    };
    let mut script = vec![Step::Send(greeting)];
    for reply in replies {
        script.extend([Step::ReadLine, Step::Send(reply)]);
    }
    script.push(Step::Stall);
    ScriptedPeer::start(&script)
}

/// One protocol with its peers.
#[derive(Debug)]
pub struct ProtocolServer {
    pub protocol: &'static str,
    pub port: u16,
    pub auth: ScriptedPeer,
    pub backend: ScriptedPeer,
    /// The last reply to a client.
    pub last: &'static str,
}

impl ProtocolServer {
    /// One of each protocol.
    pub fn all() -> Vec<Self> {
        let lasts = [
            ("smtp", "421 4.3.2 Service shutting down\r\n"),
            ("imap", "* BYE Server shutting down\r\n"),
            ("pop3", ""),
        ];
        let server = |(protocol, last)| {
            let backend = backend(protocol);
            let auth = ScriptedPeer::auth_server(accepted(backend.port));
            let port = free_port();
            Self {
                protocol,
                port,
                auth,
                backend,
                last,
            }
        };
        lasts.into_iter().map(server).collect()
    }

    /// Its block of the configuration.
    pub fn block(&self) -> String {
        let (protocol, port, auth) = (self.protocol, self.port, self.auth.port);
        format!(
            "server {{ listen 127.0.0.1:{port}; protocol {protocol}; auth_http 127.0.0.1:{auth}/; }}\n"
        )
    }

    /// A client that has read the greeting.
    pub fn greeted(&self) -> LineClient {
        let mut client = LineClient::connect(self.port);
        client.expect(match self.protocol {
            "smtp" => "220",
            "imap" => "* OK",
            _ => "+OK",
        });
        client
    }

    /// A client that is connected to the backend, as `joe`.
    pub fn logged_in(&self) -> LineClient {
        let mut client = self.greeted();
        let plain = format!("AUTH PLAIN {}", auth_plain("joe", "secret"));
        let (lines, accepted): (&[&str], &str) = match self.protocol {
            "smtp" => (&[&plain], "235"),
            "imap" => (&["a LOGIN joe secret"], "a OK"),
            _ => (&["USER joe", "PASS secret"], "+OK"),
        };
        for line in lines {
            client.send_line(line);
            client.expect(if line.starts_with("USER") {
                "+OK"
            } else {
                accepted
            });
        }
        client
    }
}
