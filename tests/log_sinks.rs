//! Where log lines go when a syslog server cannot be reached, and in what form they arrive.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Child;

use support::{Gateway, LineClient, TIMEOUT, TempDir, command, free_port, wait_until};

/// Connects, and says something that is logged.
fn visit(port: u16) {
    let mut client = LineClient::connect(port);
    client.expect("220");
    assert_eq!(client.ask("AUTH PLAIN !"), "500 5.5.1 Invalid command\r\n");
    assert_eq!(client.ask("QUIT"), "221 2.0.0 Bye\r\n");
}

#[test]
fn a_lost_syslog_server_is_said_once_and_its_return_too() {
    let folder = TempDir::new("syslog");
    let path = folder.path().join("socket");
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "mail {{
            server_name gate.test;
            auth_http 127.0.0.1:9/;
            server {{
                listen 127.0.0.1:{port}; protocol smtp;
                error_log syslog:server=unix:{} info;
            }}
        }}",
        path.display()
    ));
    visit(port);
    visit(port);
    let server = format!("server: unix:{}\n", path.display());
    let lost = format!(
        "connect() failed (2: No such file or directory) while logging to syslog, {server}"
    );
    gateway.wait_for_log(&lost);
    assert_eq!(gateway.log().matches(&lost).count(), 1, "{}", gateway.log());
    let socket = UnixDatagram::bind(&path).expect("the syslog server");
    // The gateway may run as another user than the test.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("its permissions");
    socket.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    visit(port);
    let back = format!(
        "syslog server unix:{} can be reached again\n",
        path.display()
    );
    gateway.wait_for_log(&back);
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("a line");
    let line = String::from_utf8_lossy(&bytes[..length]);
    assert!(line.starts_with("<190>"), "{line}");
    assert!(line.contains(" connected to 127.0.0.1:"), "{line}");
}

/// A process that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn errors_go_to_the_default_log_where_there_is_only_syslog() {
    let folder = TempDir::new("only-syslog");
    let port = free_port();
    let configuration = format!(
        "daemon off; pid gateway.pid; events {{}}
        error_log syslog:server=unix:{}/socket info;
        mail {{
            server_name gate.test;
            auth_http 127.0.0.1:9/;
            server {{ listen 127.0.0.1:{port}; protocol smtp; }}
        }}",
        folder.path().display()
    );
    fs::write(folder.path().join("gateway.conf"), configuration).expect("a configuration");
    let gateway = Killed(command(folder.path()).spawn().expect("the gateway"));
    let log = || fs::read_to_string(folder.path().join("early.log")).unwrap_or_default();
    wait_until("the port", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    wait_until("the line about syslog", || {
        log().contains("[alert]") && log().contains("while logging to syslog, server: unix:")
    });
    drop(gateway);
    assert!(!log().contains("[notice]"), "{}", log());
}
