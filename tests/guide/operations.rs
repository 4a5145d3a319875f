//! Follows the pages about monitoring, limits and ManageSieve.

use std::fs;

use support::dovecot::{self, Dovecot};
use support::mail_log::wait_for_lines;
use support::redis::Redis;
use support::sieve::Pigeonhole;
use support::{LineClient, wait_until};

use crate::imap;
use crate::machine::Machine;
use crate::page::{block, blocks, in_mail};

const MONITORING: &str = "monitoring.md";
const LIMITS: &str = "limits.md";

/// A client of IMAP, and the reply to its login.
fn log_in(machine: &Machine, login: &str, password: &str) -> (LineClient, String) {
    let mut client = LineClient::connect(machine.port(143));
    client.expect("* OK");
    let reply = client.ask(&format!("a LOGIN {login} \"{password}\""));
    (client, reply)
}

/// A client that is logged in.
fn logged_in(machine: &Machine, login: &str) -> LineClient {
    let (client, reply) = log_in(machine, login, "secret");
    assert!(reply.starts_with("a OK"), "{reply}{}", machine.log());
    client
}

/// Has commands of a page make these files of `/etc/nginx`, in place of those that the machine came with.
fn make(machine: &Machine, files: &[&str], commands: &str) {
    let paths = files
        .iter()
        .map(|file| machine.path("etc/nginx").join(file));
    let paths: Vec<_> = paths.collect();
    for path in &paths {
        fs::remove_file(path).expect("a file to remove");
    }
    machine.run(commands);
    for path in &paths {
        assert!(path.exists(), "{}", path.display());
    }
}

/// The machine of the page about monitoring, with three backends.
fn monitored() -> Machine {
    let mut machine = Machine::new();
    for port in [10143, 10144, 10145] {
        machine.map(port, imap::backend(true));
    }
    make(
        &machine,
        &["status.token", "mailboxes"],
        &block(MONITORING, "sh files"),
    );
    machine.write(
        "etc/nginx/nginx.conf",
        &block(MONITORING, "conf /etc/nginx/nginx.conf"),
    );
    machine.start();
    machine
}

#[test]
fn a_user_is_moved_and_a_backend_taken_out() {
    let machine = monitored();
    let run = |kind: &str| machine.run(&block(MONITORING, &format!("sh {kind}")));
    let mut alice = logged_in(&machine, "alice");
    let said = run("status");
    assert!(
        said.contains(", ready\n") && said.contains("SESSION "),
        "{said}"
    );

    let said = run("hold");
    assert!(
        said.contains("alice: held") && said.contains("closed "),
        "{said}"
    );
    assert!(alice.read_to_end().starts_with("* BYE"));
    let (_, refused) = log_in(&machine, "alice", "secret");
    let temporary = "a NO [UNAVAILABLE] Account is being moved, try again later\r\n";
    assert_eq!(refused, temporary);
    let moved_to = format!("127.0.0.1:{}", machine.port(10145));
    let said = run("route");
    assert!(said.contains(&moved_to), "{said}");
    assert_eq!(log_in(&machine, "alice", "secret").1, temporary);
    run("release");
    let _alice = logged_in(&machine, "alice");
    let said = machine.run("portcullis --sessions alice");
    assert!(said.contains(&moved_to), "{said}");

    // A session for each server of the group.
    let mut others: Vec<_> = ["ann", "bob"]
        .map(|login| logged_in(&machine, login))
        .into();
    let drained = format!("127.0.0.1:{}", machine.port(10143));
    let said = run("drain");
    assert!(
        said.contains(&format!("shared/{drained}: draining, 1 session")),
        "{said}"
    );
    others.push(logged_in(&machine, "ann"));
    others.push(logged_in(&machine, "bob"));
    let said = run("kick");
    assert_eq!(said.matches("closed ").count(), 1, "{said}");
    let said = run("undrain");
    assert!(said.contains(&format!("shared/{drained}: up")), "{said}");
}

#[test]
fn the_pages_answer_and_prometheus_accepts_its_files() {
    let machine = monitored();
    let _alice = logged_in(&machine, "alice");
    let metrics = machine.run(&block(MONITORING, "sh pages"));
    assert!(metrics.contains(", ready\n"), "{metrics}");
    let said = machine.run(&block(MONITORING, "sh probes"));
    assert_eq!(said, "ok\nready\n");
    // Without the token nobody reads the others.
    let fetch = "curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:9180/metrics";
    assert_eq!(machine.run(fetch), "401");

    let (token, copy) = (
        machine.path("etc/nginx/status.token"),
        machine.path("etc/prometheus/portcullis.token"),
    );
    fs::copy(token, copy).expect("the token");
    let rules = block(MONITORING, "yaml /etc/prometheus/portcullis.rules.yml");
    machine.write("etc/prometheus/portcullis.rules.yml", &rules);
    let settings = block(MONITORING, "yaml /etc/prometheus/prometheus.yml");
    machine.write("etc/prometheus/prometheus.yml", &settings);
    let said = machine.run(&block(MONITORING, "sh promtool"));
    assert!(said.contains("7 rules found"), "{said}");
    // The rules name metrics that exist. This one begins with the first reload.
    machine.run("portcullis -s reload --wait");
    let metrics = machine.run(&block(MONITORING, "sh pages"));
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut named = 0;
    for name in words.filter(|word| word.starts_with("portcullis_")) {
        assert!(
            metrics.contains(&format!("# TYPE {name} ")),
            "{name}: {metrics}"
        );
        named += 1;
    }
    assert!(named >= 6, "{named}");
}

#[test]
fn limits_are_tried_before_they_refuse() {
    let dovecot = Dovecot::start();
    let mut machine = Machine::new();
    machine.map(10143, dovecot.imap);
    let lines = blocks(LIMITS)
        .into_iter()
        .find(|block| block.text.contains("_dry_run"))
        .expect("the limits");
    let socket = "status unix:/run/portcullis/status;\n";
    machine.write("etc/nginx/nginx.conf", &(in_mail(&lines.text) + socket));
    machine.start();
    let reply = |password: &str| log_in(&machine, dovecot::USER, password).1;
    let fails = |password: &str| {
        let said = reply(password);
        assert!(
            said.starts_with("a NO") && !said.contains("Too many"),
            "{said}"
        );
    };
    assert!(reply(dovecot::PASSWORD).starts_with("a OK"));
    // An old password counts once.
    (0..3).for_each(|_| fails("stale"));
    (0..5).for_each(|guess| fails(&format!("guess{guess}")));
    let log = machine.path("var/log/portcullis/error.log");
    wait_until("the dry run in the log", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("limiting logins, dry run"))
    });
    let said = machine.run(&block(LIMITS, "sh dry-run"));
    let line = format!(
        "1 limiting logins, dry run, by zone \"login_failed\", key \"{}\"\n",
        dovecot::USER
    );
    assert!(said.ends_with(&line) && said.lines().count() == 1, "{said}");

    let all = lines.text.lines().filter(|line| !line.contains("_dry_run"));
    let in_force: String = all.map(|line| format!("{line}\n")).collect();
    machine.write("etc/nginx/nginx.conf", &(in_mail(&in_force) + socket));
    machine.run("portcullis -s reload --wait");
    assert_eq!(
        reply("another"),
        "a NO [UNAVAILABLE] Too many failed logins\r\n"
    );
    // Whoever knows the password is let in.
    assert!(reply(dovecot::PASSWORD).starts_with("a OK"));
    wait_for_lines(&machine.path("var/log/portcullis/mail.log"), 11);
    let find = block(LIMITS, "sh find").replace("alice", dovecot::USER);
    let said = machine.run(&find);
    for text in [
        "limiting logins by zone",
        "result=limited",
        "a limit was exceeded",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let said = machine.run("portcullis --status");
    assert!(
        said.contains("login_failed (auth, $remote_user): 1 keys"),
        "{said}"
    );
}

#[test]
fn failures_are_counted_in_the_store() {
    let redis = Redis::start(&[]);
    let mut machine = Machine::new();
    machine.map(10143, imap::backend(false));
    let lines = blocks(LIMITS)
        .into_iter()
        .find(|block| block.text.contains("limit_store") && block.kind == "conf mail")
        .expect("the store");
    let here = lines
        .text
        .replace("10.0.0.9", &format!("127.0.0.1:{}", redis.port));
    let log = "error_log /var/log/portcullis/error.log info;\n";
    make(&machine, &["limits.key"], &block(LIMITS, "sh secret"));
    machine.write("etc/nginx/nginx.conf", &(in_mail(&here) + log));
    machine.start();
    wait_until("the store", || machine.log().contains("is connected"));
    let (_client, reply) = log_in(&machine, "alice", "wrong");
    assert_eq!(reply, "a NO Authentication failed\r\n");
    wait_until("the failure in the store", || {
        let keys = redis.ask(&["KEYS", "*"]);
        keys.starts_with("portcullis:login_failed:") && keys.lines().count() == 1
    });
}

#[test]
fn scripts_are_uploaded() {
    const PAGE: &str = "sieve.md";
    let pigeonhole = Pigeonhole::start();
    let mut machine = Machine::new();
    machine.map(14190, pigeonhole.port);
    let lines = block(PAGE, "conf mail");
    machine.write("etc/nginx/nginx.conf", &in_mail(&lines));
    machine.start();
    let commands = block(PAGE, "sh try")
        .replace("--port 4190", &format!("--port {}", machine.port(4190)))
        .replace("--user alice", &format!("--user {}", dovecot::USER))
        .replace("echo secret", &format!("echo '{}'", dovecot::PASSWORD));
    let said = machine.run(&commands);
    assert!(said.contains("first.sieve"), "{said}");
    // No login without TLS.
    let mut client = LineClient::connect(machine.port(4190));
    let mut greeting = client.read_reply();
    while !greeting.contains("OK ") {
        greeting += &client.read_reply();
    }
    assert!(greeting.contains("\"SASL\" \"\"\r\n"), "{greeting}");
    assert!(greeting.contains("\"STARTTLS\"\r\n"), "{greeting}");
}
