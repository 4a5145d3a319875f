//! The replies to clients whose input arrives at once and byte by byte.

use super::*;
use crate::config::{Method, Methods, StartTls};
use crate::proto::Rejection;
use crate::proto::refusal::Denial;
use crate::proto::sasl::{self, Bearer};
use crate::proto::testing::{say, spell, talk};

fn settings(methods: &[Method], starttls: StartTls) -> Arc<Settings> {
    let mut settings = Settings {
        id: b"* ID NIL\r\n".to_vec(),
        capability: Vec::new(),
        capability_tls: Vec::new(),
        methods: Methods::of(methods),
        starttls,
        tally: Tally::new(5, 20),
    };
    let list = CapabilityList::configured(&[b"IMAP4".as_slice().into()]);
    settings.capability = settings.capability_with(&list, false);
    settings.capability_tls = settings.capability_with(&list, true);
    Arc::new(settings)
}

fn server(methods: &[Method], starttls: StartTls) -> ImapServer {
    ImapServer::new(settings(methods, starttls), false, None)
}

const ALL: &[Method] = &[
    Method::Plain,
    Method::Login,
    Method::CramMd5,
    Method::External,
    Method::Xoauth2,
    Method::OauthBearer,
];

#[test]
fn dialogues_whole_and_byte_by_byte() {
    let nul = sasl::encode(b"\0u\0p");
    for (client, want) in [
        ("a NOOP\r\nb noop\r\n", "a OK completed|b OK completed|"),
        (
            "a CAPABILITY\r\n",
            "* CAPABILITY IMAP4 AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=EXTERNAL AUTH=XOAUTH2 AUTH=OAUTHBEARER|a OK completed|",
        ),
        ("a LOGOUT\r\n", "* BYE|a OK completed|= Quit"),
        ("a LOGIN u p\r\n", "= a plain u/p"),
        ("a LOGIN {1}\r\nu {1}\r\np\r\n", "+ OK|+ OK|= a plain u/p"),
        ("a LOGIN u {0+}\r\n\r\n", "= a plain u/"),
        ("a LOGIN \"\" p\r\n", "a BAD invalid command|"),
        (
            "a LOGIN {2+}\r\nu\n p\r\n",
            "a BAD invalid command|# client sent invalid bytes in LOGIN command|",
        ),
        ("a STARTTLS\r\n", "a BAD invalid command|"),
        ("a FOO {8+}\r\n", "a BAD invalid command|= Close"),
        ("\r\n", "* BAD invalid command|"),
        ("a AUTHENTICATE CRAM-MD5\r\n", "= Challenge"),
        (
            "a AUTHENTICATE EXTERNAL\r\ndQ==\r\n",
            "+ VXNlcm5hbWU6|= a external u/",
        ),
        ("a AUTHENTICATE EXTERNAL =\r\n", "= a external /"),
        (
            "a AUTHENTICATE LOGIN\r\ndQ==\r\ncA==\r\n",
            "+ VXNlcm5hbWU6|+ UGFzc3dvcmQ6|= a plain u/p",
        ),
        (
            &format!("a AUTHENTICATE PLAIN\r\n{nul}\r\n"),
            "+ |= a plain u/p",
        ),
        (&format!("a AUTHENTICATE PLAIN {nul}\r\n"), "= a plain u/p"),
        (
            "a AUTHENTICATE PLAIN\r\n!\r\nb NOOP\r\n",
            "+ |a BAD invalid command|# client sent invalid base64 encoding in AUTH PLAIN command|b OK completed|",
        ),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n",
            "* BAD invalid command|= Close",
        ),
    ] {
        for read in [say, spell] {
            let shown = read(&mut server(ALL, StartTls::Off), client);
            assert_eq!(shown, want, "{client:?}");
        }
    }
}

#[test]
fn methods_that_are_not_listed() {
    let mut server = server(&[], StartTls::Off);
    for mechanism in ["CRAM-MD5", "EXTERNAL", "EXTERNAL dQ==", "XOAUTH2", "GSSAPI"] {
        assert_eq!(
            say(&mut server, &format!("a AUTHENTICATE {mechanism}\r\n")),
            "a BAD invalid command|",
            "{mechanism}"
        );
    }
    assert_eq!(say(&mut server, "a AUTHENTICATE PLAIN\r\n"), "+ |");
}

#[test]
fn starttls() {
    let mut server = server(ALL, StartTls::Only);
    assert_eq!(
        say(
            &mut server,
            "a CAPABILITY\r\nb LOGIN u p\r\nc AUTHENTICATE PLAIN\r\nd STARTTLS\r\n"
        ),
        "* CAPABILITY IMAP4 STARTTLS LOGINDISABLED|a OK completed|b BAD invalid command|c BAD invalid command|d OK completed|= StartTls"
    );
    server.secured();
    assert_eq!(
        say(&mut server, "a STARTTLS\r\nb LOGIN u p\r\n"),
        "a BAD invalid command|= b plain u/p"
    );
}

#[test]
fn learned_words() {
    let words = CapabilityList::configured(&[b"IMAP4rev2".as_slice().into()]);
    let settings = settings(&[Method::Plain], StartTls::On);
    let mut server = ImapServer::new(settings, false, Some(Arc::new(words)));
    assert_eq!(
        say(&mut server, "a CAPABILITY\r\n"),
        "* CAPABILITY IMAP4rev2 AUTH=PLAIN STARTTLS|a OK completed|"
    );
}

#[test]
fn limits() {
    let full = |text: &str| talk(&mut server(ALL, StartTls::Off), &mut text.into(), true);
    assert_eq!(
        full("a NOOP 789"),
        "a BAD invalid command|# client sent too long command \"a NOOP 789\"|= Close"
    );
    assert_eq!(
        full("a LOGIN u p"),
        "a BAD invalid command|# client sent too long command \"a LOGIN ***\"|= Close"
    );
    assert_eq!(
        full("a LOGIN {9}\r\nx"),
        "+ OK|a BAD invalid command|# client sent too long command \"a LOGIN ***\"|= Close"
    );
    let mut server = server(ALL, StartTls::Off);
    let many = say(&mut server, &"a NOOP\r\n".repeat(21));
    assert!(
        many.ends_with(
            "OK completed|a BAD invalid command|# client sent too many commands|= Close"
        )
    );
}

#[test]
fn refusals() {
    let mut server = server(ALL, StartTls::Off);
    assert_eq!(say(&mut server, "t LOGIN u p\r\n"), "= t plain u/p");
    let mut tell = |refusal: Refusal| {
        let mut out = Vec::new();
        let turn = server.refuse(&refusal, &mut out);
        let text = String::from_utf8_lossy(&out).replace("\r\n", "|");
        format!("{text} {:?}", turn.step)
    };
    let rejected = |code, closing, reply: Option<&str>| Refusal::Rejected {
        rejection: Rejection { code, closing },
        reply: reply.map(|reply| reply.as_bytes().into()),
    };
    assert_eq!(
        tell(rejected(535, false, None)),
        "t NO [AUTHENTICATIONFAILED] Authentication failed| Next"
    );
    assert_eq!(
        tell(rejected(535, false, Some("t NO their words\r\n"))),
        "t NO their words| Next"
    );
    assert_eq!(
        tell(rejected(454, true, None)),
        "t NO [UNAVAILABLE] Temporary authentication failure| Close"
    );
    assert!(tell(Refusal::Unavailable).starts_with("t NO [UNAVAILABLE] "));
    assert!(tell(Refusal::Mechanism).starts_with("t NO Unsupported "));
    let denial = |wait| Denial {
        text: b"no".as_slice().into(),
        wait,
        ..Denial::default()
    };
    let second = std::time::Duration::from_secs(1);
    assert_eq!(tell(Refusal::Denied(denial(second))), "t NO no| Next");
    assert_eq!(
        tell(Refusal::Denied(denial(std::time::Duration::ZERO))),
        "t NO no| Close"
    );
    let error = Some((Bearer::Xoauth2, b"e30=".as_slice().into()));
    assert_eq!(
        tell(Refusal::Denied(Denial {
            error,
            ..denial(second)
        })),
        "+ e30=| Next"
    );
    assert_eq!(
        say(&mut server, "\r\nu NOOP\r\n"),
        "t NO no|u OK completed|"
    );
}
