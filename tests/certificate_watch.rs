//! `ssl_certificate_watch`: TLS files that change on disk are used without a reload.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use support::{Certificate, Gateway, LineClient, TempDir, free_port, wait_until};

/// The files of a server.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let this = Self {
            folder: TempDir::new("watched"),
        };
        this.renew();
        this
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Overwrites both files with a new pair.
    fn renew(&self) {
        let new = Certificate::new();
        fs::copy(new.key(), self.path().join("key.pem")).expect("a key");
        fs::copy(new.chain(), self.path().join("cert.pem")).expect("a certificate");
    }

    /// A server with implicit TLS.
    fn server(&self, port: u16, more: &str) -> String {
        let path = self.path().display();
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; protocol smtp; {more}
                       ssl_certificate {path}/cert.pem; ssl_certificate_key {path}/key.pem; }}\n"
        )
    }
}

fn mail(servers: &[String]) -> String {
    format!(
        "worker_shutdown_timeout 1ms; mail {{ server_name gate.test; auth_http 127.0.0.1:9/;\n{} }}",
        servers.concat()
    )
}

/// What tells one certificate from another.
fn fingerprint(port: u16) -> String {
    let shaken = support::authority::s_client(port, &["-no_ign_eof"], "QUIT\r\n");
    let begin = shaken.out.find("-----BEGIN CERTIFICATE-----");
    let begin = begin.unwrap_or_else(|| panic!("no certificate: {}", shaken.out));
    shaken.out[begin..].lines().take(5).collect()
}

#[test]
fn a_renewed_certificate_is_used_and_nothing_else_changes() {
    let (files, unwatched) = (Files::new(), Files::new());
    let [port, other, clear] = [free_port(), free_port(), free_port()];
    let servers = [
        files.server(port, ""),
        unwatched.server(other, "ssl_certificate_watch off;"),
        format!("server {{ listen 127.0.0.1:{clear}; protocol smtp; }}\n"),
    ];
    let gateway = Gateway::start(&mail(&servers));
    let (before, worker) = ([fingerprint(port), fingerprint(other)], gateway.worker());
    let mut session = LineClient::connect(clear);
    session.expect("220 gate.test");
    // An edit that nobody has asked to put in force.
    gateway.rewrite(&mail(&servers).replace("gate.test", "new.test"));
    unwatched.renew();
    files.renew();
    wait_until("the new certificate", || fingerprint(port) != before[0]);
    gateway.wait_for_log("the new TLS files are in use\n");
    assert_eq!(fingerprint(other), before[1], "ssl_certificate_watch off");
    assert_eq!(gateway.worker(), worker);
    LineClient::connect(clear).expect("220 gate.test");
    // Its configuration is still in force, so `worker_shutdown_timeout` has not begun.
    session.send_line("NOOP");
    session.expect("250");
    let log = gateway.log();
    assert!(
        !log.contains("shutdown timeout") && !log.contains("reconfigured"),
        "{log}"
    );
    // A reload still does all of it.
    gateway.reload();
    assert_ne!(fingerprint(other), before[1]);
    LineClient::connect(clear).expect("220 new.test");
    session.expect("421");
}

#[test]
fn a_broken_pair_is_logged_and_the_others_are_renewed() {
    let (good, bad) = (Files::new(), Files::new());
    let [one, two] = [free_port(), free_port()];
    let gateway = Gateway::start(&mail(&[good.server(one, ""), bad.server(two, "")]));
    let before = [fingerprint(one), fingerprint(two)];
    // A certificate without its key.
    let foreign = Certificate::new();
    fs::copy(foreign.chain(), bad.path().join("cert.pem")).expect("a certificate");
    good.renew();
    wait_until("the new certificate", || fingerprint(one) != before[0]);
    gateway.wait_for_log("key values mismatch");
    assert_eq!(fingerprint(two), before[1]);
    fs::remove_file(bad.path().join("cert.pem")).expect("to remove it");
    gateway.wait_for_log("the old TLS files stay in use\n");
    assert_eq!(fingerprint(two), before[1]);
    bad.renew();
    wait_until("the new certificate", || fingerprint(two) != before[1]);
}

/// certbot and Kubernetes exchange links.
#[test]
fn a_link_may_lead_elsewhere() {
    let (first, second, links) = (Files::new(), Files::new(), TempDir::new("links"));
    let live = links.path().join("live");
    symlink(first.path(), &live).expect("a link");
    let port = free_port();
    let path = live.display();
    let server = format!(
        "server {{ listen 127.0.0.1:{port} ssl; protocol smtp;
                   ssl_certificate {path}/cert.pem; ssl_certificate_key {path}/key.pem; }}\n"
    );
    let _gateway = Gateway::start(&mail(&[server]));
    let before = fingerprint(port);
    let next = links.path().join("next");
    symlink(second.path(), &next).expect("a link");
    fs::rename(&next, &live).expect("to exchange the link");
    wait_until("the new certificate", || fingerprint(port) != before);
}
