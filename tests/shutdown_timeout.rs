//! `worker_shutdown_timeout`: how sessions end that outlive it, after a reload and in a graceful shutdown.

use nix::sys::signal::Signal;
use support::Gateway;
use support::protocol_servers::ProtocolServer;

/// The line of a session that was in the tunnel.
fn line(server: &ProtocolServer) -> String {
    let (port, backend) = (server.port, server.backend.port);
    format!(
        " shutdown timeout while proxying, client: 127.0.0.1, server: 127.0.0.1:{port}, login: \"joe\", upstream: 127.0.0.1:{backend}\n"
    )
}

fn mail(limit: &str, name: &str, servers: &[ProtocolServer]) -> String {
    let blocks: String = servers.iter().map(ProtocolServer::block).collect();
    format!(
        "{limit} mail {{ server_name {name}; xclient off; smtp_auth plain; pop3_auth plain;\n{blocks} }}"
    )
}

#[test]
fn a_reload_ends_old_sessions_after_the_timeout() {
    let servers = ProtocolServer::all();
    let limit = "worker_shutdown_timeout 300ms;";
    let gateway = Gateway::start(&mail(limit, "old.test", &servers));
    let mut tunnels: Vec<_> = servers.iter().map(ProtocolServer::logged_in).collect();
    let mut commands: Vec<_> = servers.iter().map(ProtocolServer::greeted).collect();
    // The timeout of the configuration that ends counts: the next one has none.
    gateway.rewrite(&mail("", "new.test", &servers));
    gateway.reload();
    let mut later: Vec<_> = servers.iter().map(ProtocolServer::greeted).collect();
    for (server, (tunnel, commands)) in servers.iter().zip(tunnels.iter_mut().zip(&mut commands)) {
        assert_eq!(tunnel.read_to_end(), server.last);
        assert_eq!(commands.read_to_end(), server.last);
        gateway.wait_for_log(&line(server));
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
    let servers = ProtocolServer::all();
    let mut gateway = Gateway::start(&mail(
        "worker_shutdown_timeout 300ms;",
        "old.test",
        &servers,
    ));
    let mut tunnels: Vec<_> = servers.iter().map(ProtocolServer::logged_in).collect();
    gateway.signal(Signal::SIGQUIT);
    for (server, tunnel) in servers.iter().zip(&mut tunnels) {
        assert_eq!(tunnel.read_to_end(), server.last);
        gateway.wait_for_log(&line(server));
    }
    assert_eq!(gateway.wait(), Some(0));
}
