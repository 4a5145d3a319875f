//! Transcripts: `C` bytes of the client, `S` replies to it, `=` a step that the session must carry out.

use super::*;
use crate::config::{Method, Methods, StartTls};
use crate::proto::sasl::{self, Bearer};
use crate::proto::{Denial, Origin, Rejection};
use std::time::Duration;

fn settings(methods: &[Method], starttls: StartTls, backend_authenticates: bool) -> Arc<Settings> {
    let mut set = Methods::default();
    methods.iter().for_each(|&method| set.insert(method));
    Arc::new(Settings {
        name: b"mx".as_slice().into(),
        greeting: b"220 mx ESMTP ready\r\n".to_vec(),
        helo: b"250 mx\r\n".to_vec(),
        ehlo: b"250 mx clear\r\n".to_vec(),
        ehlo_tls: b"250 mx tls\r\n".to_vec(),
        methods: set,
        starttls,
        tally: Tally::new(3, 20),
        backend_authenticates,
    })
}

/// Feeds bytes and shows replies, notes and steps, a line each.
fn talk(server: &mut SmtpServer, bytes: &[u8], full: bool) -> String {
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
        match turn.step {
            Step::Next => {}
            Step::Read => return shown,
            Step::Authenticate(login) => {
                let pass = login.credentials.password().map(|p| p.reveal().clone());
                let Origin::Smtp { helo, .. } = login.origin else {
                    panic!("{:?}", login.origin);
                };
                return format!(
                    "{shown}= {} {} {} {:?} left {}",
                    login.credentials.method(),
                    String::from_utf8_lossy(login.credentials.user()),
                    String::from_utf8_lossy(&pass.unwrap_or_default()),
                    helo.name
                        .map(|name| String::from_utf8_lossy(&name).into_owned()),
                    bytes.len() - at,
                );
            }
            Step::Challenge(_) => return format!("{shown}= Challenge left {}", bytes.len() - at),
            step => return format!("{shown}= {step:?} left {}", bytes.len() - at),
        }
    }
}

const ALL: &[Method] = &[
    Method::Plain,
    Method::Login,
    Method::CramMd5,
    Method::External,
];

#[test]
fn one_line_answers() {
    for (client, want) in [
        ("HELO a\r\n", "250 mx\n"),
        ("EHLO a\n", "250 mx clear\n"),
        ("EHLO\r\n", "501 5.5.4 Invalid argument\n"),
        ("EHLO a b\r\n", "501 5.5.4 Invalid argument\n"),
        ("EHLO a\0\r\n", "501 5.5.4 Invalid argument\n"),
        ("noop x y\r\nRSET\r\n", "250 2.0.0 OK\n250 2.0.0 OK\n"),
        ("QUIT\r\nNOOP\r\n", "221 2.0.0 Bye\n= Quit left 6"),
        (
            "VRFY a\r\nHELP\r\n",
            "500 5.5.1 Invalid command\n500 5.5.1 Invalid command\n",
        ),
        ("STARTTLS\r\n", "500 5.5.1 Invalid command\n"),
        ("AUTH\r\n", "501 5.5.4 Invalid argument\n"),
        ("AUTH FOO\r\n", "500 5.5.1 Invalid command\n"),
        ("AUTH PLAIN a b\r\n", "500 5.5.1 Invalid command\n"),
        (
            "MAIL FROM:<a>\r\nNOOP\r\n",
            "530 5.7.1 Authentication required\n# client was rejected: \"MAIL FROM:<a>__\"\n250 2.0.0 OK\n",
        ),
        ("RCPT TO:<a>\r\n", "503 5.5.1 Bad sequence of commands\n"),
        (
            "DATA\r\n\r\nFOO\r\nNOOP\r\n",
            "500 5.5.1 Invalid command\n500 5.5.1 Invalid command\n500 5.5.1 Invalid command\n\
          # client sent too many invalid commands\n= Close left 6",
        ),
        ("auth plain AHUAcA==\r\nMAIL", "= plain u p None left 4"),
        (
            "EHLO c\r\nAUTH PLAIN\r\nAHUAcA==\r\n",
            "250 mx clear\n334 \n= plain u p Some(\"c\") left 0",
        ),
        (
            "AUTH LOGIN\r\ndQ==\r\ncA==\r\n",
            "334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n= plain u p None left 0",
        ),
        (
            "AUTH LOGIN dQ==\r\ncA== junk\r\n",
            "334 UGFzc3dvcmQ6\n= plain u p None left 0",
        ),
        (
            "AUTH LOGIN\r\n\r\n\r\n",
            "334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n= plain   None left 0",
        ),
        (
            "AUTH PLAIN\r\n*\r\nNOOP\r\n",
            "334 \n500 5.5.1 Invalid command\n# client sent invalid base64 encoding in AUTH PLAIN command\n250 2.0.0 OK\n",
        ),
        ("AUTH EXTERNAL dQ==\r\n", "= external u  None left 0"),
        (
            "AUTH EXTERNAL\r\ndQ==\r\n",
            "334 VXNlcm5hbWU6\n= external u  None left 0",
        ),
        ("AUTH CRAM-MD5\r\n", "= Challenge left 0"),
        ("NO", ""),
    ] {
        let mut server = SmtpServer::new(settings(ALL, StartTls::Off, false), false, None);
        assert_eq!(
            talk(&mut server, client.as_bytes(), false),
            want,
            "{client:?}"
        );
        // The result must not depend on where the input is split.
        let mut server = SmtpServer::new(settings(ALL, StartTls::Off, false), false, None);
        let (mut held, mut shown) = (Vec::new(), String::new());
        for &byte in client.as_bytes() {
            held.push(byte);
            if byte == b'\n' {
                shown.push_str(&talk(&mut server, &held, false));
                held.clear();
            } else {
                assert_eq!(talk(&mut server, &held, false), "");
            }
            if shown.contains("= ") {
                break;
            }
        }
        let uncounted = |text: &str| text.split(" left ").next().unwrap_or_default().to_string();
        assert_eq!(uncounted(&shown), uncounted(want), "{client:?} in bytes");
    }
}

#[test]
fn cram_md5_with_a_challenge() {
    let mut server = SmtpServer::new(settings(ALL, StartTls::Off, false), false, None);
    assert_eq!(
        talk(&mut server, b"AUTH CRAM-MD5\r\n", false),
        "= Challenge left 0"
    );
    let mut out = Vec::new();
    server.challenge(b"<1.2@mx>".as_slice().into(), &mut out);
    assert_eq!(out, b"334 PDEuMkBteD4=\r\n");
    let answer = sasl::encode(b"u 0123456789abcdef0123456789abcdef");
    assert_eq!(
        talk(&mut server, format!("{answer}\r\n").as_bytes(), false),
        "= cram-md5 u  None left 0"
    );
    let mut server = SmtpServer::new(
        settings(&[Method::Plain], StartTls::Off, false),
        false,
        None,
    );
    assert_eq!(
        talk(&mut server, b"AUTH CRAM-MD5\r\n", false),
        "500 5.5.1 Invalid command\n"
    );
    assert_eq!(
        talk(&mut server, b"AUTH EXTERNAL dQ==\r\n", false),
        "500 5.5.1 Invalid command\n"
    );
}

#[test]
fn mail_without_a_login() {
    let none = |starttls, backend_authenticates| {
        SmtpServer::new(
            settings(&[Method::None], starttls, backend_authenticates),
            false,
            None,
        )
    };
    let mut server = none(StartTls::Off, false);
    assert_eq!(
        talk(
            &mut server,
            b"MAIL FROM:<a>  X \r\nMAIL FROM:<b>\r\nRCPT\r\nRCPT TO:<c>\r\n",
            false
        ),
        "250 2.0.0 OK\n503 5.5.1 Bad sequence of commands\n501 5.5.4 Invalid argument\n= none   None left 0"
    );
    let mut server = none(StartTls::Off, false);
    assert_eq!(
        talk(
            &mut server,
            b"MAIL FROM:<a>\r\nRSET\r\nRCPT TO:<c>\r\nMAIL a\tb\r\n",
            false
        ),
        "250 2.0.0 OK\n250 2.0.0 OK\n503 5.5.1 Bad sequence of commands\n501 5.5.4 Invalid argument\n"
    );
    let mut server = none(StartTls::Only, false);
    assert_eq!(
        talk(&mut server, b"MAIL FROM:<a>\r\n", false),
        "530 5.7.0 Must issue a STARTTLS command first\n"
    );
    let mut server = none(StartTls::Off, true);
    assert_eq!(
        talk(&mut server, b"MAIL FROM:<a>\r\nRCPT TO:<b>\r\n", false),
        "= none   None left 13"
    );
}

#[test]
fn starttls() {
    let mut server = SmtpServer::new(settings(ALL, StartTls::Only, false), false, None);
    assert_eq!(
        talk(&mut server, b"AUTH PLAIN\r\n", false),
        "500 5.5.1 Invalid command\n"
    );
    assert_eq!(
        talk(&mut server, b"EHLO a\r\nSTARTTLS\r\nNOOP\r\n", false),
        "250 mx clear\n220 2.0.0 Start TLS\n= StartTls left 6"
    );
    server.secured();
    assert_eq!(
        talk(&mut server, b"STARTTLS\r\nEHLO a\r\n", false),
        "500 5.5.1 Invalid command\n250 mx tls\n"
    );
}

#[test]
fn limits() {
    let mut server = SmtpServer::new(settings(ALL, StartTls::Off, false), false, None);
    assert_eq!(
        talk(&mut server, b"NOOP 4567", true),
        "500 5.5.1 Invalid command\n# client sent too long command \"NOOP 4567\"\n= Close left 9"
    );
    let mut server = SmtpServer::new(settings(ALL, StartTls::Off, false), false, None);
    let many = talk(&mut server, "NOOP\r\n".repeat(21).as_bytes(), true);
    assert!(many.ends_with(
        "250 2.0.0 OK\n500 5.5.1 Invalid command\n# client sent too many commands\n= Close left 0"
    ));
}

#[test]
fn a_mechanism_has_errors_of_its_own() {
    for (mechanism, seconds, answer, want) in [
        (
            Bearer::Xoauth2,
            1,
            "\r\nNOOP\r\n",
            "535 5.7.0 no\n250 2.0.0 OK\n",
        ),
        (
            Bearer::Xoauth2,
            0,
            "\r\nNOOP\r\n",
            "535 5.7.0 no\n= Close left 6",
        ),
        (
            Bearer::Xoauth2,
            1,
            "x\r\nNOOP\r\n",
            "500 5.5.1 Invalid command\n250 2.0.0 OK\n",
        ),
        (
            Bearer::Xoauth2,
            0,
            "*\r\n",
            "500 5.5.1 Invalid command\n= Close left 0",
        ),
        (
            Bearer::OauthBearer,
            1,
            "AQ==\r\nNOOP\r\n",
            "535 5.7.0 no\n250 2.0.0 OK\n",
        ),
        (
            Bearer::OauthBearer,
            0,
            "AQ==\r\n",
            "535 5.7.0 no\n= Close left 0",
        ),
        (
            Bearer::OauthBearer,
            1,
            "\r\n",
            "500 5.5.1 Invalid command\n",
        ),
    ] {
        let mut server = SmtpServer::new(settings(&[], StartTls::Off, false), false, None);
        let mut out = Vec::new();
        let denial = Denial {
            text: b"no".as_slice().into(),
            wait: Duration::from_secs(seconds),
            error: Some((mechanism, b"e30=".as_slice().into())),
            ..Denial::default()
        };
        let turn = server.refuse(&Refusal::Denied(denial), &mut out);
        assert!(matches!(turn.step, Step::Next));
        assert_eq!(out, b"334 e30=\r\n");
        assert_eq!(
            talk(&mut server, answer.as_bytes(), false),
            want,
            "{mechanism:?} {answer:?}"
        );
    }
}

#[test]
fn refusals() {
    let mut server = SmtpServer::new(settings(ALL, StartTls::Off, true), false, None);
    let mut say = |refusal: Refusal| {
        let mut out = Vec::new();
        let turn = server.refuse(&refusal, &mut out);
        format!("{}{:?}", String::from_utf8_lossy(&out), turn.step)
    };
    let text = || b"no".as_slice().into();
    assert_eq!(
        say(Refusal::Denied(Denial {
            text: text(),
            wait: Duration::from_secs(1),
            ..Denial::default()
        })),
        "535 5.7.0 no\r\nNext"
    );
    assert_eq!(
        say(Refusal::Denied(Denial {
            code: Some(b"454 4.7.0".as_slice().into()),
            text: text(),
            ..Denial::default()
        })),
        "454 4.7.0 no\r\nClose"
    );
    assert_eq!(
        say(Refusal::Rejected {
            rejection: no(535),
            reply: None
        }),
        "535 5.7.8 Authentication failed\r\nNext"
    );
    let reply = Some(b"454 4.7.0 later\r\n".as_slice().into());
    assert_eq!(
        say(Refusal::Rejected {
            rejection: no(454),
            reply
        }),
        "454 4.7.0 later\r\nNext"
    );
    // The third failed login reaches max_errors.
    assert_eq!(
        say(Refusal::Rejected {
            rejection: no(535),
            reply: None
        }),
        "535 5.7.8 Authentication failed\r\nClose"
    );
}

fn no(code: u16) -> Rejection {
    Rejection {
        code,
        closing: false,
    }
}

#[test]
fn octets_of_bdat_are_no_commands() {
    const REFUSED: &str = "530 5.7.1 Authentication required\n\
                           # client was rejected: \"MAIL FROM:<a>__\"\n";
    for (client, want) in [
        // As in nginx, where BDAT can have no octets.
        (
            "BDAT 6 LAST\r\nNOOP\r\n",
            "500 5.5.1 Invalid command\n250 2.0.0 OK\n",
        ),
        (
            "RCPT TO:<b>\r\nBDAT 6\r\nRSET\r\nbdat 0 last\r\nNOOP\r\n",
            "503 5.5.1 Bad sequence of commands\n503 5.5.1 Bad sequence of commands\n\
             503 5.5.1 Bad sequence of commands\n250 2.0.0 OK\n",
        ),
        (
            "RCPT TO:<b>\r\nBDAT 8 LAST\nQUIT\r\n",
            "503 5.5.1 Bad sequence of commands\n",
        ),
        (
            "RCPT TO:<b>\r\nBDAT 6x\r\nRSET\r\n",
            "503 5.5.1 Bad sequence of commands\n501 5.5.4 Syntax: BDAT size [LAST]\n= Close left 6",
        ),
        (
            "RCPT TO:<b>\r\nBDAT\t6\r\nRSET\r\n",
            "503 5.5.1 Bad sequence of commands\n501 5.5.4 Syntax: BDAT size [LAST]\n= Close left 6",
        ),
    ] {
        let mut server = SmtpServer::new(settings(ALL, StartTls::Off, false), false, None);
        assert_eq!(
            talk(&mut server, client.as_bytes(), false),
            want,
            "{client:?}"
        );
    }
    let mut server = SmtpServer::new(settings(ALL, StartTls::Off, false), false, None);
    assert_eq!(talk(&mut server, b"MAIL FROM:<a>\r\n", false), REFUSED);
    assert_eq!(talk(&mut server, b"BDAT 200000 LAST\r\n", false), "");
    // A full buffer of octets is no command that is too long.
    for _ in 0..49 {
        assert_eq!(talk(&mut server, &[b'x'; 4000], true), "");
    }
    let rest = [&[b'x'; 4000][..], b"NOOP\r\n"].concat();
    assert_eq!(
        talk(&mut server, &rest, false),
        "503 5.5.1 Bad sequence of commands\n250 2.0.0 OK\n"
    );
    let learned = CapabilityList::configured(&[b"Chunking".as_slice().into()]);
    let settings = settings(ALL, StartTls::Off, true);
    let mut server = SmtpServer::new(settings, false, Some(Arc::new(learned)));
    let shown = talk(&mut server, b"EHLO a\r\nBDAT 6\r\nQUIT\r\nRSET\r\n", false);
    let (_, replies) = shown.split_once("Chunking\n").expect("the capability");
    assert!(
        replies.ends_with("503 5.5.1 Bad sequence of commands\n250 2.0.0 OK\n"),
        "{shown}"
    );
}

#[test]
fn a_line_that_backends_may_split_hides_no_command() {
    let pad = "x".repeat(600);
    for verb in ["EHLO ", "HELO ", "MAIL FROM:<a> ", "RCPT TO:<b> "] {
        let settings = settings(&[Method::None], StartTls::Off, false);
        let mut server = SmtpServer::new(settings, false, None);
        if verb.starts_with("RCPT") {
            assert_eq!(
                talk(&mut server, b"MAIL FROM:<a>\r\n", false),
                "250 2.0.0 OK\n"
            );
        }
        let long = format!("{verb}{pad}XCLIENT\r\n");
        let reply = "501 5.5.4 Invalid argument\n";
        assert_eq!(talk(&mut server, long.as_bytes(), false), reply, "{verb}");
        let harmless = talk(&mut server, format!("{verb}{pad}\r\n").as_bytes(), false);
        assert!(!harmless.starts_with(reply), "{verb}");
    }
}

#[test]
fn scram_is_relayed() {
    let methods = [Method::ScramSha1, Method::ScramSha256];
    let server = || {
        let settings = settings(&methods, StartTls::Off, true);
        SmtpServer::new(settings, false, None)
    };
    let mut own = server();
    // n,,n=us=2Cer,r=abc
    let first = "biwsbj11cz0yQ2VyLHI9YWJj";
    let begun = format!("AUTH SCRAM-SHA-256\r\n{first}\r\n");
    let shown = talk(&mut own, begun.as_bytes(), false);
    assert_eq!(shown, "334 \n= scram-sha-256 us,er  None left 0");
    let mut out = Vec::new();
    own.relay(Scram::Sha256, b"cj1hYmM=", &mut out);
    assert_eq!(out, b"334 cj1hYmM=\r\n");
    let Step::Respond(response) = own
        .advance(&mut Input::new(b"Yz1iaXdz\r\n", false), &mut out)
        .step
    else {
        panic!("no response");
    };
    assert_eq!(&**response.line.reveal(), b"Yz1iaXdz");
    out.clear();
    own.relay(Scram::Sha256, b"dj14", &mut out);
    for (line, want) in [(&b"\r\n"[..], &b""[..]), (b"*\r\n", b"*")] {
        own.relay(Scram::Sha256, b"dj14", &mut out);
        match own.advance(&mut Input::new(line, false), &mut out).step {
            Step::Respond(response) => assert_eq!(&**response.line.reveal(), want),
            step => panic!("{step:?}"),
        }
    }
    for (bytes, want) in [
        // p=tls-unique,,n=u,r=x
        (
            "AUTH SCRAM-SHA-1 cD10bHMtdW5pcXVlLCxuPXUscj14\r\n",
            "500 5.5.1 Invalid command\n\
             # client sent invalid channel binding in AUTH SCRAM-SHA-1 command\n",
        ),
        ("AUTH SCRAM-SHA-256-PLUS\r\n", "500 5.5.1 Invalid command\n"),
        (
            "AUTH SCRAM-SHA-1\r\n*\r\n",
            "334 \n500 5.5.1 Invalid command\n\
             # client sent invalid base64 encoding in AUTH SCRAM-SHA-1 command\n",
        ),
    ] {
        assert_eq!(
            talk(&mut server(), bytes.as_bytes(), false),
            want,
            "{bytes}"
        );
    }
    let mut own = server();
    own.relay(Scram::Sha1, b"cj1hYmM=", &mut Vec::new());
    assert_eq!(
        talk(&mut own, b"a,b\r\n", false),
        "500 5.5.1 Invalid command\n\
         # client sent invalid base64 encoding in AUTH SCRAM-SHA-1 command\n"
    );
}
