//! `status`: the pages show what happens, whoever reads them.

mod imap;
mod page;
mod prometheus;
mod schema;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use serde_json::Value;
use support::auth_server::{REFUSED, accepted};
use support::authority::s_client;
use support::scripted::{ScriptedPeer, Step};
use support::status::StatusPages;
use support::{Certificate, Gateway, LineClient, TempDir, auth_plain, free_port, wait_until};

use self::schema::Schema;

/// A backend for SMTP that greets.
const SMTP: &[Step] = &[
    Step::Send(b"220 b\r\n"),
    Step::ReadLine,
    Step::Send(b"250 b\r\n"),
    Step::Stall,
];

/// A folder for sockets, and the pages of a Unix socket in it.
fn pages() -> (TempDir, StatusPages, String) {
    let folder = TempDir::new("status");
    let path = folder.path().join("s");
    let line = format!(
        "worker_processes 2; status unix:{}; events {{}}",
        path.display()
    );
    (folder, StatusPages::unix(path), line)
}

fn json(pages: &StatusPages, path: &str) -> Value {
    serde_json::from_str(&pages.get(path)).expect("JSON")
}

/// The open sessions.
fn sessions(pages: &StatusPages) -> Vec<Value> {
    let sessions = json(pages, "/sessions");
    sessions.as_array().expect("an array").clone()
}

fn server(port: u16, protocol: &str, more: &str) -> String {
    format!("server {{ listen 127.0.0.1:{port}; protocol {protocol}; {more} }}")
}

fn mail(servers: &[String]) -> String {
    format!(
        "mail {{ server_name gate.test; timeout 10m; {} }}",
        servers.join(" ")
    )
}

fn log_in_imap(port: u16, login: &str) -> LineClient {
    let mut client = LineClient::connect(port);
    client.expect("* OK");
    client.send_line(&format!("a LOGIN {login} secret-pw"));
    client
}

#[test]
fn sessions_of_all_protocols_are_counted_and_shown() {
    let [works, refusing, smtp, denied, pop3] = [(); 5].map(|()| free_port());
    let (backend, refuses, relay) = (
        imap::backend(true),
        imap::backend(false),
        ScriptedPeer::start(SMTP),
    );
    let auth = ScriptedPeer::auth_server(accepted(relay.port));
    let denies = ScriptedPeer::auth_server(REFUSED);
    let dead = free_port();
    let (_folder, pages, main) = pages();
    let gateway = Gateway::start_with(
        &main,
        &mail(&[
            server(works, "imap", &format!("proxy_pass 127.0.0.1:{};", backend)),
            server(
                refusing,
                "imap",
                &format!("proxy_pass 127.0.0.1:{};", refuses),
            ),
            server(
                smtp,
                "smtp",
                &format!("auth_http 127.0.0.1:{}/a; xclient off;", auth.port),
            ),
            server(
                denied,
                "smtp",
                &format!("auth_http 127.0.0.1:{}/d;", denies.port),
            ),
            server(pop3, "pop3", &format!("proxy_pass 127.0.0.1:{dead};")),
        ]),
    );
    assert_eq!(sessions(&pages), [] as [Value; 0]);
    Schema::documented().check(&json(&pages, "/json"));

    let mut reads = log_in_imap(works, "joe");
    reads.expect("a OK");
    let mut waits = LineClient::connect(pop3);
    waits.expect("+OK");
    let mut open = sessions(&pages);
    open.sort_by_key(|session| session["protocol"].to_string());
    let [shown, other] = open.as_slice() else {
        panic!("{open:?}");
    };
    assert_eq!(shown["login"], "joe");
    assert_eq!(shown["phase"], "proxying");
    assert_eq!(shown["server"], format!("127.0.0.1:{works}"));
    assert_eq!(shown["client"], format!("127.0.0.1:{}", reads.local_port()));
    assert_eq!(shown["upstream"], format!("127.0.0.1:{}", backend));
    assert_eq!(
        (&other["phase"], &other["login"]),
        (&"commands".into(), &Value::Null)
    );
    // The error log has the same identifier.
    let session = shown["session"].as_str().expect("an identifier");
    assert!(gateway.log_as_written().contains(session), "{session}");

    // The bytes of an open tunnel are seen.
    let before = shown["out"].as_u64().expect("a number");
    assert_eq!(reads.ask("b NOOP"), "b OK done\r\n");
    wait_until("the bytes of the answer", || {
        let session = sessions(&pages);
        let mut own = session.iter().filter(|own| own["protocol"] == "imap");
        own.next()
            .is_some_and(|own| own["out"].as_u64() == Some(before + 11))
    });
    let sent =
        format!("portcullis_sent_bytes_total{{protocol=\"imap\",server=\"127.0.0.1:{works}\"}}");
    assert!(pages.metric(&sent) >= Some(11.0));

    let mut refused = log_in_imap(refusing, "joe");
    refused.expect("a NO");
    let mut sends = LineClient::connect(smtp);
    sends.expect("220");
    let login = format!("AUTH PLAIN {}", auth_plain("joe", "secret-pw"));
    sends.converse(&[("EHLO c.test", "250"), (&login, "235")]);
    let mut denied_client = LineClient::connect(denied);
    denied_client.expect("220");
    denied_client.converse(&[("EHLO c.test", "250"), (&login, "535")]);
    waits.converse(&[("USER joe", "+OK"), ("PASS secret-pw", "-ERR")]);
    drop((reads, refused, sends, denied_client, waits));
    wait_until("the end of all", || sessions(&pages).is_empty());

    let count = |name: &str, protocol: &str, port: u16, more: &str| {
        let labels = format!("protocol=\"{protocol}\",server=\"127.0.0.1:{port}\"{more}");
        pages.metric(&format!("{name}{{{labels}}}"))
    };
    for (protocol, port, method, result) in [
        ("imap", works, "plain", "login"),
        ("imap", refusing, "plain", "login-failed"),
        ("smtp", smtp, "plain", "login"),
        ("smtp", denied, "plain", "login-failed"),
        ("pop3", pop3, "plain", "backend-unavailable"),
    ] {
        let result = format!(",result=\"{result}\"");
        let sessions = count("portcullis_sessions_total", protocol, port, &result);
        assert_eq!(sessions, Some(1.0), "{protocol} {port} {result}");
        let labels = format!(",method=\"{method}\"{result}");
        let logins = count("portcullis_logins_total", protocol, port, &labels);
        assert_eq!(logins, Some(1.0), "{protocol} {port} {labels}");
        let open = count("portcullis_sessions_open", protocol, port, "");
        assert_eq!(open, Some(0.0), "{protocol} {port}");
    }
    let histogram = |name: &str, labels: &str| pages.metric(&format!("{name}_count{{{labels}}}"));
    for (name, labels, wanted) in [
        (
            "portcullis_login_duration_seconds",
            "protocol=\"imap\"",
            1.0,
        ),
        (
            "portcullis_backend_connect_duration_seconds",
            "protocol=\"smtp\"",
            1.0,
        ),
        (
            "portcullis_session_duration_seconds",
            "protocol=\"smtp\"",
            2.0,
        ),
    ] {
        assert_eq!(histogram(name, labels), Some(wanted), "{name} {labels}");
    }
    let asked = format!("auth_server=\"http://127.0.0.1:{}/a\"", auth.port);
    let asked = histogram("portcullis_auth_request_duration_seconds", &asked);
    assert_eq!(asked, Some(1.0));
    let peer = format!("/json/mail/upstreams/127.0.0.1:{dead}/peers/127.0.0.1:{dead}/health/fails");
    assert_eq!(json(&pages, &peer), 1);
    Schema::documented().check(&json(&pages, "/json"));
    let text = pages.get("/text");
    assert!(text.contains("1 login-failed"), "{text}");
    assert!(!pages.get("/json").contains("secret-pw"));
}

#[test]
fn a_backend_that_fails_is_shown() {
    let (port, works, dead) = (free_port(), imap::backend(true), free_port());
    let (_folder, pages, main) = pages();
    let group = format!(
        "upstream b {{ server 127.0.0.1:{dead} fail_timeout=10m; server 127.0.0.1:{} weight=3 max_conns=7; }}",
        works
    );
    let servers = [group, server(port, "imap", "proxy_pass b;")];
    let _gateway = Gateway::start_with(&main, &mail(&servers));
    let peers = || json(&pages, "/json/mail/upstreams/b/peers/");
    let names = [dead, works].map(|port| format!("127.0.0.1:{port}"));
    assert_eq!(peers()[&names[0]]["state"], "up");
    for _ in 0..4 {
        log_in_imap(port, "joe").expect("a OK");
    }
    let peers = peers();
    let (failing, working) = (&peers[&names[0]], &peers[&names[1]]);
    assert_eq!(failing["state"], "unavailable");
    assert_eq!(
        (
            &failing["health"]["fails"],
            &failing["health"]["unavailable"]
        ),
        (&1.into(), &1.into())
    );
    assert!(failing["health"]["downstart"].is_string());
    assert_eq!(
        (&working["state"], &working["weight"], &working["max_conns"]),
        (&"up".into(), &3.into(), &7.into())
    );
    assert_eq!(working["selected"]["total"], 4);
    let labels = format!("{{upstream=\"b\",peer=\"{}\"}}", names[0]);
    assert_eq!(
        pages.metric(&format!("portcullis_upstream_peer_up{labels}")),
        Some(0.0)
    );
    let state = labels.replace('}', ",state=\"unavailable\"}");
    assert_eq!(
        pages.metric(&format!("portcullis_upstream_peer_state{state}")),
        Some(1.0)
    );
    Schema::documented().check(&json(&pages, "/json"));
}

#[test]
fn zones_of_limits_are_shown() {
    let (port, refuses) = (free_port(), imap::backend(false));
    let (_folder, pages, main) = pages();
    let zones = "limit_auth_zone $remote_user zone=logins:1m rate=2r/h; limit_conn_zone $remote_addr zone=open:32k;
        limit_session_zone $remote_addr zone=new:64k rate=9r/s; limit_session_zone $remote_addr zone=unused:32k rate=9r/s;"
        .to_owned();
    let limits = format!(
        "proxy_pass 127.0.0.1:{refuses}; limit_auth zone=logins action=refuse; limit_conn open 2; limit_session zone=new burst=9 nodelay;"
    );
    let _gateway = Gateway::start_with(&main, &mail(&[zones, server(port, "imap", &limits)]));
    let mut first = log_in_imap(port, "joe");
    first.expect("a NO");
    let mut second = log_in_imap(port, "joe");
    second.expect("a NO");
    second.send_line("b LOGIN joe secret-pw");
    second.expect("b NO [UNAVAILABLE]");
    LineClient::connect(port).expect("* BYE [UNAVAILABLE] Too many connections");
    let document = json(&pages, "/json");
    Schema::documented().check(&document);
    let zones = &document["limits"];
    let of = |zone: &str, key: &str| zones[zone][key].clone();
    let counts = |zone| ["entries", "passed", "delayed", "limited"].map(|key| of(zone, key));
    assert_eq!(counts("logins"), [1, 2, 0, 1], "{zones}");
    assert_eq!(counts("open"), [1, 2, 0, 1], "{zones}");
    assert_eq!(counts("new"), [1, 3, 0, 0], "{zones}");
    assert_eq!(
        (of("new", "kind"), of("logins", "kind")),
        ("session".into(), "auth".into())
    );
    assert_eq!(
        (of("logins", "key"), of("logins", "size")),
        ("$remote_user".into(), (1 << 20).into())
    );
    let used = of("logins", "used").as_u64().expect("a number");
    assert!((1..=1 << 20).contains(&used), "{used}");
    assert!(zones["unused"].is_null());
    let labels = "{zone=\"logins\",kind=\"auth\"}";
    let limited = labels.replace('}', ",result=\"limited\"}");
    for (series, value) in [
        (format!("portcullis_limited_total{limited}"), 1.0),
        (format!("portcullis_limit_zone_entries{labels}"), 1.0),
        (
            format!("portcullis_limit_zone_used_bytes{labels}"),
            used as f64,
        ),
        (
            format!("portcullis_limit_zone_size_bytes{labels}"),
            1048576.0,
        ),
    ] {
        assert_eq!(pages.metric(&series), Some(value), "{series}");
    }
    let text = pages.get("/text");
    assert!(
        text.contains("logins (auth, $remote_user): 1 keys, "),
        "{text}"
    );
}

#[test]
fn tls_and_certificates_are_shown() {
    let (port, backend, certificate) = (free_port(), imap::backend(true), Certificate::new());
    let (_folder, pages, main) = pages();
    let (chain, key) = (certificate.chain(), certificate.key());
    let lines = format!(
        "ssl_certificate {}; ssl_certificate_key {}; proxy_pass 127.0.0.1:{};",
        chain.display(),
        key.display(),
        backend
    );
    let block = mail(&[server(port, "imap", &lines).replace("; protocol", " ssl; protocol")]);
    let _gateway = Gateway::start_with(&main, &block);
    let said = s_client(port, &["-tls1_3"], "a LOGIN joe secret-pw\r\nb LOGOUT\r\n");
    assert!(said.out.contains("a OK"), "{said:?}");
    // A client that does not speak TLS.
    let mut clear = LineClient::connect(port);
    clear.send_line("a LOGIN joe secret-pw");
    clear.read_to_end();
    let zone = format!("/json/mail/server_zones/127.0.0.1:{port}/ssl");
    wait_until("both handshakes", || {
        let ssl = json(&pages, &zone);
        (&ssl["handshaked"], &ssl["failed"]) == (&1.into(), &1.into())
    });
    let ssl = json(&pages, &zone);
    assert_eq!(
        (&ssl["versions"]["TLSv1.3"], &ssl["failures"]["not-tls"]),
        (&1.into(), &1.into()),
        "{ssl}"
    );
    let shown = json(&pages, "/json/certificates/0");
    assert_eq!(shown["file"], chain.to_str().expect("a path"));
    assert!(
        shown["days_left"].as_i64().is_some_and(|days| days > 0),
        "{shown}"
    );
    assert!(
        !shown["names"].as_array().expect("names").is_empty(),
        "{shown}"
    );
    Schema::documented().check(&json(&pages, "/json"));
}

#[test]
fn a_token_guards_all_but_the_probes() {
    let folder = TempDir::new("token");
    let token = folder.path().join("token");
    fs::write(&token, "a-secret-token\n").expect("the token");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("its mode");
    let (port, mail_port) = (free_port(), free_port());
    let main = format!(
        "status 127.0.0.1:{port} token={}; events {{}}",
        token.display()
    );
    let block = mail(&[server(mail_port, "imap", "proxy_pass 127.0.0.1:9;")]);
    let gateway = Gateway::start_with(&main, &block);
    let pages = StatusPages::Tcp(port);
    for path in [
        "/text",
        "/json",
        "/json/mail",
        "/metrics",
        "/sessions",
        "/nosuch",
        "/events",
    ] {
        for header in [
            "",
            "Authorization: Bearer a-secret-toke\r\n",
            "Authorization: Basic a-secret-token\r\n",
        ] {
            let answer = pages.request("GET", path, header);
            assert_eq!(answer.code, 401, "{path} {header}");
            assert!(
                answer
                    .head
                    .to_lowercase()
                    .contains("www-authenticate: bearer")
            );
        }
    }
    let right = "Authorization: Bearer a-secret-token\r\n";
    for (method, path, header, code) in [
        ("GET", "/json", right, 200),
        ("HEAD", "/metrics", right, 200),
        ("POST", "/json", right, 405),
        ("POST", "/json", "", 401),
        ("GET", "/nosuch", right, 404),
        ("GET", "/json/nosuch", right, 404),
        ("GET", "/healthz", "", 200),
        ("GET", "/readyz", "", 200),
    ] {
        let answer = pages.request(method, path, header);
        assert_eq!(answer.code, code, "{method} {path}: {answer:?}");
        assert!(method != "HEAD" || answer.body.is_empty());
    }
    assert!(!gateway.log().contains("a-secret-token"));
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let folder = TempDir::new("status-test");
    for (line, part) in [
        ("status 0.0.0.0:8025;", "needs \"token=file\""),
        ("status 192.0.2.1:8025;", "needs \"token=file\""),
        (
            "status 127.0.0.1:8025 token=missing;",
            "missing\" failed (2: No such file or directory)",
        ),
        ("status 127.0.0.1:8025 token=empty;", "has no token"),
        (
            "status unix:/tmp/x;\nstatus unix:/tmp/x;",
            "duplicate \"unix:/tmp/x\"",
        ),
    ] {
        fs::write(folder.path().join("empty"), "\n").expect("a file");
        let text = format!("pid x.pid;\n{line}\nevents {{}}\nmail {{}}\n");
        fs::write(folder.path().join("gateway.conf"), text).expect("the configuration");
        let output = support::command(folder.path())
            .arg("-t")
            .output()
            .expect("-t");
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said
            .lines()
            .find(|line| line.contains("[emerg]"))
            .unwrap_or_default();
        assert!(first.contains(part), "{line}: {said}");
        let number = 2 + line.matches('\n').count();
        assert!(
            first.ends_with(&format!("gateway.conf:{number}")),
            "{line}: {first}"
        );
    }
}

/// Clients that send half a request, or do not read, keep others from the pages at most, and no session.
#[test]
fn slow_readers_cost_no_session_anything() {
    let (port, mail_port, backend) = (free_port(), free_port(), imap::backend(true));
    let main = format!("worker_processes 1; status 127.0.0.1:{port}; events {{}}");
    let lines = format!("proxy_pass 127.0.0.1:{};", backend);
    let _gateway = Gateway::start_with(&main, &mail(&[server(mail_port, "imap", &lines)]));
    let slow: Vec<_> = (0..100)
        .map(|n| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
            let half = match n % 2 {
                0 => "GET /json HTTP/1.1\r\nHost: local",
                // Many answers, none of which is read.
                _ => &"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200),
            };
            // The queue of the socket takes those that are not accepted.
            let _ = stream.write_all(half.as_bytes());
            stream
        })
        .collect();
    for _ in 0..20 {
        log_in_imap(mail_port, "joe").expect("a OK");
    }
    drop(slow);
    let pages = StatusPages::Tcp(port);
    wait_until("the pages", || {
        let answer = pages.try_request("GET", "/json/connections/accepted", "");
        answer.is_ok_and(|answer| answer.body.trim() == "20")
    });
    // A header without an end is given up.
    let mut endless = TcpStream::connect(("127.0.0.1", port)).expect("to connect");
    endless
        .set_read_timeout(Some(support::TIMEOUT))
        .expect("a time-out");
    let _ = endless.write_all(&[b'a'; 64 * 1024]);
    let mut answer = Vec::new();
    let _ = endless.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
}

#[test]
fn reloads_keep_what_was_counted_and_are_counted() {
    let (port, backend, tcp) = (free_port(), imap::backend(true), free_port());
    let (folder, pages, main) = pages();
    let block = mail(&[server(
        port,
        "imap",
        &format!("proxy_pass 127.0.0.1:{};", backend),
    )]);
    let gateway = Gateway::start_with(&main, &block);
    let mut session = log_in_imap(port, "joe");
    session.expect("a OK");
    assert_eq!(json(&pages, "/json/reloads/last"), Value::Null);

    // Another address, and another mode for the first one.
    let path = folder.path().join("s");
    let write = |status: &str, block: &str| {
        let file = gateway.folder().join("gateway.conf");
        let text = format!(
            "daemon off;\npid gateway.pid;\nerror_log error.log info;\nworker_processes 2;\n{status}\nevents {{}}\n{block}\n"
        );
        fs::write(file, text).expect("the configuration");
    };
    write(
        &format!(
            "status unix:{} mode=0640; status 127.0.0.1:{tcp};",
            path.display()
        ),
        &block,
    );
    gateway.reload();
    let mode = |path| fs::metadata(path).expect("the socket").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o640);
    for pages in [&pages, &StatusPages::Tcp(tcp)] {
        assert_eq!(sessions(pages).len(), 1, "{pages:?}");
        assert_eq!(json(pages, "/json/connections/accepted"), 1);
    }
    wait_until("the count", || {
        json(&pages, "/json/reloads/kinds/configuration/succeeded") == 1
    });

    // Refused by the master, which a worker does not see by itself.
    write("status 0.0.0.0:1;", &block);
    gateway.signal(Signal::SIGHUP);
    wait_until("the refusal", || {
        json(&pages, "/json/reloads/kinds/configuration/refused") == 1
    });
    let last = json(&pages, "/json/reloads/last");
    let refusal = last["refusal"].as_str().expect("a reason");
    assert!(refusal.contains("needs \"token=file\""), "{last}");
    assert_eq!(pages.metric("portcullis_last_reload_successful"), Some(0.0));
    Schema::documented().check(&json(&pages, "/json"));

    // Without the first address. The second one goes on.
    write(&format!("status 127.0.0.1:{tcp};"), &block);
    gateway.reload();
    assert!(!path.exists());
    let pages = StatusPages::Tcp(tcp);
    assert_eq!(json(&pages, "/json/portcullis/generation"), 4);
    assert_eq!(sessions(&pages).len(), 1);

    // Without any.
    write("", &block);
    gateway.reload();
    assert!(TcpStream::connect(("127.0.0.1", tcp)).is_err());
    assert_eq!(session.ask("b NOOP"), "b OK done\r\n");
}

#[test]
fn a_process_that_finishes_its_sessions_is_not_ready() {
    let (port, backend, tcp) = (free_port(), imap::backend(true), free_port());
    let main = format!("status 127.0.0.1:{tcp}; events {{}}");
    let block = mail(&[server(
        port,
        "imap",
        &format!("proxy_pass 127.0.0.1:{};", backend),
    )]);
    let mut gateway = Gateway::start_with(&main, &block);
    let mut session = log_in_imap(port, "joe");
    session.expect("a OK");
    let pages = StatusPages::Tcp(tcp);
    assert_eq!(pages.get("/readyz"), "ready\n");
    gateway.signal(Signal::SIGQUIT);
    wait_until("503", || pages.request("GET", "/readyz", "").code == 503);
    assert_eq!(pages.request("GET", "/healthz", "").code, 200);
    assert_eq!(sessions(&pages).len(), 1);
    // The next process can have the address.
    let next = Gateway::start_with(&main, &block);
    drop(next);
    drop(session);
    assert_eq!(gateway.wait(), Some(0));
}

/// The process has no right to read these figures by itself.
#[test]
fn a_confined_worker_shows_its_own_figures() {
    let port = free_port();
    let (_folder, pages, main) = pages();
    let block = mail(&[server(port, "imap", "proxy_pass 127.0.0.1:9;")]);
    let gateway = Gateway::start_with(&main, &block);
    let process = json(&pages, "/json/process");
    assert_eq!(process["pid"], gateway.worker());
    let number = |name: &str| process[name].as_u64().unwrap_or_default();
    assert!(number("resident_memory") > 1 << 20, "{process}");
    let open = fs::read_dir(format!("/proc/{}/fd", gateway.worker())).map(Iterator::count);
    let open = open.expect("its descriptors") as u64;
    assert!(
        number("open_files").abs_diff(open) <= 2,
        "{open}: {process}"
    );
    assert!(number("most_open_files") >= open);
    assert!(process["cpu_seconds"].as_f64() > Some(0.0));
    let refused = StatusPages::unix("/nosuch");
    assert!(refused.try_request("GET", "/text", "").is_err());
}
