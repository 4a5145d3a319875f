//! `worker_shutdown_timeout`: how sessions end that outlive it, after a reload and in a graceful shutdown.

use nix::sys::signal::Signal;
use support::auth_server::accepted;
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, auth_plain, free_port};

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
struct Server {
    protocol: &'static str,
    port: u16,
    auth: ScriptedPeer,
    backend: ScriptedPeer,
    /// The last reply to a client.
    last: &'static str,
}

impl Server {
    fn all() -> Vec<Self> {
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

    fn block(&self) -> String {
        let (protocol, port, auth) = (self.protocol, self.port, self.auth.port);
        format!(
            "server {{ listen 127.0.0.1:{port}; protocol {protocol}; auth_http 127.0.0.1:{auth}/; }}\n"
        )
    }

    fn greeted(&self) -> LineClient {
        let mut client = LineClient::connect(self.port);
        client.expect(match self.protocol {
            "smtp" => "220",
            "imap" => "* OK",
            _ => "+OK",
        });
        client
    }

    fn logged_in(&self) -> LineClient {
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

    /// The line of a session that was in the tunnel.
    fn line(&self) -> String {
        let (port, backend) = (self.port, self.backend.port);
        format!(
            " shutdown timeout while proxying, client: 127.0.0.1, server: 127.0.0.1:{port}, login: \"joe\", upstream: 127.0.0.1:{backend}\n"
        )
    }
}

fn mail(limit: &str, name: &str, servers: &[Server]) -> String {
    let blocks: String = servers.iter().map(Server::block).collect();
    format!(
        "{limit} mail {{ server_name {name}; xclient off; smtp_auth plain; pop3_auth plain;\n{blocks} }}"
    )
}

#[test]
fn a_reload_ends_old_sessions_after_the_timeout() {
    let servers = Server::all();
    let limit = "worker_shutdown_timeout 300ms;";
    let gateway = Gateway::start(&mail(limit, "old.test", &servers));
    let mut tunnels: Vec<_> = servers.iter().map(Server::logged_in).collect();
    let mut commands: Vec<_> = servers.iter().map(Server::greeted).collect();
    // The timeout of the configuration that ends counts: the next one has none.
    gateway.rewrite(&mail("", "new.test", &servers));
    gateway.reload();
    let mut later: Vec<_> = servers.iter().map(Server::greeted).collect();
    for (server, (tunnel, commands)) in servers.iter().zip(tunnels.iter_mut().zip(&mut commands)) {
        assert_eq!(tunnel.read_to_end(), server.last);
        assert_eq!(commands.read_to_end(), server.last);
        gateway.wait_for_log(&server.line());
    }
    let log = gateway.log();
    let other = log
        .matches(" shutdown timeout, client: 127.0.0.1, server: ")
        .count();
    assert_eq!(other, 3, "sessions before the login: {log}");
    assert!(
        log.lines()
            .all(|line| !line.contains("shutdown timeout") || line.contains("[info]"))
    );
    // Sessions of the new configuration, and without the directive, go on.
    gateway.reload();
    for (server, client) in servers.iter().zip(&mut later) {
        let (line, reply) = match server.protocol {
            "smtp" => ("NOOP", "250"),
            "imap" => ("a NOOP", "a OK"),
            _ => ("NOOP", "+OK"),
        };
        client.send_line(line);
        client.expect(reply);
    }
}

#[test]
fn a_graceful_shutdown_ends_sessions_in_the_same_way() {
    let servers = Server::all();
    let mut gateway = Gateway::start(&mail(
        "worker_shutdown_timeout 300ms;",
        "old.test",
        &servers,
    ));
    let mut tunnels: Vec<_> = servers.iter().map(Server::logged_in).collect();
    gateway.signal(Signal::SIGQUIT);
    for (server, tunnel) in servers.iter().zip(&mut tunnels) {
        assert_eq!(tunnel.read_to_end(), server.last);
        gateway.wait_for_log(&server.line());
    }
    assert_eq!(gateway.wait(), Some(0));
}
