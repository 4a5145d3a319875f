//! The replies to clients, without a socket.

use super::*;
use crate::config::Methods;
use crate::proto::Rejection;

fn settings(methods: &[Method], starttls: StartTls, stamped: bool) -> Arc<Settings> {
    Arc::new(Settings {
        capa: b"all\r\n".to_vec(),
        capa_clear: b"clear\r\n".to_vec(),
        mechanisms: b"methods\r\n".to_vec(),
        methods: Methods::of(methods),
        starttls,
        tally: Tally::new(3, 12),
        stamped,
    })
}

const ALL: &[Method] = &[
    Method::Plain,
    Method::Login,
    Method::Apop,
    Method::CramMd5,
    Method::External,
];

fn greeted(settings: Arc<Settings>) -> Pop3Server {
    let mut server = Pop3Server::new(settings, false, None);
    let mut out = Vec::new();
    server.greet(&mut || b"<1.2@mx>".as_slice().into(), &mut out);
    assert!(out.starts_with(b"+OK POP3 ready"), "{out:?}");
    server
}

/// Feeds bytes and shows replies, notes and steps, a line each.
fn talk(server: &mut Pop3Server, bytes: &[u8], full: bool) -> String {
    let mut shown = String::new();
    let mut at = 0;
    loop {
        let mut input = Input::new(&bytes[at..], full);
        let mut out = Vec::new();
        let turn = server.advance(&mut input, &mut out);
        at += input.taken();
        shown.push_str(&String::from_utf8_lossy(&out).replace("\r\n", "\n"));
        if let Some(note) = turn.note {
            shown.push_str(&format!("# {note}\n"));
        }
        let left = bytes.len() - at;
        match turn.step {
            Step::Next => {}
            Step::Read => return shown,
            Step::Authenticate(login) => {
                let secret = match &login.credentials {
                    Credentials::Apop { digest, .. } => Some(digest),
                    credentials => credentials.password(),
                };
                let secret = secret.map(|secret| secret.reveal().clone());
                return format!(
                    "{shown}= {} {:?} {:?} left {left}",
                    login.credentials.method(),
                    String::from_utf8_lossy(login.credentials.user()),
                    String::from_utf8_lossy(&secret.unwrap_or_default()),
                );
            }
            Step::Challenge(_) => return format!("{shown}= Challenge left {left}"),
            step => return format!("{shown}= {step:?} left {left}"),
        }
    }
}

const INVALID: &str = "-ERR invalid command\n";

#[test]
fn commands() {
    for (client, want) in [
        ("noop x y\r\nCAPA\n", "+OK\nclear\n"),
        (
            "USER  j q \r\nPASS  a b \r\nST",
            "+OK\n= plain \"j q \" \"a b \" left 2",
        ),
        (
            "USER j\r\nNOOP\r\nCAPA\r\nPASS x\r\n",
            "+OK\n+OK\nall\n= plain \"j\" \"x\" left 0",
        ),
        ("QUIT\r\nNOOP\r\n", "+OK\n= Quit left 6"),
        ("USER j\r\nquit\r\n", "+OK\n+OK\n= Quit left 0"),
        ("AUTH\r\n", "methods\n"),
        ("auth plain AHUAcA==\r\nSTAT", "= plain \"u\" \"p\" left 4"),
        (
            "AUTH PLAIN\r\nAHUAcA== junk\r\n",
            "+ \n= plain \"u\" \"p\" left 0",
        ),
        (
            "AUTH LOGIN\r\ndQ==\r\ncA==\r\n",
            "+ VXNlcm5hbWU6\n+ UGFzc3dvcmQ6\n= plain \"u\" \"p\" left 0",
        ),
        ("AUTH CRAM-MD5\r\n", "+ PDEuMkBteD4=\n"),
        ("APOP j x\r\n", "= apop \"j\" \"x\" left 0"),
        ("AUTH EXTERNAL dQ==\r\n", "= external \"u\" \"\" left 0"),
        ("NO", ""),
    ] {
        let mut server = greeted(settings(ALL, StartTls::Off, true));
        assert_eq!(
            talk(&mut server, client.as_bytes(), false),
            want,
            "{client:?}"
        );
    }
}

#[test]
fn what_is_refused() {
    for (client, invalid) in [
        (
            "PASS x\r\nSTLS\r\nAPOP j\r\nAPOP j x y\r\nUSER\r\nAUTH NTLM\r\n",
            6,
        ),
        ("STAT\r\nSTAT x\r\n", 2),
    ] {
        let mut server = greeted(settings(ALL, StartTls::Off, true));
        assert_eq!(
            talk(&mut server, client.as_bytes(), false),
            INVALID.repeat(invalid)
        );
    }
    // After USER only PASS, CAPA, NOOP and QUIT are valid; any other command discards the name.
    for between in ["USER k", "AUTH", "APOP j x", "STLS", "LIST"] {
        let mut server = greeted(settings(ALL, StartTls::On, true));
        let client = format!("USER j\r\n{between}\r\nPASS x\r\n");
        let want = format!("+OK\n{INVALID}{INVALID}");
        assert_eq!(
            talk(&mut server, client.as_bytes(), false),
            want,
            "{between}"
        );
    }
    // The method is not enabled, and there is no challenge.
    for (methods, stamped) in [(&[Method::Plain][..], true), (ALL, false)] {
        let mut server = greeted(settings(methods, StartTls::Off, stamped));
        assert_eq!(talk(&mut server, b"APOP j x\r\n", false), INVALID);
    }
    let mut server = greeted(settings(ALL, StartTls::Only, true));
    let client = b"USER j\r\nAPOP j x\r\nAUTH\r\nAUTH PLAIN\r\n";
    assert_eq!(talk(&mut server, client, false), INVALID.repeat(4));
    assert_eq!(
        talk(&mut server, b"STLS\r\n", false),
        "+OK\n= StartTls left 0"
    );
    server.secured();
    assert_eq!(
        talk(&mut server, b"CAPA\r\nUSER j\r\n", false),
        "all\n+OK\n"
    );
}

#[test]
fn bytes_that_no_login_has() {
    for (client, want) in [
        (
            "USER j\0\r\n",
            format!("{INVALID}# client sent invalid bytes in USER command\n"),
        ),
        (
            "USER j\r\nPASS \0\r\n",
            format!("+OK\n{INVALID}# client sent invalid bytes in PASS command\n"),
        ),
        (
            "APOP j\0 x\r\n",
            format!("{INVALID}# client sent invalid bytes in APOP command\n"),
        ),
        (
            "AUTH PLAIN AGoNAHA=\r\n",
            format!("{INVALID}# client sent invalid login in AUTH PLAIN command\n"),
        ),
    ] {
        let mut server = greeted(settings(ALL, StartTls::Off, true));
        assert_eq!(
            talk(&mut server, client.as_bytes(), false),
            want,
            "{client:?}"
        );
    }
}

#[test]
fn too_much() {
    let mut server = greeted(settings(ALL, StartTls::Off, true));
    let want = format!(
        "{}# client sent too many invalid commands\n= Close left 4",
        INVALID.repeat(3)
    );
    assert_eq!(talk(&mut server, b"A\r\nB\r\nC\r\nNOOP", false), want);
    let mut server = greeted(settings(ALL, StartTls::Off, true));
    let want = format!(
        "{}{INVALID}# client sent too many commands\n= Close left 0",
        "+OK\n".repeat(12)
    );
    assert_eq!(
        talk(&mut server, "NOOP\r\n".repeat(13).as_bytes(), false),
        want
    );
    let mut server = greeted(settings(ALL, StartTls::Off, true));
    let want = format!("{INVALID}# client sent too long command \"USER jjj\"\n= Close left 8");
    assert_eq!(talk(&mut server, b"USER jjj", true), want);
}

#[test]
fn refusals() {
    let rejected = |code| Refusal::Rejected {
        rejection: Rejection {
            code,
            closing: false,
        },
        reply: None,
    };
    for (refusal, want) in [
        (rejected(535), "-ERR [AUTH] authentication failed\r\n"),
        (
            rejected(454),
            "-ERR [SYS/TEMP] temporary authentication failure\r\n",
        ),
        (rejected(500), "-ERR authentication failed\r\n"),
        (
            Refusal::Unavailable,
            "-ERR [SYS/TEMP] mail server temporarily unavailable, try again later\r\n",
        ),
        (
            Refusal::Mechanism,
            "-ERR unsupported authentication mechanism\r\n",
        ),
    ] {
        let mut server = greeted(settings(ALL, StartTls::Off, true));
        let mut out = Vec::new();
        let turn = server.refuse(&refusal, &mut out);
        assert!(matches!(turn.step, Step::Next));
        assert_eq!(String::from_utf8_lossy(&out), want);
    }
}
