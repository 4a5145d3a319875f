//! Start and end of the process: order, pid file, daemon, signals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Gateway, LineClient, TempDir, free_port, wait_until};

/// A `mail {}` block with one server per `listen`.
fn mail(listens: &[&str]) -> String {
    let servers: String = listens
        .iter()
        .map(|listen| format!("server {{ listen {listen}; protocol smtp; }}\n"))
        .collect();
    format!("mail {{ server_name gate.test; auth_http http://127.0.0.1:9/; {servers} }}")
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn logs_its_notices_and_serves() {
    let port = free_port();
    let gateway = Gateway::start(&mail(&[&local(port)]));
    LineClient::connect(port).expect("220 gate.test ESMTP ready");
    for line in [
        "[notice]",
        "using the \"epoll\" event method",
        concat!("portcullis/", env!("CARGO_PKG_VERSION")),
        "OS: Linux ",
        "getrlimit(RLIMIT_NOFILE): ",
        "start worker processes",
    ] {
        gateway.wait_for_log(line);
    }
    gateway.wait_for_log(&format!("connected to 127.0.0.1:{port}\n"));
    assert!(gateway.log().contains(": *1 client 127.0.0.1:"));
    let pid = fs::read_to_string(gateway.folder().join("gateway.pid")).expect("the pid file");
    assert_eq!(pid, format!("{}\n", gateway.pid()));
}

#[test]
fn the_local_address_chooses_the_server() {
    let port = free_port();
    let server = |name: &str, listen: &str| {
        format!("server {{ server_name {name}; listen {listen}:{port}; protocol smtp; }}\n")
    };
    let servers = [
        server("one.test", "127.0.0.1"),
        server("any.test", "*"),
        server("three.test", "127.0.0.3"),
        server("six.test", "[::1]"),
    ];
    let block = format!(
        "mail {{ auth_http http://127.0.0.1:9/;\n{} }}",
        servers.concat()
    );
    let _gateway = Gateway::start(&block);
    for (address, name) in [
        ("127.0.0.1", "one.test"),
        ("127.0.0.2", "any.test"),
        ("127.0.0.3", "three.test"),
        ("::1", "six.test"),
    ] {
        let mut greeting = String::new();
        let stream = TcpStream::connect((address, port)).expect("to connect");
        BufReader::new(stream)
            .read_line(&mut greeting)
            .expect("a greeting");
        assert_eq!(greeting, format!("220 {name} ESMTP ready\r\n"));
    }
}

#[test]
fn stops_at_once_and_removes_its_files() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let port = free_port();
        let scratch = TempDir::new("socket");
        let path = scratch.path().join("socket");
        let mut gateway =
            Gateway::start(&mail(&[&local(port), &format!("unix:{}", path.display())]));
        UnixStream::connect(&path).expect("the unix socket");
        let mut session = LineClient::connect(port);
        session.expect("220");
        gateway.signal(signal);
        assert_eq!(gateway.wait(), Some(0));
        assert_eq!(session.read_to_end(), "");
        assert!(!path.exists(), "the unix socket stayed");
        assert!(
            !gateway.folder().join("gateway.pid").exists(),
            "the pid file stayed"
        );
        let number = signal as i32;
        assert!(
            gateway
                .log()
                .contains(&format!("signal {number} ({signal}) received from "))
        );
        assert!(
            gateway
                .log()
                .contains(&format!("from {}, exiting\n", std::process::id()))
        );
        assert!(gateway.log().trim_end().ends_with(": exit"));
    }
}

#[test]
fn a_graceful_shutdown_waits_for_sessions() {
    let port = free_port();
    let mut gateway = Gateway::start(&mail(&[&local(port)]));
    let mut session = LineClient::connect(port);
    session.expect("220");
    gateway.signal(Signal::SIGQUIT);
    gateway.wait_for_log("gracefully shutting down");
    wait_until("the end of listening", || {
        TcpStream::connect(local(port)).is_err()
    });
    session.send_line("NOOP");
    session.expect("250");
    session.send_line("QUIT");
    session.expect("221");
    assert_eq!(gateway.wait(), Some(0));
}

#[test]
fn worker_shutdown_timeout_ends_a_graceful_shutdown() {
    let port = free_port();
    let block = format!("worker_shutdown_timeout 100ms;\n{}", mail(&[&local(port)]));
    let mut gateway = Gateway::start(&block);
    let mut session = LineClient::connect(port);
    session.expect("220");
    gateway.signal(Signal::SIGQUIT);
    assert_eq!(gateway.wait(), Some(0));
    session.read_to_end();
    gateway.wait_for_log("shutdown timeout");
}

#[test]
fn an_address_in_use_fails_the_start_after_five_attempts() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("its number").port();
    let scratch = TempDir::new("busy");
    support::write_configuration(scratch.path(), &mail(&[&local(port)]));
    let output = support::command(scratch.path())
        .output()
        .expect("the gateway");
    assert_eq!(output.status.code(), Some(1));
    let line = format!(
        "portcullis: [emerg] bind() to 127.0.0.1:{port} failed (98: Address already in use)\n"
    );
    assert_eq!(
        said(&output),
        format!(
            "{}portcullis: [emerg] still could not bind()\n",
            line.repeat(5)
        )
    );
    let log = fs::read_to_string(scratch.path().join("error.log")).expect("the log");
    // This process has it.
    let own = std::process::id();
    let cause = "another process has this address: run_start";
    let named = log
        .lines()
        .find(|line| line.contains(cause))
        .expect("its name");
    assert!(named.contains(&format!(" (process {own}).")), "{named}");
    assert_eq!(
        log.matches("try again to bind() after 500ms").count(),
        4,
        "{log}"
    );
    assert!(!scratch.path().join("gateway.pid").exists());
}

#[test]
fn a_log_that_cannot_be_opened_fails_the_start() {
    let scratch = TempDir::new("log");
    let block = format!(
        "error_log no/such/folder.log;\n{}",
        mail(&[&local(free_port())])
    );
    support::write_configuration(scratch.path(), &block);
    let output = support::command(scratch.path())
        .output()
        .expect("the gateway");
    assert_eq!(output.status.code(), Some(1));
    let path = scratch.path().join("no/such/folder.log");
    let text = format!(
        "[emerg] open() \"{}\" failed (2: No such file or directory)\n",
        path.display()
    );
    assert!(said(&output).ends_with(&text), "{}", said(&output));
}

#[test]
fn a_daemon_can_be_stopped_and_started_again() {
    let port = free_port();
    let scratch = TempDir::new("daemon");
    let file = scratch.path().join("gateway.conf");
    let block = mail(&[&local(port)]);
    fs::write(
        &file,
        format!("pid gateway.pid;\nerror_log error.log notice;\nevents {{}}\n{block}"),
    )
    .expect("the configuration");
    let pid_file = scratch.path().join("gateway.pid");
    // The pid file of a dead process is overwritten.
    fs::write(&pid_file, "99999999\n").expect("a stale pid file");
    for round in 0..2 {
        let status = support::command(scratch.path())
            .status()
            .expect("the gateway");
        assert_eq!(status.code(), Some(0), "the parent");
        let number = || {
            fs::read_to_string(&pid_file)
                .ok()?
                .trim()
                .parse::<i32>()
                .ok()
        };
        wait_until("the pid file", || {
            number().is_some_and(|pid| pid != 99_999_999)
        });
        let pid = Pid::from_raw(number().expect("a number"));
        LineClient::connect(port).expect("220");
        assert_ne!(
            nix::unistd::getsid(Some(pid)),
            nix::unistd::getsid(None),
            "its session is its own"
        );
        let input = fs::read_link(format!("/proc/{pid}/fd/0")).expect("its input");
        assert_eq!(input.to_str(), Some("/dev/null"));
        let errors = fs::read_link(format!("/proc/{pid}/fd/2")).expect("its errors");
        assert_eq!(
            errors,
            fs::canonicalize(scratch.path().join("error.log")).expect("the log")
        );
        let word = ["stop", "quit"][round];
        let output = support::command(scratch.path())
            .args(["-s", word])
            .output()
            .expect("-s");
        assert_eq!(
            (output.status.code(), said(&output)),
            (Some(0), String::new())
        );
        wait_until("its end", || kill(pid, None) == Err(Errno::ESRCH));
        assert!(!pid_file.exists());
    }
}

#[test]
fn a_configuration_error_is_reported_before_the_process_leaves_the_terminal() {
    let scratch = TempDir::new("broken");
    let file = scratch.path().join("gateway.conf");
    fs::write(
        &file,
        "pid gateway.pid;\nevents {}\nmail {\n    nonsense;\n}\n",
    )
    .expect("the configuration");
    let log = scratch.path().join("early.log");
    let output = support::command(scratch.path())
        .output()
        .expect("the gateway");
    assert_eq!(output.status.code(), Some(1));
    let text = format!("unknown directive \"nonsense\" in {}:4\n", file.display());
    assert_eq!(said(&output), format!("portcullis: [emerg] {text}"));
    let log = fs::read_to_string(log).expect("the early log");
    assert!(log.contains("[emerg]") && log.ends_with(&text), "{log}");
}

#[test]
fn descriptors_are_raised_and_limited() {
    let port = free_port();
    let gateway = Gateway::start(&format!(
        "worker_rlimit_nofile 40;\n{}",
        mail(&[&local(port)])
    ));
    let limits =
        fs::read_to_string(format!("/proc/{}/limits", gateway.worker())).expect("its limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("the line");
    // For each of two `worker_processes`.
    assert_eq!(line.split_whitespace().nth(3), Some("80"));
    // (80 - 24 - 2 * 3 - 2 * 2) / 2 sessions are accepted; the next waits until one ends.
    let mut sessions: Vec<_> = (0..23).map(|_| LineClient::connect(port)).collect();
    sessions
        .iter_mut()
        .for_each(|session| drop(session.expect("220")));
    let mut next = LineClient::connect(port);
    let text = format!(
        "accept4() failed (24: Too many open files) while accepting new connection on 127.0.0.1:{port}\n"
    );
    gateway.wait_for_log(&text);
    gateway.wait_for_log("[crit]");
    sessions.pop();
    next.expect("220");
}

#[test]
fn clients_over_the_limit_get_a_reply() {
    for (protocol, greeting, no, bye) in [
        ("smtp", "220", "421 4.3.2 Too many connections\r\n", "QUIT"),
        ("imap", "* OK", "* BYE Too many connections\r\n", "a LOGOUT"),
        ("pop3", "+OK", "-ERR Too many connections\r\n", "QUIT"),
    ] {
        let port = free_port();
        let scratch = TempDir::new("full");
        let block = mail(&[&local(port)]).replace("protocol smtp", &format!("protocol {protocol}"));
        let text = format!(
            "daemon off;\npid gateway.pid;\nerror_log error.log info;\nevents {{ worker_connections 4; }}\n{block}"
        );
        fs::write(scratch.path().join("gateway.conf"), text).expect("the configuration");
        let mut child = support::command(scratch.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("the gateway");
        wait_until("the gateway", || {
            scratch.path().join("gateway.pid").exists()
        });
        let (mut one, mut two) = (LineClient::connect(port), LineClient::connect(port));
        one.expect(greeting);
        two.expect(greeting);
        let mut three = LineClient::connect(port);
        assert_eq!(three.read_to_end(), no);
        one.send_line(bye);
        one.read_to_end();
        wait_until("a place", || {
            LineClient::connect(port).read_reply().starts_with(greeting)
        });
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("to stop it");
        child.wait().expect("its end");
        let log = fs::read_to_string(scratch.path().join("error.log")).expect("the log");
        assert!(
            log.contains("[alert]") && log.contains(": 4 worker_connections are not enough\n"),
            "{log}"
        );
    }
}

/// As in nginx, standard error is redirected to the main log only where no `error_log` writes to it.
#[test]
fn a_server_may_log_to_standard_error() {
    let [loud, quiet] = [free_port(), free_port()];
    let scratch = TempDir::new("stderr");
    let block = format!(
        "mail {{ server_name gate.test; auth_http http://127.0.0.1:9/;
         server {{ listen 127.0.0.1:{loud}; protocol smtp; error_log stderr info; }}
         server {{ listen 127.0.0.1:{quiet}; protocol smtp; }} }}"
    );
    support::write_configuration(scratch.path(), &block);
    let mut child = support::command(scratch.path())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the gateway");
    let pid_file = scratch.path().join("gateway.pid");
    wait_until("the gateway", || pid_file.exists());
    for port in [quiet, loud] {
        LineClient::connect(port).expect("220");
    }
    let stderr = child.stderr.take().expect("its standard error");
    let mut lines = BufReader::new(stderr).lines();
    let line = lines.next().expect("a line").expect("its text");
    assert!(line.contains("[info]"), "{line}");
    let connected = |port| format!("connected to 127.0.0.1:{port}");
    assert!(line.contains(&connected(loud)), "{line}");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("to stop it");
    child.wait().expect("its end");
    let rest: Vec<String> = lines.map(|line| line.expect("its text")).collect();
    assert!(
        !rest.iter().any(|line| line.contains(&connected(quiet))),
        "{rest:?}"
    );
    let log = fs::read_to_string(scratch.path().join("error.log")).expect("the log");
    assert!(
        log.contains(&connected(quiet)) && !log.contains(&connected(loud)),
        "{log}"
    );
}

/// `-s` without a running process.
#[test]
fn a_signal_without_a_process_is_an_error() {
    let scratch = TempDir::new("nobody");
    support::write_configuration(scratch.path(), &mail(&[&local(free_port())]));
    let pid_file = scratch.path().join("gateway.pid");
    let shown = pid_file.display();
    let log = scratch.path().join("early.log");
    let say = |word: &str| -> (Option<i32>, String) {
        let mut command: Command = support::command(scratch.path());
        let output = command.args(["-s", word]).output().expect("-s");
        (output.status.code(), said(&output))
    };
    let missing =
        format!("portcullis: [error] open() \"{shown}\" failed (2: No such file or directory)\n");
    assert_eq!(say("reload"), (Some(1), missing));
    fs::write(&pid_file, "12x\n").expect("the pid file");
    let invalid = format!("portcullis: [error] invalid PID number \"12x\" in \"{shown}\"\n");
    assert_eq!(say("stop"), (Some(1), invalid));
    fs::write(&pid_file, "2147483647\n").expect("the pid file");
    let gone = "portcullis: [alert] kill(2147483647, 3) failed (3: No such process)\n";
    assert_eq!(say("quit"), (Some(1), gone.to_owned()));
    let log = fs::read_to_string(&log).expect("the early log");
    assert_eq!(log.matches("signal process started").count(), 3);
}

/// The pid file tells the next process that somebody serves already.
#[test]
fn a_live_master_is_named_and_another_pid_file_helps() {
    let gateway = Gateway::start(&mail(&[&local(free_port())]));
    let other = TempDir::new("second");
    let (port, pid_file) = (free_port(), gateway.folder().join("gateway.pid"));
    // The same pid file, and no other conflict.
    let block = mail(&[&local(port)]);
    support::write_configuration(other.path(), &block);
    let path = other.path().join("gateway.conf");
    let text = fs::read_to_string(&path).expect("the configuration");
    let text = text.replace("pid gateway.pid", &format!("pid {}", pid_file.display()));
    fs::write(&path, text).expect("the configuration");
    let output = support::command(other.path())
        .output()
        .expect("the gateway");
    assert_eq!(output.status.code(), Some(1));
    let (file, number) = (pid_file.display(), gateway.pid());
    let line = format!(
        "[emerg] \"{file}\" is the pid file of portcullis (process {number}), which is running: "
    );
    assert!(said(&output).contains(&line), "{}", said(&output));
    let kept = fs::read_to_string(&pid_file).expect("the pid file");
    assert_eq!(kept, format!("{number}\n"));
    // --pid overrides the directive, for -s too.
    let mut second = support::command(other.path())
        .args(["--pid", "own.pid"])
        .spawn()
        .expect("the gateway");
    let own = other.path().join("own.pid");
    wait_until("its pid file", || own.exists());
    LineClient::connect(port).expect("220");
    let quit = support::command(other.path())
        .args(["--pid", "own.pid", "-s", "stop"])
        .status();
    assert!(quit.expect("-s stop").success());
    assert!(second.wait().expect("its end").success());
    assert!(!own.exists());
    assert!(pid_file.exists());
}

/// A pid file that nobody removed is no obstacle.
#[test]
fn a_stale_pid_file_is_replaced() {
    let mut gateway = Gateway::start(&mail(&[&local(free_port())]));
    gateway.signal(Signal::SIGKILL);
    gateway.wait();
    let stale = gateway.folder().join("gateway.pid");
    let before = fs::read_to_string(&stale).expect("the pid file");
    let mut next = support::command(gateway.folder())
        .spawn()
        .expect("the gateway");
    wait_until("its pid file", || {
        fs::read_to_string(&stale).is_ok_and(|text| text != before && text.ends_with('\n'))
    });
    kill(Pid::from_raw(next.id().cast_signed()), Signal::SIGTERM).expect("to stop it");
    assert!(next.wait().expect("its end").success());
}

#[test]
fn a_start_with_nothing_to_serve_fails() {
    let scratch = TempDir::new("nothing");
    for block in ["", "mail {}", "http { server { listen 1; } }"] {
        support::write_configuration(scratch.path(), block);
        let output = support::command(scratch.path())
            .output()
            .expect("the gateway");
        assert_eq!(output.status.code(), Some(1), "{block}");
        let file = scratch.path().join("gateway.conf");
        let text = format!(
            "nothing to serve: no \"server\" in a \"mail\" block in {}\n",
            file.display()
        );
        assert!(
            said(&output).contains(&format!("[emerg] {text}")),
            "{}",
            said(&output)
        );
        let tested = support::command(scratch.path())
            .arg("-t")
            .output()
            .expect("-t");
        assert_eq!(tested.status.code(), Some(0), "{block}");
        assert!(
            said(&tested).contains(&format!("[warn] {text}")),
            "{}",
            said(&tested)
        );
    }
}
