//! The configurations of `conf.d/` for several backends, with real Postfix and Dovecot servers: only addresses and paths are changed.

use std::fs;
use std::process::Command;

use support::dovecot::{Dovecot, Options, PASSWORD};
use support::postfix::{self, Postfix, RECIPIENT};
use support::{Certificate, Gateway, free_address, free_port, wait_until};

/// A shipped configuration in force. Its certificate must exist as long.
struct Example {
    gateway: Gateway,
    _certificate: Certificate,
}

impl Example {
    /// Starts one with these texts in place of others, and with `users.map` where it is included.
    fn start(name: &str, changes: &[(&str, String)]) -> Self {
        let certificate = Certificate::new();
        let changed = |text: String| {
            changes
                .iter()
                .fold(text, |text, (from, to)| text.replace(from, to))
        };
        let file = support::shipped::file(name);
        let text = changed(support::shipped::text(&file, &certificate));
        let users = fs::read_to_string(support::shipped::file("users.map")).expect("users.map");
        let gateway = Gateway::start_adapted("", &text, |_, folder| {
            fs::write(folder.join("users.map"), changed(users)).expect("the map");
        });
        Self {
            gateway,
            _certificate: certificate,
        }
    }
}

/// A free port of the gateway in place of one of [`support::shipped::text`].
fn listening(port: u16) -> (&'static str, String) {
    let shipped = match port {
        587 => "127.0.0.1:18587",
        465 => "127.0.0.1:18465",
        143 => "127.0.0.1:18143",
        993 => "127.0.0.1:18993",
        110 => "127.0.0.1:18110",
        995 => "127.0.0.1:18995",
        _ => panic!("no port of mail"),
    };
    (shipped, format!("127.0.0.1:{}", free_port()))
}

/// The port in such a replacement.
fn port((_, address): &(&str, String)) -> u16 {
    let (_, port) = address.rsplit_once(':').expect("a port");
    port.parse().expect("a number")
}

/// Sends a message with swaks from an address of its own; returns swaks's transcript if that fails.
fn send(port: u16, tls: &str, mark: &str) -> Result<(), String> {
    let output = Command::new("swaks")
        .args(["--server", "127.0.0.1", "--port", &port.to_string(), tls])
        .args(["--local-interface", "127.0.0.9", "--ehlo", "client.test"])
        .args(["--from", postfix::USER, "--to", RECIPIENT, "--body", mark])
        .args(["--auth", "PLAIN", "--auth-user", postfix::USER])
        .args(["--auth-password", postfix::PASSWORD])
        .output()
        .expect("swaks");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stdout).into_owned()),
    }
}

#[test]
fn two_postfix_servers_share_the_messages_and_one_is_enough() {
    let (mut first, second) = (Postfix::start(), Postfix::start());
    let ports = [listening(587), listening(465)];
    let [starttls, tls] = [&ports[0], &ports[1]].map(port);
    let backend = |postfix: &Postfix| format!("127.0.0.1:{}", postfix.port);
    let backends = [
        ("192.0.2.11:587", backend(&first)),
        ("192.0.2.12:587", backend(&second)),
    ];
    let example = Example::start("two-postfix.conf", &[ports, backends].concat());
    for number in 0..2 {
        for (port, kind) in [(starttls, "--tls"), (tls, "--tls-on-connect")] {
            let sent = send(port, kind, &format!("mark-{number}-{port}"));
            assert_eq!(sent, Ok(()), "{}", example.gateway.log());
        }
    }
    wait_until("all messages", || {
        first.delivered().len() + second.delivered().len() == 4
    });
    for postfix in [&first, &second] {
        assert_eq!(postfix.delivered().len(), 2, "{}", postfix.log());
        // Postfix knows the client and its name, not the gateway's.
        let message = String::from_utf8_lossy(&postfix.message("mark-")).into_owned();
        let origin = "Received: from client.test (unknown [127.0.0.9])";
        assert!(message.contains(origin), "{message}");
    }
    first.stop();
    for number in 0..4 {
        let sent = send(starttls, "--tls", &format!("late-{number}"));
        assert_eq!(sent, Ok(()), "{}", example.gateway.log());
        second.message(&format!("late-{number}"));
    }
}

/// The dialogue of curl with the mailbox of a user.
fn curl(scheme: &str, port: u16, user: &str) -> (bool, String) {
    let mut command = Command::new("curl");
    command
        .args(["-sSvk", "--user", &format!("{user}:{PASSWORD}")])
        .args(["--login-options", "AUTH=PLAIN"])
        .arg(format!("{scheme}://127.0.0.1:{port}/"));
    if !scheme.ends_with('s') {
        command.arg("--ssl-reqd");
    }
    let output = command.output().expect("curl");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

/// The lines about logins of a user in Dovecot's log.
fn logins(dovecot: &Dovecot, user: &str) -> usize {
    let log = dovecot.log();
    let line = format!("Login: user=<{user}>");
    log.lines().filter(|one| one.contains(&line)).count()
}

#[test]
fn each_user_has_the_dovecot_of_the_map() {
    let users = ["alice@example.com", "bob@example.com"];
    let addresses = [free_address(), free_address()];
    // The ports are the well-known ones, as in the map.
    let start = |address: &str| {
        Dovecot::with_options(Options {
            address,
            ports: Some((143, 110)),
            users: &users,
            more: "login_trusted_networks = 127.0.0.1\n",
        })
    };
    let stores = [start(&addresses[0]), start(&addresses[1])];
    let ports = [143, 110, 993, 995].map(listening);
    let kinds = ["imap", "pop3", "imaps", "pop3s"]
        .into_iter()
        .zip(ports.each_ref().map(port));
    let kinds: Vec<_> = kinds.collect();
    let [first, second] = addresses;
    let changes = [&ports[..], &[("192.0.2.21", first), ("192.0.2.22", second)]];
    let example = Example::start("dovecot-users.conf", &changes.concat());
    for (scheme, port) in &kinds {
        for user in users {
            let (success, said) = curl(scheme, *port, user);
            assert!(
                success,
                "{scheme} {user}: {said}\n{}",
                example.gateway.log()
            );
        }
        let (success, said) = curl(scheme, *port, "carol@example.com");
        let refusal = match scheme.starts_with("imap") {
            true => "NO [UNAVAILABLE] ",
            false => "-ERR [SYS/TEMP] ",
        };
        assert!(!success && said.contains(refusal), "{scheme}: {said}");
    }
    wait_until("Dovecot's log", || {
        let own = stores.iter().zip(users);
        own.map(|(store, user)| logins(store, user)).sum::<usize>() == 8
    });
    assert_eq!(logins(&stores[0], users[1]), 0, "{}", stores[0].log());
    assert_eq!(logins(&stores[1], users[0]), 0, "{}", stores[1].log());
    example.gateway.wait_for_log(
        "no upstream for the client: the value of \"carol@example.com\" in \"$backend\" is empty, by ",
    );
}

#[test]
fn the_backup_serves_while_the_primary_is_down() {
    let user = support::dovecot::USER;
    let (mut primary, backup) = (Dovecot::start(), Dovecot::start());
    let ports = [listening(143), listening(993)];
    let [starttls, tls] = [&ports[0], &ports[1]].map(port);
    let backends = [
        ("192.0.2.31:143", format!("127.0.0.1:{}", primary.imap)),
        ("192.0.2.32:143", format!("127.0.0.1:{}", backup.imap)),
    ];
    let example = Example::start("failover.conf", &[ports, backends].concat());
    // A session on each port; both go to the same server.
    let sessions = || {
        for (scheme, port) in [("imap", starttls), ("imaps", tls)] {
            let (success, said) = curl(scheme, port, user);
            assert!(success, "{scheme}: {said}\n{}", example.gateway.log());
        }
    };
    let reach = |server: &Dovecot, what: &str| {
        let before = logins(server, user);
        sessions();
        wait_until(what, || logins(server, user) == before + 2);
    };
    reach(&primary, "sessions at the primary");
    assert_eq!(logins(&backup, user), 0, "{}", example.gateway.log());
    let name = format!("upstream 127.0.0.1:{} is", primary.imap);
    primary.stop();
    // Whether a check has noticed it or not, and afterwards.
    reach(&backup, "sessions at the backup");
    example.gateway.wait_for_log(&format!("{name} unhealthy: "));
    reach(&backup, "more sessions at the backup");
    primary.start_again();
    example
        .gateway
        .wait_for_log(&format!("{name} healthy again after "));
    // The failure that a session saw may still count, for fail_timeout.
    wait_until("the primary", || {
        let before = logins(&backup, user);
        sessions();
        logins(&backup, user) == before
    });
    let before = logins(&backup, user);
    reach(&primary, "sessions at the primary again");
    assert_eq!(logins(&backup, user), before, "{}", example.gateway.log());
}
