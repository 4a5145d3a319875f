//! A master and its workers: who dies, who serves on, and what clients notice.

use std::fs;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::load::{Client, Held, Load, Peers};
use support::{Gateway, LineClient, command, free_port, wait_until, worker_processes};

fn mail(port: u16, peers: &Peers) -> String {
    server(&format!("127.0.0.1:{port}"), peers)
}

fn server(listen: &str, peers: &Peers) -> String {
    let auth = peers.auth;
    format!(
        "mail {{ server_name gate.test; auth_http 127.0.0.1:{auth}/; xclient off; smtp_auth plain;
                 server {{ listen {listen}; protocol smtp; }} }}"
    )
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed())
}

/// How often what takes long is done: `PORTCULLIS_TEST_ROUNDS`, or a few times.
fn rounds(usual: usize) -> usize {
    let rounds = std::env::var("PORTCULLIS_TEST_ROUNDS");
    rounds
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

#[test]
fn a_killed_worker_is_replaced_and_nobody_is_refused() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let load = Load::start(port, 4);
    load.more(50);
    let killed = gateway.worker();
    kill(pid(killed), Signal::SIGKILL).expect("to kill it");
    gateway.wait_for_log(&format!("worker process {killed} exited on signal 9\n"));
    load.more(50);
    let (_, lost) = load.end();
    // The sessions of the killed worker are lost, at most one for each client; nobody is refused.
    assert!(lost.len() <= 4, "{lost:?}");
    let refused: Vec<_> = lost
        .iter()
        .filter(|why| why.starts_with("refused"))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert_ne!(gateway.worker(), killed);
    let log = gateway.log();
    for line in [
        format!("signal 17 (SIGCHLD) received from {killed}\n"),
        format!("start worker process {}\n", gateway.worker()),
    ] {
        assert!(log.contains(&line), "no {line:?} in\n{log}");
    }
    // The next one takes part in a reload as any other.
    gateway.reload();
    LineClient::connect(port).expect("220");
}

#[test]
fn deaths_in_a_row_slow_down_and_are_named() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    for death in 1..=4 {
        wait_until("a worker", || worker_processes(gateway.pid()).len() == 1);
        kill(pid(gateway.worker()), Signal::SIGABRT).expect("to abort it");
        wait_until("its end", || {
            gateway.log().matches("exited on signal 6").count() == death
        });
    }
    gateway.wait_for_log("4 worker processes ended in a row, the next one is started in 1s\n");
    // Whoever comes in between waits.
    LineClient::connect(port).expect("220");
}

#[test]
fn without_a_master_sessions_end_and_ports_are_free() {
    let (port, peers) = (free_port(), Peers::start());
    let mut gateway = Gateway::start(&mail(port, &peers));
    let held = Held::open(port, &peers).expect("sessions");
    let worker = gateway.worker();
    gateway.signal(Signal::SIGKILL);
    gateway.wait();
    gateway.wait_for_log("the master process is gone, gracefully shutting down\n");
    wait_until("the port", || {
        std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
    });
    // A new master takes over while the sessions go on.
    let mut next = command(gateway.folder()).spawn().expect("the next master");
    wait_until("the next master", || Client::connect(port).is_ok());
    held.complete(&peers)
        .expect("every session to be completed");
    wait_until("the end of the worker", || {
        kill(pid(worker), None) == Err(Errno::ESRCH)
    });
    kill(pid(next.id()), Signal::SIGTERM).expect("to stop it");
    assert!(next.wait().expect("its end").success());
}

#[test]
fn a_window_change_in_a_terminal_is_no_reason_to_stop() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    gateway.signal(Signal::SIGWINCH);
    gateway.wait_for_log("signal 28 (SIGWINCH) received from ");
    gateway.wait_for_log(", ignoring\n");
    LineClient::connect(port).expect("220");
}

#[test]
fn reloads_under_load_lose_nobody() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let held = Held::open(port, &peers).expect("sessions");
    let load = Load::start(port, 4);
    for _ in 0..rounds(20) {
        gateway.reload();
    }
    load.more(50);
    let (done, lost) = load.end();
    assert!(lost.is_empty(), "{} of {done}: {lost:?}", lost.len());
    held.complete(&peers)
        .expect("every session to be completed");
}

#[test]
fn a_listen_moves_between_the_wildcard_and_an_address() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let held = Held::open(port, &peers).expect("sessions");
    let load = Load::start(port, 4);
    for round in 0..rounds(8) {
        let listen = match round % 4 {
            0 => format!("*:{port}"),
            1 => format!("[::]:{port} ipv6only=off"),
            2 => format!("127.0.0.1:{port}"),
            _ => format!("[::]:{port} ipv6only=off"),
        };
        gateway.rewrite(&server(&listen, &peers));
        gateway.reload();
        load.more(10);
    }
    let (done, lost) = load.end();
    assert!(lost.is_empty(), "{} of {done}: {lost:?}", lost.len());
    held.complete(&peers)
        .expect("every session to be completed");
}

#[test]
fn settings_of_the_worker_bring_another_worker() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let held = Held::open(port, &peers).expect("sessions");
    let (load, before) = (Load::start(port, 4), gateway.worker());
    let block = format!(
        "worker_priority 5;\nenv GREETING=hello;\n{}",
        mail(port, &peers)
    );
    gateway.rewrite(&block);
    gateway.reload();
    load.more(20);
    let (_, lost) = load.end();
    assert!(lost.is_empty(), "{lost:?}");
    let all = worker_processes(gateway.pid());
    assert_eq!(all.len(), 2, "the old one serves its sessions: {all:?}");
    held.complete(&peers)
        .expect("every session to be completed");
    wait_until("its end", || worker_processes(gateway.pid()).len() == 1);
    let worker = gateway.worker();
    assert_ne!(worker, before);
    let read = |file: &str| fs::read(format!("/proc/{worker}/{file}")).expect("what it is");
    let stat = String::from_utf8_lossy(&read("stat")).into_owned();
    let nice = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().nth(16));
    assert_eq!(nice, Some("5"));
    // Of the environment it has what `env` names, and nothing else.
    let environment = String::from_utf8_lossy(&read("environ")).into_owned();
    let mut variables: Vec<_> = environment.split_terminator('\0').collect();
    variables.retain(|variable| !variable.starts_with("TZ="));
    assert_eq!(variables, ["GREETING=hello"]);
}

#[test]
fn a_worker_that_is_killed_during_a_reload_leaves_the_old_configuration() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    // It cannot answer the reload, and dies before it could.
    let worker = gateway.worker();
    kill(pid(worker), Signal::SIGSTOP).expect("to stop it");
    gateway.rewrite(&mail(port, &peers).replace("gate.test", "new.test"));
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log("reconfiguring\n");
    kill(pid(worker), Signal::SIGKILL).expect("to kill it");
    gateway.wait_for_log("the old configuration goes on\n");
    LineClient::connect(port).expect("220 gate.test");
    gateway.reload();
    LineClient::connect(port).expect("220 new.test");
}

#[test]
fn whoever_waits_for_a_reload_learns_its_outcome() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let reload = || {
        let mut command = command(gateway.folder());
        let output = command
            .args(["-s", "reload", "--wait"])
            .output()
            .expect("-s reload");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    gateway.rewrite(&mail(port, &peers).replace("gate.test", "new.test"));
    assert_eq!(reload(), (Some(0), String::new()));
    LineClient::connect(port).expect("220 new.test");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = holder.local_addr().expect("its number").port();
    gateway.rewrite(&mail(busy, &peers));
    let (code, said) = reload();
    assert_eq!(code, Some(1));
    let reason = format!("bind() to 127.0.0.1:{busy} failed (98: Address already in use)");
    assert!(
        said.contains("the reload is refused: ") && said.contains(&reason),
        "{said}"
    );
    LineClient::connect(port).expect("220 new.test");
    // A master that is busy in another way says nothing.
    let worker = gateway.worker();
    kill(pid(worker), Signal::SIGSTOP).expect("to stop it");
    gateway.rewrite(&mail(port, &peers));
    let mut waiting = command(gateway.folder())
        .args(["-s", "reload", "--wait"])
        .spawn()
        .expect("-s reload");
    std::thread::sleep(Duration::from_millis(100));
    assert!(waiting.try_wait().expect("its state").is_none());
    kill(pid(worker), Signal::SIGCONT).expect("to continue it");
    assert!(waiting.wait().expect("its end").success());
}

/// What logrotate does, with postrotate's signal.
#[test]
fn rotation_under_load_loses_no_line() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let load = Load::start(port, 4);
    let path = |name: &str| gateway.folder().join(name);
    let turns = rounds(20);
    for turn in 0..turns {
        load.more(5);
        let rotated = path(&format!("error.log.{turn}"));
        fs::rename(path("error.log"), &rotated).expect("to rotate");
        gateway.signal(Signal::SIGUSR1);
        wait_until("the new log", || path("error.log").exists());
    }
    let (done, lost) = load.end();
    assert!(lost.is_empty(), "{lost:?}");
    let found = || {
        let rotated = (0..turns).map(|turn| format!("error.log.{turn}"));
        let all = rotated
            .chain(["error.log".to_owned()])
            .map(|name| path(&name));
        let count = |path| {
            fs::read_to_string(path).map_or(0, |text| text.matches("client logged in").count())
        };
        all.map(count).sum::<usize>()
    };
    wait_until("the last line", || found() >= done);
    assert_eq!(found(), done, "lines");
}

#[test]
fn a_pipe_that_nobody_writes_to_is_given_up() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let pipe = gateway.folder().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let block = mail(port, &peers).replace(
        "server_name gate.test;",
        &format!("include {};", pipe.display()),
    );
    gateway.rewrite(&block);
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log("reconfiguring\n");
    LineClient::connect(port).expect("220 gate.test");
    let text = format!(
        "open() \"{}\" failed (110: Connection timed out)",
        pipe.display()
    );
    gateway.wait_for_log(&text);
    for (name, why) in [
        ("/dev/zero", "29: Illegal seek"),
        ("/dev", "21: Is a directory"),
    ] {
        gateway.rewrite(
            &mail(port, &peers).replace("server_name gate.test;", &format!("include {name};")),
        );
        gateway.signal(Signal::SIGHUP);
        gateway.wait_for_log(&format!("pread() \"{name}\" failed ({why})"));
    }
    gateway.rewrite(&mail(port, &peers).replace("gate.test", "new.test"));
    gateway.reload();
    LineClient::connect(port).expect("220 new.test");
}

/// What its administrator sees of a worker, and where its key comes from.
#[test]
fn a_worker_has_no_privileges_and_a_renewed_key() {
    let certificate = support::Certificate::new();
    let port = free_port();
    let block = |more: &str| {
        let (chain, key) = (certificate.chain(), certificate.key());
        format!(
            "{more} mail {{ server_name gate.test; auth_http 127.0.0.1:9/;
                     server {{ listen 127.0.0.1:{port} ssl; protocol smtp;
                               ssl_certificate {}; ssl_certificate_key {}; }} }}",
            chain.display(),
            key.display()
        )
    };
    let only_owner = || {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(certificate.key(), mode).expect("the mode of the key");
    };
    only_owner();
    let is_root = nix::unistd::geteuid().is_root();
    let gateway = Gateway::start(&block(if is_root { "user nobody nogroup;" } else { "" }));
    let status = |pid: u32| fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let field = |pid: u32, name: &str| {
        let status = status(pid);
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .unwrap_or_default()
    };
    let worker = gateway.worker();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(worker, set), "0000000000000000", "{set}");
    }
    assert_eq!(field(worker, "NoNewPrivs"), "1");
    assert_eq!(field(worker, "Seccomp"), "2");
    gateway.wait_for_log(": worker: uid ");
    if is_root {
        assert_eq!(field(worker, "CapBnd"), "0000000000000000");
        assert_eq!(field(worker, "Uid"), "65534 65534 65534 65534");
        assert_eq!(field(worker, "Gid"), "65534 65534 65534 65534");
        assert_eq!(field(worker, "Groups"), "65534");
        assert_eq!(field(gateway.pid(), "Uid"), "0 0 0 0");
    } else {
        println!("not root: the account was not changed");
    }
    assert_eq!(field(gateway.pid(), "Threads"), "1");
    // A renewed pair that only root can read arrives with a reload.
    let (old, renewed) = (fingerprint(port), support::Certificate::new());
    fs::copy(renewed.chain(), certificate.chain()).expect("a new certificate");
    fs::copy(renewed.key(), certificate.key()).expect("a new key");
    only_owner();
    gateway.reload();
    assert_ne!(fingerprint(port), old);
}

/// What tells one certificate from another.
fn fingerprint(port: u16) -> String {
    let shaken = support::authority::s_client(port, &["-no_ign_eof"], "QUIT\r\n");
    let begin = shaken
        .out
        .find("-----BEGIN CERTIFICATE-----")
        .expect("a certificate");
    shaken.out[begin..].lines().take(5).collect()
}

/// `master_process off`: one process and the same reload.
#[test]
fn one_process_does_everything() {
    let (port, peers) = (free_port(), Peers::start());
    let block = |name| {
        format!(
            "master_process off;\n{}",
            mail(port, &peers).replace("gate.test", name)
        )
    };
    let mut gateway = Gateway::start(&block("gate.test"));
    assert!(worker_processes(gateway.pid()).is_empty());
    let held = Held::open(port, &peers).expect("sessions");
    let load = Load::start(port, 2);
    gateway.rewrite(&block("new.test"));
    gateway.reload();
    LineClient::connect(port).expect("220 new.test");
    load.more(10);
    let (_, lost) = load.end();
    assert!(lost.is_empty(), "{lost:?}");
    gateway.signal(Signal::SIGQUIT);
    wait_until("the end of listening", || Client::connect(port).is_err());
    held.complete(&peers)
        .expect("every session to be completed");
    assert_eq!(gateway.wait(), Some(0));
    assert!(gateway.log().trim_end().ends_with(": exit"));
}

/// A worker that does not read holds the master up for a while, then is replaced.
#[test]
fn a_hand_over_that_is_cut_changes_nothing() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let held = Held::open(port, &peers).expect("sessions");
    let worker = gateway.worker();
    // More than the socket pair takes without a reader.
    let comment = format!("# {}\n", "x".repeat(98)).repeat(20_000);
    fs::write(gateway.folder().join("long.conf"), comment).expect("a long file");
    let long = gateway.folder().join("long.conf");
    let block = mail(port, &peers).replace("server_name gate.test;", "server_name new.test;");
    gateway.rewrite(&format!("include {};\n{block}", long.display()));
    kill(pid(worker), Signal::SIGSTOP).expect("to stop it");
    gateway.signal(Signal::SIGHUP);
    gateway.wait_for_log("the worker process does not take the configuration");
    gateway.wait_for_log("the old configuration goes on\n");
    LineClient::connect(port).expect("220 gate.test");
    kill(pid(worker), Signal::SIGCONT).expect("to continue it");
    // To the cut one this is the end of its master.
    gateway.wait_for_log("the master process is gone, gracefully shutting down\n");
    held.complete(&peers)
        .expect("every session to be completed");
    wait_until("its end", || worker_processes(gateway.pid()).len() == 1);
    gateway.reload();
    LineClient::connect(port).expect("220 new.test");
}

#[test]
fn a_full_disk_loses_lines_but_no_sessions() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&format!(
        "error_log /dev/full info;\n{}",
        mail(port, &peers)
    ));
    let load = Load::start(port, 2);
    load.more(10);
    gateway.signal(Signal::SIGUSR1);
    gateway.reload();
    load.more(10);
    let (_, lost) = load.end();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn waiting_for_descriptors_takes_no_time() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&format!("worker_rlimit_nofile 40;\n{}", mail(port, &peers)));
    let sessions: Vec<_> = (0..26).map(|_| LineClient::connect(port)).collect();
    let _next = LineClient::connect(port);
    gateway.wait_for_log("accept4() failed (24: Too many open files)");
    let ticks = || -> u64 {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", gateway.worker())).expect("its time");
        let fields = stat
            .rsplit(')')
            .next()
            .expect("the fields")
            .split_whitespace();
        let times = fields
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().expect("a number"));
        times.sum()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(1));
    // A hundredth of a second each: a loop would take a hundred.
    assert!(ticks() - before < 20, "{} ticks", ticks() - before);
    drop(sessions);
}

/// Sessions keep their generation, so a reload costs memory for a while; but not for ever.
#[test]
fn reloads_do_not_grow_the_worker() {
    let (port, peers) = (free_port(), Peers::start());
    let gateway = Gateway::start(&mail(port, &peers));
    let mut sessions: Vec<_> = (0..40).map(|_| LineClient::connect(port)).collect();
    sessions
        .iter_mut()
        .for_each(|session| drop(session.expect("220")));
    let memory = || -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", gateway.worker())).expect("its memory");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("VmRSS");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number")
    };
    // The first one fills caches that later ones use.
    gateway.reload();
    let before = memory();
    for _ in 0..rounds(20) {
        gateway.reload();
    }
    let after = memory();
    assert!(after * 100 <= before * 105, "{before} kB, then {after} kB");
    for session in &mut sessions {
        session.send_line("NOOP");
        session.expect("250");
    }
}
