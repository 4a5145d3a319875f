//! `--dump-config`: the output is an equivalent configuration, for every shipped configuration and every accepted conformance
//! case.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use portcullis::config::{Loaded, LogDestination, Options, dump, load};
use portcullis::process::machine::{Machine, Rights};
use portcullis::tls;
use support::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn options(folder: &Path, file: &str) -> Options {
    Options {
        program: "portcullis",
        prefix: folder.join("prefix/"),
        file: folder.join(file),
        globals: None,
        error_log: LogDestination::Stderr,
        allowed: Vec::new(),
        pid: portcullis::config::PidOption::BuiltIn(folder.join("built-in.pid")),
        typed: None,
        messages: Default::default(),
    }
}

/// Loads the configuration.
fn loaded(options: &Options) -> Result<Loaded, String> {
    let world = Machine {
        check_pair: tls::check_pair,
        check_tls: tls::check,
        check_client_tls: tls::check_client,
        rights: Rights::Own,
    };
    load(&world, options, &mut |_| ())
        .map_err(|why| String::from_utf8_lossy(&why.text()).into_owned())
}

/// The effective settings, without their position in the files.
fn settings(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let mut core = config.core.clone();
    // Both are written down even where the program chose them.
    core.pid = None;
    core.error_log.clear();
    let mut lines = vec![format!(
        "{core:?} {:?} {:?} {:?}",
        config.pid, config.error_log, config.events
    )];
    for server in &config.servers {
        let mut mail = server.mail.clone();
        // These are written down even where the port or the program chose them.
        (mail.protocol, mail.server_name) = (None, None);
        mail.error_log.clear();
        let mut ssl = (*server.ssl).clone();
        // `ssl on` comes back as a parameter of `listen`.
        let on = std::mem::take(&mut ssl.ssl);
        let listens = mail.listen.drain(..).map(|listen| {
            let kinds = (listen.ssl || on, listen.proxy_protocol, listen.bind);
            format!("{:?} {:?} {kinds:?}", listen.addresses, listen.options)
        });
        lines.extend(listens);
        lines.push(format!("{mail:?} {:?}", server.error_log));
        lines.push(format!(
            "{:?} {:?} {:?}",
            server.name, server.settings, server.authenticator
        ));
        lines.push(format!(
            "{ssl:?} {:?} {:?} {:?}",
            server.realip, server.proxy, server.backend_tls
        ));
    }
    for socket in &config.sockets {
        let modes = socket.routes.iter().map(|route| &route.tls);
        let modes: Vec<_> = modes.collect();
        lines.push(format!("{} {:?} {modes:?}", socket.address, socket.options));
    }
    lines
}

/// The lines without comments. No argument in the cases contains `# `.
fn uncommented(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text
        .lines()
        .map(|line| line.split("# ").next().unwrap_or_default().trim_end());
    let lines = lines.filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Dumps a configuration, loads the dump from another folder, dumps that, and compares. False if the configuration is not
/// accepted.
fn round_trip(folder: &Path, file: &str) -> bool {
    let first_options = options(folder, file);
    let Ok(first) = loaded(&first_options) else {
        return false;
    };
    let text = dump(&first, &first_options);
    let elsewhere = folder.join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("a folder");
    fs::write(elsewhere.join("dumped.conf"), &text).expect("the dump");
    let shown = String::from_utf8_lossy(&text);
    let again_options = Options {
        prefix: elsewhere.clone(),
        ..options(folder, "elsewhere/dumped.conf")
    };
    let again = loaded(&again_options).unwrap_or_else(|why| panic!("{file}: {why}\n{shown}"));
    assert_eq!(
        uncommented(&text),
        uncommented(&dump(&again, &again_options)),
        "{file}"
    );
    assert_eq!(settings(&first), settings(&again), "{file}\n{shown}");
    true
}

/// All files below `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

#[test]
fn accepted_cases_survive_a_round_trip() {
    let cases = files(&root().join("conformance/conf"), "conf");
    let mut tested = 0;
    let scratch = TempDir::new("dump");
    let folder = scratch.path();
    copy(&root().join("conformance/pki"), &folder.join("pki"));
    for case in &cases {
        copy(&case.with_extension("d"), folder);
        let text = String::from_utf8_lossy(&fs::read(case).expect("a case"))
            .replace("@ROOT@", &folder.display().to_string())
            .replace("@IP@", "127.0.0.1");
        let text = ["@PORT@", "@PORT2@", "@PORT3@", "@PORT4@"]
            .iter()
            .zip(["4025", "4026", "4027", "4028"])
            .fold(text, |text, (name, port)| text.replace(name, port));
        fs::write(folder.join("case.conf"), text).expect("its copy");
        tested += usize::from(round_trip(folder, "case.conf"));
    }
    assert!(tested > 150, "only {tested} of {} accepted", cases.len());
}

/// One block cannot have both, but a server with one may inherit the other.
#[test]
fn inherited_ssl_with_starttls_survives_a_round_trip() {
    let certificate = support::Certificate::new();
    let (chain, key) = (certificate.chain(), certificate.key());
    let folder = TempDir::new("dump");
    let text = format!(
        "events {{}} mail {{ auth_http 127.0.0.1:9; ssl on; ssl_certificate {}; ssl_certificate_key {};
         server {{ listen 127.0.0.1:4025; protocol smtp; starttls on; }}
         server {{ listen 127.0.0.1:4026 ssl bind; protocol smtp; }}
         server {{ listen 127.0.0.1:4027; protocol smtp; ssl off; starttls only; }} }}",
        chain.display(),
        key.display()
    );
    fs::write(folder.path().join("ssl.conf"), text).expect("a configuration");
    assert!(round_trip(folder.path(), "ssl.conf"));
}

fn write_files(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new("dump");
    for sub in ["sites", "logs"] {
        fs::create_dir(folder.path().join(sub)).expect("a folder");
    }
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn run(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = support::command(folder.path())
        .args(arguments)
        .output()
        .expect("the gateway");
    let folder = format!("{}/", folder.path().display());
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace(&folder, "");
        let lines = text.lines().map(|line| {
            let words = line.split_whitespace().collect::<Vec<_>>();
            format!("{}\n", words.join(" "))
        });
        lines.collect::<String>()
    };
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The blocks that `mail {}` can have besides servers, with names of files that are relative.
const BLOCKS: &str = r#"
    map $remote_user $kind { hostnames; default plain; .a.example one; include kinds; }
    map "${remote_user} $remote_addr" $Backend {
        volatile;
        "" sieve; ~*^(?<name>[^@]+)@x\.example  $name; "q \"w\" {" imap; # a comment with }
        '~\}$' imap; include 'kinds';
    }
    geo $place { default d; 192.0.2.0/24 "1 2"; delete 192.0.2.9/32; include places; 2001:db8::/32 v6; }
    geo $remote_addr $range { ranges; default -; 10.0.0.0-10.0.0.9 a;
        # the last line
    }
    match imap { send "a NOOP\r\n"; expect "a OK \x2a;{\t}"; }
    match "in words" { expect ~* "^\* (OK|PREAUTH) \"?\S"; }
    match silent { }
    upstream imap {
        zone imap 64k; hash "$kind $place" consistent;
        server 127.0.0.1:143 weight=3 max_fails=2 fail_timeout=1m;
        server unix:/tmp/dump-config.sock down;
        server 127.0.0.2:143 max_conns=9;
        health_check interval=3s jitter=1s fails=2 passes=3 match=imap;
    }
    upstream "s i" { random two; server 127.0.0.3:143; health_check "match=in words"; }
    upstream sieve { server 127.0.0.4:143 drain; server 127.0.0.5:143 slow_start=5s; server 127.0.0.6:143 backup; least_conn; }
    limit_conn_zone $place$kind zone=places:32k;
    limit_conn_zone text zone=all:1m;
    limit_session_zone "$remote_addr $range" rate=5r/m zone=new:64k;
    limit_auth_zone $remote_user zone=logins:1m rate=5r/h distinct=on;
    limit_prefix ipv4=24 ipv6=56;
    limit_store redis://gateway:pw@127.0.0.1:6380/3 "prefix=a b:" timeout=70ms secret=limits.key;
"#;

/// A loaded dump, after it was loaded from another folder, where no file has the same relative name.
#[test]
fn every_block_survives_a_round_trip() {
    let text = format!(
        "events {{}}\nmail {{{BLOCKS}
         proxy_pass $backend; limit_conn places 3; limit_conn all 900; limit_auth zone=logins burst=2 action=drop;
         server {{ listen 127.0.0.1:4025; protocol imap; limit_session zone=new burst=3 delay=1; limit_session_dry_run on; }}
         server {{ listen 127.0.0.1:4026; protocol imap; proxy_pass imap; limit_conn all 5; limit_auth zone=logins; }}
         server {{ listen 127.0.0.1:4027; protocol imap; proxy_pass \"s i\"; limit_conn_log_level info; }}\n}}\n"
    );
    let folder = write_files(&[
        ("blocks.conf", &text),
        ("kinds", "b.example two;\nc.example \"three\"; # }\n"),
        ("places", "198.51.100.0/24 far;\n"),
        ("limits.key", "0123456789abcdef0123456789abcdef\n"),
    ]);
    let key = folder.path().join("limits.key");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("its mode");
    if let Err(why) = loaded(&options(folder.path(), "blocks.conf")) {
        panic!("{why}");
    }
    assert!(round_trip(folder.path(), "blocks.conf"));
    let dump = fs::read_to_string(folder.path().join("elsewhere/dumped.conf")).expect("the dump");
    for block in ["map", "geo", "match", "upstream"] {
        let written = |text: &str| {
            let lines = text.lines().map(str::trim_start);
            lines
                .filter(|line| line.starts_with(&format!("{block} ")))
                .count()
        };
        assert_eq!(written(&dump), written(BLOCKS), "{block}\n{dump}");
    }
}

#[test]
fn every_line_names_its_origin() {
    let port = support::free_port();
    let folder = write_files(&[
        (
            "gateway.conf",
            "error_log stderr;\nevents {}\nmail {\n timeout 5s;\n max_errors 3;\n auth_http 127.0.0.1:9;\n \
             auth_http_header X-Outer 1;\n include sites/*.conf;\n}\nhttp {\n}\n",
        ),
        (
            "sites/a.conf",
            &format!(
                "server {{\n listen 127.0.0.1:{port};\n protocol smtp;\n max_errors 4;\n \
                 auth_http_header X-Key \"a b\";\n auth_http_header X-More \"\";\n auth_http 127.0.0.1:8;\n \
                 auth_http 127.0.0.1:7;\n}}\n"
            ),
        ),
    ]);
    let (code, out, messages) = run(&folder, &["--dump-config", "-g", "worker_priority 3;"]);
    assert_eq!(code, Some(0), "{messages}");
    assert!(messages.ends_with("portcullis: configuration file gateway.conf test is successful\n"));
    let expected = [
        "worker_priority 3; # main, -g",
        "worker_processes 1; # default",
        "error_log stderr; # main, gateway.conf:1",
        "events { # gateway.conf:2",
        "mail { # gateway.conf:3",
        "server { # sites/a.conf:1",
        &format!("listen 127.0.0.1:{port}; # server, sites/a.conf:2"),
        "protocol smtp; # server, sites/a.conf:3",
        "timeout 5s; # mail, gateway.conf:4",
        "max_errors 4; # server, sites/a.conf:4",
        "max_commands 1000; # default",
        "auth_http 127.0.0.1:7; # server, sites/a.conf:8",
        "auth_http_header X-Key \"a b\"; # server, sites/a.conf:5",
        "auth_http_header X-More \"\"; # server, sites/a.conf:6",
        "# http {} is left to nginx: gateway.conf:10",
    ];
    for line in expected {
        let count = out.lines().filter(|found| *found == line).count();
        // The server repeats the log of the main file.
        let times = if line.starts_with("error_log") { 2 } else { 1 };
        assert_eq!(count, times, "{line}\n{out}");
    }
    assert!(
        out.contains("server_name ") && out.contains("; # default: the name of this machine\n")
    );
    for absent in ["X-Outer", "127.0.0.1:8;", "imap_auth", "include"] {
        assert!(!out.contains(absent), "{absent}\n{out}");
    }
}

#[test]
fn an_auth_server_of_the_same_file_is_named() {
    let folder = write_files(&[(
        "gateway.conf",
        "error_log stderr;\nevents {}\nmail {\n server { listen 127.0.0.1:4025; protocol smtp; auth_http 127.0.0.1:9/auth; }\n \
         server { listen 127.0.0.1:4026; protocol smtp; auth_http 127.0.0.1:8; }\n}\n\
         http {\n server {\n  listen 127.0.0.1:9;\n  location /auth { return 200; }\n }\n}\n",
    )]);
    let (code, out, messages) = run(&folder, &["--dump-config"]);
    assert_eq!(code, Some(0), "{messages}");
    let answered: Vec<_> = out
        .lines()
        .filter(|line| line.contains("answered"))
        .collect();
    let expected = "# auth_http 127.0.0.1:9 at gateway.conf:4 is answered here by the location at gateway.conf:10, which is not in this output";
    assert_eq!(answered, [expected], "{out}");
    let server = ["--dump-config", "--server", "127.0.0.1:4026"];
    assert!(!run(&folder, &server).1.contains("answered"));
}

#[test]
fn errors_are_those_of_t() {
    let folder = write_files(&[("gateway.conf", "events {}\nmail { server { } }\n")]);
    let (code, out, messages) = run(&folder, &["--dump-config"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(messages, run(&folder, &["-t"]).2);
    assert!(messages.contains("no \"listen\" is defined"), "{messages}");
}

#[test]
fn shipped_configurations_survive_a_round_trip() {
    let certificate = support::Certificate::new();
    for path in support::shipped::files() {
        let folder = TempDir::new("dump");
        let text = support::shipped::text(&path, &certificate);
        fs::write(folder.path().join("shipped.conf"), text).expect("its copy");
        support::shipped::copy_included(folder.path());
        assert!(
            round_trip(folder.path(), "shipped.conf"),
            "{}",
            path.display()
        );
    }
}
