//! The commands that the program sends to the running gateway.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use serde_json::Value;
use support::{Certificate, wait_until};

use super::close::session_of;
use super::{Pages, Said, run};

/// The configuration of a gateway with other `status` lines.
fn with_status(pages: &Pages, name: &str, lines: &str) -> String {
    let text = fs::read_to_string(pages.gateway.folder().join("gateway.conf"));
    let text = text.expect("the configuration");
    let own: Vec<_> = text.split_inclusive(';').collect();
    let others = own
        .iter()
        .filter(|line| !line.trim_start().starts_with("status "));
    let path = pages.gateway.folder().join(name);
    let changed = format!("{lines}\n{}", others.copied().collect::<String>());
    fs::write(&path, changed).expect("the other configuration");
    path.display().to_string()
}

#[test]
fn the_status_is_printed() {
    let pages = Pages::start("");
    let text = pages.command(&["--status"]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.out.contains(", ready\ncounting since "), "{text:?}");
    assert_eq!(text.err, "");
    let json = pages.command(&["--status", "--format=json"]);
    let document: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(document["portcullis"]["ready"], true);
    assert_eq!(document["held_logins"], Value::Array(Vec::new()));
    for page in [&pages.open, &pages.guarded] {
        assert_eq!(page.request("GET", "/text", super::TOKEN).code, 200);
    }
}

#[test]
fn sessions_are_listed_and_closed() {
    let pages = Pages::start("");
    let none = pages.command(&["--sessions"]);
    assert_eq!((none.code, &*none.out), (0, "no open sessions\n"));
    let [smtp, imap, pop3] = pages.servers.as_slice() else {
        panic!("not three protocols");
    };
    let (mut sends, mut reads, waits) = (smtp.logged_in(), imap.logged_in(), pop3.greeted());
    let id = |client| session_of(&pages.socket, client);
    let (sending, reading, waiting) = (id(&sends), id(&reads), id(&waits));
    let all = pages.command(&["--sessions"]);
    assert_eq!((all.code, all.out.lines().count()), (0, 4), "{all:?}");
    assert!(all.out.starts_with("SESSION"));
    let listed = |filter: &str| {
        let said = pages.command(&["--sessions", filter, "--format=json"]);
        let sessions: Value = serde_json::from_str(&said.out).expect("JSON");
        let sessions = sessions.as_array().expect("an array").clone();
        let ids = sessions
            .iter()
            .map(|own| own["session"].as_str().expect("an identifier").to_owned());
        let mut ids: Vec<_> = ids.collect();
        ids.sort();
        assert_eq!(said.code, i32::from(ids.is_empty()), "{said:?}");
        ids
    };
    let sorted = |ids: &[&String]| {
        let mut ids: Vec<_> = ids.iter().map(|id| id.to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(listed("JOE"), sorted(&[&sending, &reading]));
    assert_eq!(listed("127.0.0.1"), sorted(&[&sending, &reading, &waiting]));
    assert_eq!(
        listed(&format!("127.0.0.1:{}", imap.backend.port)),
        sorted(&[&reading])
    );
    assert_eq!(
        listed(&format!("127.0.0.1:{}", pop3.port)),
        sorted(&[&waiting])
    );
    assert_eq!(listed("ann"), [] as [String; 0]);
    let ann = pages.command(&["--sessions", "ann"]);
    assert_eq!((ann.code, &*ann.out), (1, ""));
    assert_eq!(ann.err, "portcullis: there is no session of \"ann\"\n");

    // One that is unknown keeps no other from being closed.
    let kicked = pages.command(&["--kick", &sending, "nosuch-1", &reading]);
    assert_eq!(kicked.code, 1, "{kicked:?}");
    assert_eq!(kicked.out, format!("closed {sending}\nclosed {reading}\n"));
    assert_eq!(kicked.err, "portcullis: there is no session \"nosuch-1\"\n");
    assert_eq!(sends.read_to_end(), smtp.last);
    assert_eq!(reads.read_to_end(), imap.last);
    wait_until("two sessions to end", || {
        listed("127.0.0.1") == sorted(&[&waiting])
    });
    let kicked = pages.command(&["--kick", &waiting, "--format=json"]);
    let answer: Value = serde_json::from_str(&kicked.out).expect("JSON");
    assert_eq!(
        answer,
        serde_json::json!({"closed": [waiting], "unknown": []})
    );
    assert_eq!((kicked.code, &*kicked.err), (0, ""));
}

#[test]
fn the_best_address_of_the_configuration_is_used() {
    let pages = Pages::start("");
    let [_, imap, _] = pages.servers.as_slice() else {
        panic!("not three protocols");
    };
    let (support::status::StatusPages::Tcp(open), support::status::StatusPages::Tcp(guarded)) =
        (&pages.open, &pages.guarded)
    else {
        panic!("not TCP");
    };
    let token = pages.file("token");
    let guarded = format!("status 127.0.0.1:{guarded} token={};", token.display());
    let open = format!("status 127.0.0.1:{open};");
    let only_open = with_status(&pages, "open.conf", &open);
    let only_guarded = with_status(&pages, "guarded.conf", &guarded);
    let both = with_status(&pages, "both.conf", &format!("{open} {guarded}"));
    let mut clients: Vec<_> = (0..2).map(|_| imap.logged_in()).collect();
    let ids: Vec<_> = clients
        .iter()
        .map(|own| session_of(&pages.socket, own))
        .collect();
    for file in [&only_open, &only_guarded, &both] {
        let said = pages.command(&["-c", file, "--sessions", "joe"]);
        assert_eq!((said.code, said.out.lines().count()), (0, 3), "{said:?}");
    }
    let refused = pages.command(&["-c", &only_open, "--kick", &ids[0]]);
    assert_eq!(refused.code, 2);
    let why = format!(
        "portcullis: no \"status\" line in \"{only_open}\" has a Unix socket or a token, and --kick needs one of them\n"
    );
    assert_eq!(refused.err, why);
    for (file, (client, id)) in [&only_guarded, &both]
        .iter()
        .zip(clients.iter_mut().zip(&ids))
    {
        let said = pages.command(&["-c", file, "--kick", id]);
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        assert_eq!(client.read_to_end(), imap.last);
    }
    // A token that the gateway does not have.
    fs::write(&token, "another-token\n").expect("the token");
    let said = pages.command(&["-c", &only_guarded, "--status"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err
            .contains("has another token than the configuration"),
        "{said:?}"
    );
    assert!(!said.err.contains("another-token"), "{said:?}");
}

/// An outage of the name server is when the status is needed.
#[test]
fn names_and_certificates_are_not_checked() {
    let pages = Pages::start("");
    let file = pages.gateway.folder().join("gateway.conf");
    let text = fs::read_to_string(&file).expect("the configuration");
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let more = format!(
        "mail {{ ssl_certificate {}; ssl_certificate_key {}; server {{ listen 127.0.0.1:9 ssl; protocol imap; proxy_pass nosuch.invalid:143; }}",
        certificate.chain().display(),
        other.key().display(),
    );
    fs::write(&file, text.replacen("mail {", &more, 1)).expect("the configuration");
    let checked = pages.command(&["-t"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let asked = pages.command(&["--status"]);
    assert_eq!((asked.code, &*asked.err), (0, ""));
}

#[test]
fn why_the_gateway_cannot_be_asked_is_said() {
    let mut pages = Pages::start("");
    let none = with_status(&pages, "none.conf", "");
    let said = pages.command(&["-c", &none, "--drain", "127.0.0.1:1"]);
    assert_eq!((said.code, &*said.out), (2, ""));
    let begin = format!(
        "portcullis: \"status\" is not set in \"{none}\", and without it --drain cannot ask the gateway"
    );
    assert!(said.err.starts_with(&begin), "{said:?}");

    let invalid = pages.gateway.folder().join("invalid.conf");
    fs::write(&invalid, "nonsense;").expect("a configuration");
    let said = pages.command(&["-c", &invalid.display().to_string(), "--sessions"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("unknown directive \"nonsense\""),
        "{said:?}"
    );

    if nix::unistd::geteuid().is_root() {
        let said = as_nobody(&pages);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("permission denied for unix:"), "{said:?}");
    }

    let (file, socket) = (pages.gateway.folder().join("gateway.conf"), pages.file("s"));
    let text = fs::read_to_string(&file).expect("the configuration");
    pages.gateway.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(pages.gateway.wait(), Some(0));
    fs::write(&file, text).expect("the configuration");
    let said = pages.command(&["--status"]);
    assert_eq!(said.code, 2);
    let begin = format!(
        "portcullis: nobody listens on unix:{} (2: No such file or directory)",
        socket.display()
    );
    assert!(said.err.starts_with(&begin), "{said:?}");
}

/// `--kick` by a user who may read the configuration, and nothing else. TCP would need the token, which he may not read.
fn as_nobody(pages: &Pages) -> Said {
    for folder in [pages.gateway.folder(), pages.file("").as_path()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("its mode");
    }
    let mut command = support::command(pages.gateway.folder());
    command.args(["--kick", "x-1"]).uid(65534).gid(65534);
    run(&mut command)
}
