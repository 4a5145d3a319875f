//! `limit_store`: several gateways that share their counts, and what remains of them while the store is away.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::authority::{Authority, CertificateOptions};
use support::password_auth::PasswordAuth;
use support::redis::Redis;
use support::scripted::{ScriptedPeer, Step};
use support::{Gateway, LineClient, TempDir, auth_plain, free_port};

const SECRET: &str = "a secret of all gateways, which is long enough\n";

/// What every session has after its login.
const BACKEND: &[Step] = &[
    Step::Send(b"220 b\r\n"),
    Step::ReadLine,
    Step::Send(b"250 b\r\n"),
    Step::Stall,
];

/// Gateways with the same zones and one auth server.
struct Gateways {
    gateways: Vec<Gateway>,
    ports: Vec<u16>,
    auth: PasswordAuth,
    _backend: ScriptedPeer,
    _folder: TempDir,
    blocks: Vec<String>,
}

impl Gateways {
    /// Starts some that are connected to the store. `SECRET` in the lines stands for the name of a file.
    fn start(count: usize, store: &str, mail: &str, server: &str) -> Self {
        let this = Self::start_alone(count, store, mail, server);
        for gateway in &this.gateways {
            gateway.wait_for_log("is connected");
        }
        this
    }

    fn start_alone(count: usize, store: &str, mail: &str, server: &str) -> Self {
        let backend = ScriptedPeer::start(BACKEND);
        let auth = PasswordAuth::start(backend.port);
        let folder = TempDir::new("secret");
        let secret = folder.path().join("secret");
        fs::write(&secret, SECRET).expect("a file");
        let store = store.replace("SECRET", &secret.display().to_string());
        let (mut ports, mut blocks) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let port = free_port();
            ports.push(port);
            blocks.push(format!(
                "mail {{ xclient off; auth_http 127.0.0.1:{}/; {mail}\nlimit_store {store};\n\
                 server {{ listen 127.0.0.1:{port}; protocol smtp; server_name gate.test; {server} }} }}",
                auth.port
            ));
        }
        Self {
            gateways: blocks.iter().map(|block| Gateway::start(block)).collect(),
            ports,
            auth,
            _backend: backend,
            _folder: folder,
            blocks,
        }
    }

    /// The reply to a login at the gateway of this number.
    fn reply(&self, gateway: usize, user: &str, password: &str) -> String {
        log_in(self.ports[gateway % self.ports.len()], user, password)
    }

    /// How many lines of all logs have this text.
    fn lines(&self, text: &str) -> Vec<usize> {
        let logs = self.gateways.iter().map(Gateway::log);
        logs.map(|log| log.matches(text).count()).collect()
    }
}

fn log_in(port: u16, user: &str, password: &str) -> String {
    let mut client = LineClient::connect(port);
    client.expect("220");
    client.ask(&format!("AUTH PLAIN {}", auth_plain(user, password)))
}

fn url(redis: &Redis) -> String {
    format!("redis://127.0.0.1:{} timeout=5s", redis.port)
}

#[test]
fn five_guesses_over_three_gateways() {
    let redis = Redis::start(&[]);
    let gateways = Gateways::start(
        3,
        &format!("{} secret=SECRET", url(&redis)),
        "limit_auth_zone $remote_user zone=account:1m rate=5r/h distinct=on;",
        "limit_auth zone=account action=refuse;",
    );
    // A phone with an old password counts once, wherever it calls.
    for n in 0..6 {
        assert!(
            gateways
                .reply(n, "joe", "stale")
                .starts_with("535 5.7.0 wrong")
        );
    }
    assert!(gateways.reply(0, "joe", "right").starts_with("235"));
    let asked = gateways.auth.asked();
    let guesses: Vec<_> = (0..12)
        .map(|n| gateways.reply(n, "joe", &format!("guess{n}")))
        .collect();
    for (n, reply) in guesses.iter().enumerate() {
        // The accepted login has removed the old password's failure, which came from the same address.
        let expected = match n < 5 {
            true => "535 5.7.0 wrong",
            false => "454 4.7.0 Too many failed logins",
        };
        assert!(reply.starts_with(expected), "{n}: {guesses:?}");
    }
    assert_eq!(gateways.auth.asked() - asked, 5);
    // The password that was accepted is known to all.
    assert!(gateways.reply(1, "joe", "right").starts_with("235"));
    assert!(gateways.reply(1, "ann", "guess").starts_with("535"));
    // What the store has tells nobody a login or a password, and expires.
    let keys = redis.ask(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 2, "{keys}");
    for key in keys.lines() {
        assert!(key.starts_with("portcullis:account:"), "{key}");
        let value = redis.ask(&["GET", key]);
        assert!(
            !value.contains("joe") && !value.contains("guess"),
            "{value}"
        );
        let left: i64 = redis.ask(&["PTTL", key]).trim().parse().expect("a time");
        assert!(left > 0, "{key}: {left}");
    }
}

/// Without a secret no hash of a password leaves a gateway: the zone counts in each of them.
#[test]
fn passwords_are_told_apart_with_a_secret_only() {
    let redis = Redis::start(&[]);
    let gateways = Gateways::start_alone(
        2,
        &url(&redis),
        "limit_auth_zone $remote_user zone=account:1m rate=2r/h distinct=on;
         limit_auth_zone $remote_addr zone=peer:1m rate=9r/h;",
        "limit_auth zone=account action=refuse; limit_auth zone=peer action=refuse;",
    );
    for gateway in &gateways.gateways {
        gateway.wait_for_log("is connected");
        assert!(gateway.log().contains(
            "[not-shared] the zone \"account\" with \"distinct=on\" is not shared, each gateway counts by itself: \"limit_store\" has no \"secret=file\""
        ) || fs::read_to_string(gateway.folder().join("early.log")).is_ok_and(|log| log.contains("[not-shared]")));
    }
    let wrong = (0..8).filter(|n| {
        let reply = gateways.reply(*n, "joe", &format!("guess{n}"));
        reply.starts_with("535")
    });
    assert_eq!(wrong.count(), 4);
    let keys = redis.ask(&["KEYS", "*"]);
    assert!(
        keys.starts_with("portcullis:peer:") && keys.lines().count() == 1,
        "{keys}"
    );
}

/// Over a Unix socket.
#[test]
fn successes_and_attempts_at_once() {
    let folder = TempDir::new("socket");
    let socket = folder.path().join("store.sock").display().to_string();
    let _redis = Redis::start(&["--unixsocket", &socket, "--unixsocketperm", "777"]);
    let gateways = Gateways::start(
        2,
        &format!("unix:{socket} timeout=5s"),
        "limit_auth_zone $remote_addr zone=peer:1m rate=5r/h;",
        "limit_auth zone=peer action=refuse;",
    );
    for n in 0..4 {
        assert!(gateways.reply(n, "joe", "wrong").starts_with("535"), "{n}");
    }
    // It removes its own failures, at both gateways.
    assert!(gateways.reply(0, "joe", "right").starts_with("235"));
    for n in 0..2 {
        assert!(gateways.reply(n, "ann", "wrong").starts_with("535"), "{n}");
    }
    let asked = gateways.auth.asked();
    let ports = &gateways.ports;
    let replies: Vec<_> = std::thread::scope(|scope| {
        let logins: Vec<_> = (0..20)
            .map(|n| scope.spawn(move || log_in(ports[n % 2], "bob", "wrong")))
            .collect();
        let replies = logins
            .into_iter()
            .map(|login| login.join().expect("a reply"));
        replies.collect()
    });
    let wrong = replies.iter().filter(|reply| reply.starts_with("535"));
    assert_eq!(
        (wrong.count(), gateways.auth.asked() - asked),
        (3, 3),
        "{replies:?}"
    );
}

#[test]
fn sessions_over_three_gateways() {
    let redis = Redis::start(&[]);
    let gateways = Gateways::start(
        3,
        &url(&redis),
        "limit_session_zone $remote_addr zone=rate:1m rate=1r/m;",
        "limit_session zone=rate burst=4 nodelay;",
    );
    let greeted = (0..9).map(|n| LineClient::connect(gateways.ports[n % 3]).read_reply());
    let greeted: Vec<_> = greeted.collect();
    for (n, reply) in greeted.iter().enumerate() {
        let expected = if n < 5 {
            "220"
        } else {
            "421 4.7.0 Too many sessions"
        };
        assert!(reply.starts_with(expected), "{n}: {greeted:?}");
    }
    let line = "limiting sessions, excess: ";
    assert_eq!(gateways.lines(line).iter().sum::<usize>(), 4);
}

#[test]
fn a_dry_run_refuses_nobody() {
    let redis = Redis::start(&[]);
    let gateways = Gateways::start(
        2,
        &url(&redis),
        "limit_auth_zone $remote_addr zone=peer:1m rate=2r/h;
         limit_session_zone $remote_addr zone=rate:1m rate=1r/m;",
        "limit_auth zone=peer action=refuse; limit_auth_dry_run on; limit_session zone=rate burst=1; limit_session_dry_run on;",
    );
    for n in 0..8 {
        assert!(gateways.reply(n, "joe", "wrong").starts_with("535"), "{n}");
    }
    // One line for each, whether the gateway finds it by itself or not.
    let line = "limiting logins, dry run, by zone \"peer\"";
    assert_eq!(gateways.lines(line), [3, 3]);
    let line = "limiting sessions, dry run, excess: ";
    assert_eq!(gateways.lines(line), [3, 3]);
}

/// A server that is killed and started again under load: nobody is refused, and each gateway writes one line each way.
#[test]
fn killed_and_started_again() {
    let mut redis = Redis::start(&[]);
    let gateways = Gateways::start(
        2,
        &url(&redis),
        "limit_auth_zone $remote_addr zone=peer:1m rate=5r/h;",
        "limit_auth zone=peer action=refuse;",
    );
    let (is_over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (ports, over, done) = (&gateways.ports, &is_over, &done);
    std::thread::scope(|scope| {
        for n in 0..4 {
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let reply = log_in(ports[n % 2], &format!("user{n}"), "right");
                    assert!(reply.starts_with("235"), "{reply}");
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let more = || {
            let before = done.load(Ordering::SeqCst);
            support::wait_until("logins", || done.load(Ordering::SeqCst) > before + 20);
        };
        more();
        redis.kill();
        for gateway in &gateways.gateways {
            gateway.wait_for_log("cannot be used (");
        }
        more();
        redis.start_again();
        for gateway in &gateways.gateways {
            gateway.wait_for_log("is used again after ");
        }
        more();
        is_over.store(true, Ordering::SeqCst);
    });
    assert_eq!(gateways.lines("cannot be used ("), [1, 1]);
    assert_eq!(gateways.lines("is used again after "), [1, 1]);
    assert!(redis.calls("evalsha") > 20);
}

/// While the store is away, each gateway counts by itself.
#[test]
fn counts_of_a_gateway_alone() {
    let mut redis = Redis::start(&[]);
    let gateways = Gateways::start(
        2,
        &url(&redis),
        "limit_auth_zone $remote_addr zone=peer:1m rate=4r/h;",
        "limit_auth zone=peer action=refuse;",
    );
    for n in 0..2 {
        assert!(gateways.reply(n, "joe", "wrong").starts_with("535"), "{n}");
    }
    redis.kill();
    for gateway in &gateways.gateways {
        gateway.wait_for_log("cannot be used (");
    }
    let wrong = (0..12).filter(|n| gateways.reply(*n, "joe", "wrong").starts_with("535"));
    assert_eq!(
        wrong.count(),
        6,
        "four at each gateway, of which two came before"
    );
}

/// A server that accepts and says nothing costs one session its timeout, and the others nothing.
#[test]
fn a_silent_store() {
    let redis = Redis::start(&[]);
    let gateways = Gateways::start(
        1,
        &format!("redis://127.0.0.1:{} timeout=1s", redis.port),
        "limit_auth_zone $remote_addr zone=peer:1m rate=5r/h;",
        "limit_auth zone=peer action=refuse;",
    );
    redis.signal(Signal::SIGSTOP);
    let begun = Instant::now();
    for _ in 0..5 {
        assert!(gateways.reply(0, "joe", "right").starts_with("235"));
    }
    let took = begun.elapsed();
    redis.signal(Signal::SIGCONT);
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    gateways.gateways[0]
        .wait_for_log("cannot be used (no answer in 1000 ms): this gateway's own counts decide");
    gateways.gateways[0].wait_for_log("is used again after ");
    assert_eq!(gateways.lines("cannot be used ("), [1]);
}

/// A server that answers with errors is as good as none.
#[test]
fn a_store_that_takes_no_writes() {
    let redis = Redis::start(&[]);
    let gateways = Gateways::start(
        1,
        &url(&redis),
        "limit_auth_zone $remote_addr zone=peer:1m rate=5r/h;",
        "limit_auth zone=peer action=refuse;",
    );
    let replicas = |number| redis.ask(&["CONFIG", "SET", "min-replicas-to-write", number]);
    replicas("1");
    for n in 0..7 {
        let expected = if n < 5 { "535" } else { "454" };
        let reply = gateways.reply(0, "joe", "wrong");
        assert!(reply.starts_with(expected), "{n}: {reply}");
    }
    gateways.gateways[0].wait_for_log("cannot be used (it answers \"NOREPLICAS ");
    replicas("0");
    gateways.gateways[0].wait_for_log("is used again after ");
    assert_eq!(gateways.lines("cannot be used ("), [1]);
}

#[test]
fn scripts_that_the_server_has_forgotten() {
    let redis = Redis::start(&[]);
    let gateways = Gateways::start(
        2,
        &url(&redis),
        "limit_auth_zone $remote_addr zone=peer:1m rate=3r/h;",
        "limit_auth zone=peer action=refuse;",
    );
    for n in 0..5 {
        let expected = if n < 3 { "535" } else { "454" };
        let reply = gateways.reply(n, "joe", "wrong");
        assert!(reply.starts_with(expected), "{n}: {reply}");
        redis.ask(&["SCRIPT", "FLUSH"]);
    }
    assert_eq!(gateways.lines("cannot be used ("), [0, 0]);
    assert!(redis.calls("eval") > 3);
}

/// A wrong password is an error in the log, where no password is. A reload corrects it.
#[test]
fn passwords_of_the_store() {
    let redis = Redis::start(&["--requirepass", "op@n sesame"]);
    let zone = "limit_auth_zone $remote_addr zone=peer:1m rate=3r/h;";
    let rule = "limit_auth zone=peer action=refuse;";
    let at = |login: &str| {
        format!(
            "redis://{login}127.0.0.1:{}/3 timeout=5s prefix=mail:",
            redis.port
        )
    };
    for (login, error) in [
        ("", "Authentication required."),
        (":wr0ng-one@", "it refuses this user or password"),
        ("joe:wr0ng-one@", "it refuses this user or password"),
    ] {
        let gateways = Gateways::start_alone(1, &at(login), zone, rule);
        let gateway = &gateways.gateways[0];
        gateway.wait_for_log("cannot be used (");
        let log = gateway.log();
        assert!(log.contains(error) && !log.contains("wr0ng-one"), "{log}");
        assert!(gateways.reply(0, "joe", "wrong").starts_with("535"));
        gateway.rewrite(&gateways.blocks[0].replace(&at(login), &at("default:op%40n%20sesame@")));
        gateway.reload();
        gateway.wait_for_log("is connected");
        assert!(gateways.reply(0, "joe", "wrong").starts_with("535"));
        let keys = redis.ask(&["-a", "op@n sesame", "-n", "3", "KEYS", "*"]);
        assert!(keys.contains("mail:peer:"), "{keys}");
        assert!(!gateway.log().contains("sesame"));
    }
}

/// The certificate of the store is verified.
#[test]
fn a_store_behind_tls() {
    let authority = Authority::new("stores");
    let names = CertificateOptions {
        names: &["localhost"],
        ..CertificateOptions::default()
    };
    let (certificate, key) = authority.sign("store", names);
    let port = free_port();
    let (tls_port, certificate, key) = (
        port.to_string(),
        certificate.display().to_string(),
        key.display().to_string(),
    );
    let _redis = Redis::start(&[
        "--tls-port",
        &tls_port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    let ca = authority.certificate().display().to_string();
    let zone = "limit_auth_zone $remote_addr zone=peer:1m rate=3r/h;";
    let rule = "limit_auth zone=peer action=refuse;";
    let start = |store: &str| Gateways::start_alone(1, store, zone, rule);
    let trusted = start(&format!(
        "rediss://localhost:{port} trusted_certificate={ca}"
    ));
    trusted.gateways[0].wait_for_log("is connected");
    let unknown = start(&format!("rediss://localhost:{port}"));
    unknown.gateways[0].wait_for_log("cannot be used (upstream SSL certificate verify error");
    let clear = start(&format!("redis://localhost:{port}"));
    clear.gateways[0].wait_for_log("cannot be used (");

    // Its CAs are watched as those of auth servers and backends are.
    let folder = TempDir::new("store-ca");
    let [file, new] = ["ca.pem", "new.pem"].map(|name| folder.path().join(name));
    fs::copy(Authority::new("others").certificate(), &file).expect("another CA");
    let file = file.display();
    let renewed = start(&format!(
        "rediss://localhost:{port} trusted_certificate={file}"
    ));
    let gateway = &renewed.gateways[0];
    gateway.wait_for_log("cannot be used (upstream SSL certificate verify error");
    fs::copy(authority.certificate(), &new).expect("the new file");
    fs::rename(&new, file.to_string()).expect("to replace the file");
    gateway.wait_for_log("is connected");
    let changed = format!("TLS files have changed: {file}");
    assert!(gateway.log().contains(&changed), "{}", gateway.log());
}

/// `--dump-config` shows the store without its password, and the zones that it has.
#[test]
fn the_configuration_is_shown() {
    let folder = TempDir::new("dump");
    fs::write(folder.path().join("key"), SECRET).expect("a file");
    let run = |store: &str| {
        support::write_configuration(
            folder.path(),
            &format!(
                "mail {{ auth_http 127.0.0.1:9/; limit_conn_zone $remote_addr zone=c:1m;\nlimit_auth_zone $remote_user zone=a:1m rate=5r/h distinct=on;
                 limit_session_zone $remote_addr zone=s:1m rate=5r/s; {store}
                 server {{ listen 127.0.0.1:25; limit_conn c 5; limit_auth zone=a; limit_session zone=s; }} }}"
            ),
        );
        let mut command = support::command(folder.path());
        let output = command.arg("--dump-config").output().expect("its output");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    let line = |shown: &str| {
        let found = shown
            .lines()
            .find(|line| line.trim_start().starts_with("limit_store"));
        found.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (shown, faults) =
        run("limit_store redis://joe:s3same@127.0.0.1/1 timeout=80ms secret=key;");
    let shown = line(&shown).unwrap_or_else(|| panic!("{shown}{faults}"));
    let key = folder.path().join("key");
    let expected = format!(
        "limit_store redis://joe:***@127.0.0.1/1 timeout=80ms secret={}; # mail, ",
        key.display()
    );
    assert!(shown.starts_with(&expected), "{shown}");
    assert!(shown.ends_with("shares the zones \"s\", \"a\""), "{shown}");
    let (shown, faults) = run("limit_store redis://:s3same@127.0.0.1;");
    assert!(
        line(&shown).is_some_and(|line| line.ends_with("shares the zones \"s\"")),
        "{shown}"
    );
    assert!(faults.contains("[not-shared] the zone \"a\""), "{faults}");
    let (shown, _) = run("");
    assert_eq!(line(&shown), None);
    for (store, fault) in [
        (
            "redis://joe:s3same@127.0.0.1:0;",
            "invalid port in limit_store \"redis://joe:***@127.0.0.1:0\"",
        ),
        (
            "redis://joe:s3same@127.0.0.1/x;",
            "invalid database in limit_store \"redis://joe:***@127.0.0.1/x\"",
        ),
        ("redis://s3same@127.0.0.1;", "no password in limit_store"),
        (
            "http://joe:s3same@127.0.0.1;",
            "invalid URL of \"limit_store\"",
        ),
        (
            "redis://127.0.0.1 timeout=0;",
            "invalid parameter \"timeout=0\"",
        ),
        ("redis://127.0.0.1 secret=none;", "open() \""),
        ("redis://127.0.0.1 secret=gateway.pid;", "open() \""),
        (
            "redis://127.0.0.1 trusted_certificate=key;",
            "invalid parameter \"trusted_certificate=key\"",
        ),
        ("off timeout=1s;", "invalid parameter \"timeout=1s\""),
    ] {
        let (_, faults) = run(&format!("limit_store {store}"));
        assert!(faults.contains(fault), "{store}: {faults}");
        assert!(!faults.contains("s3same"), "{faults}");
    }
    fs::write(&key, "short\n").expect("a file");
    let (_, faults) = run("limit_store unix:/run/store.sock secret=key;");
    assert!(faults.contains("key\" has less than 16 bytes"), "{faults}");
}
