//! The replies to clients whose input arrives at once and byte by byte.

use super::*;
use crate::config::{Method, Methods, StartTls};
use crate::proto::Rejection;
use crate::proto::refusal::Denial;
use crate::proto::sasl::{self, Bearer};
use crate::proto::testing::{say, spell, talk};

fn settings(methods: &[Method], starttls: StartTls) -> Arc<Settings> {
    let mut settings = Settings {
        capability: Vec::new(),
        capability_tls: Vec::new(),
        methods: Methods::of(methods),
        starttls,
        tally: Tally::new(5, 20),
    };
    let list = CapabilityList::configured(&[
        b"\"IMPLEMENTATION\" \"x\"".as_slice().into(),
        b"\"sieve\" \"fileinto\"".as_slice().into(),
    ]);
    settings.capability = settings.capability_with(&list, false);
    settings.capability_tls = settings.capability_with(&list, true);
    Arc::new(settings)
}

fn server(methods: &[Method], starttls: StartTls) -> SieveServer {
    SieveServer::new(settings(methods, starttls), false, None)
}

const ALL: &[Method] = &[
    Method::Plain,
    Method::Login,
    Method::CramMd5,
    Method::External,
    Method::Xoauth2,
    Method::OauthBearer,
];

const LIST: &str = "\"IMPLEMENTATION\" \"x\"|\"sieve\" \"fileinto\"|\"VERSION\" \"1.0\"|";
const INVALID: &str = "NO \"invalid command\"|";

#[test]
fn dialogues_whole_and_byte_by_byte() {
    let plain = sasl::encode(b"\0u\0p");
    let capabilities =
        format!("{LIST}\"SASL\" \"PLAIN LOGIN CRAM-MD5 EXTERNAL XOAUTH2 OAUTHBEARER\"|");
    let unsupported = "NO \"Unsupported authentication mechanism\"|";
    for (client, want) in [
        (
            "NOOP\r\nnoop \"x\"\r\nNOOP {3+}\r\na\r\n\r\n",
            "OK \"NOOP completed\"|OK (TAG \"x\") \"Done\"|OK (TAG {3}|a|) \"Done\"|".to_owned(),
        ),
        (
            "capability\r\n",
            format!("{capabilities}OK \"Capability completed\"|"),
        ),
        ("LOGOUT\r\n", "OK \"Logout completed\"|= Quit".to_owned()),
        (
            "PUTSCRIPT \"a\" {4+}\r\nkeep\r\nLISTSCRIPTS\r\nHAVESPACE \"a\" 9\r\n",
            "NO \"Authentication required\"|".repeat(3),
        ),
        ("NOOP \"a\" \"b\"\r\n", INVALID.to_owned()),
        ("NOOP a\r\n", INVALID.to_owned()),
        ("LOGOUT \"a\"\r\n", INVALID.to_owned()),
        ("FOO {2+}\r\nxx\r\n", INVALID.to_owned()),
        ("\r\n", INVALID.to_owned()),
        (
            "STARTTLS\r\n",
            "NO \"STARTTLS is not available\"|".to_owned(),
        ),
        (
            &format!("AUTHENTICATE \"PLAIN\" \"{plain}\"\r\n"),
            "= plain u/p".to_owned(),
        ),
        (
            &format!("authenticate \"plain\" {{{}+}}\r\n{plain}\r\n", plain.len()),
            "= plain u/p".to_owned(),
        ),
        (
            &format!(
                "AUTHENTICATE \"PLAIN\"\r\n{{{}+}}\r\n{plain}\r\n",
                plain.len()
            ),
            "\"\"|= plain u/p".to_owned(),
        ),
        (
            "AUTHENTICATE \"LOGIN\"\r\n\"dQ==\"\r\n\"cA==\"\r\n",
            "\"VXNlcm5hbWU6\"|\"UGFzc3dvcmQ6\"|= plain u/p".to_owned(),
        ),
        ("AUTHENTICATE \"CRAM-MD5\"\r\n", "= Challenge".to_owned()),
        (
            "AUTHENTICATE \"EXTERNAL\" \"\"\r\n",
            "= external /".to_owned(),
        ),
        (
            "AUTHENTICATE \"PLAIN\"\r\n\"*\"\r\nNOOP\r\n",
            "\"\"|NO \"Authentication cancelled\"|OK \"NOOP completed\"|".to_owned(),
        ),
        (
            "AUTHENTICATE \"PLAIN\"\r\nNOOP\r\nNOOP\r\n",
            format!("\"\"|{INVALID}OK \"NOOP completed\"|"),
        ),
        (
            "AUTHENTICATE \"PLAIN\" \"!\"\r\n",
            format!("{INVALID}# client sent invalid base64 encoding in AUTH PLAIN command|"),
        ),
        ("AUTHENTICATE PLAIN\r\n", INVALID.to_owned()),
        ("AUTHENTICATE\r\n", INVALID.to_owned()),
        ("AUTHENTICATE \"PLAIN\" \"\" \"\"\r\n", INVALID.to_owned()),
        ("AUTHENTICATE \"GSSAPI\"\r\n", unsupported.to_owned()),
        (
            "AUTHENTICATE \"PLAIN\" {4}\r\ndQ==\r\n",
            "BYE \"invalid command\"|= Close".to_owned(),
        ),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n",
            "BYE \"invalid command\"|= Close".to_owned(),
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
    let mut server = server(&[Method::Plain], StartTls::Off);
    for mechanism in ["LOGIN", "CRAM-MD5", "EXTERNAL", "XOAUTH2"] {
        assert_eq!(
            say(&mut server, &format!("AUTHENTICATE \"{mechanism}\"\r\n")),
            "NO \"Unsupported authentication mechanism\"|",
            "{mechanism}"
        );
    }
}

#[test]
fn starttls() {
    let mut server = server(&[Method::Plain], StartTls::Only);
    let mut out = Vec::new();
    server.greet(&mut || Bytes::default(), &mut out);
    assert_eq!(
        String::from_utf8_lossy(&out).replace("\r\n", "|"),
        format!("{LIST}\"SASL\" \"\"|\"STARTTLS\"|OK \"ManageSieve ready\"|")
    );
    assert_eq!(
        say(
            &mut server,
            "AUTHENTICATE \"PLAIN\" \"AHUAcA==\"\r\nSTARTTLS\r\n"
        ),
        "NO (ENCRYPT-NEEDED) \"Must issue a STARTTLS command first\"|OK \"Begin TLS negotiation now\"|= StartTls"
    );
    server.secured();
    // The capabilities come without a command, once.
    let inside = format!("{LIST}\"SASL\" \"PLAIN\"|");
    assert_eq!(
        say(&mut server, ""),
        format!("{inside}OK \"TLS negotiation successful\"|")
    );
    assert_eq!(
        say(
            &mut server,
            "STARTTLS\r\nCAPABILITY\r\nAUTHENTICATE \"PLAIN\" \"AHUAcA==\"\r\n"
        ),
        format!("NO \"STARTTLS is not available\"|{inside}OK \"Capability completed\"|= plain u/p")
    );
}

/// The messages of SCRAM are strings like any other, and the completion may carry the last one (RFC 5804, section 2.1).
#[test]
fn messages_of_the_backend_are_strings() {
    let mut server = server(&[Method::ScramSha256], StartTls::Off);
    let mut relay = |message: &str| {
        let mut out = Vec::new();
        server.relay(Scram::Sha256, message.as_bytes(), &mut out);
        let held = &mut b"{8+}\r\nYz1iaXdz\r\n".to_vec();
        let text = String::from_utf8_lossy(&out).replace("\r\n", "|");
        format!("{text}{}", talk(&mut server, held, false))
    };
    assert_eq!(relay("cj1hYmM="), "\"cj1hYmM=\"|= Respond Yz1iaXdz");
    let long = "a".repeat(1025);
    assert_eq!(relay(&long), format!("{{1025}}|{long}|= Respond Yz1iaXdz"));
    let mut out = Vec::new();
    server.accept(b"OK (SASL \"dj14\")\r\n", &mut out);
    assert_eq!(out, b"OK (SASL \"dj14\")\r\n");
}

#[test]
fn learned_capabilities() {
    let list = CapabilityList {
        words: [b"\"SIEVE\" \"reject\"".as_slice().into()].into(),
        methods: Methods::of(&[Method::Plain]),
    };
    let settings = settings(&[Method::Plain, Method::CramMd5], StartTls::On);
    let mut server = SieveServer::new(settings, false, Some(Arc::new(list)));
    assert_eq!(
        say(&mut server, "CAPABILITY\r\n"),
        "\"SIEVE\" \"reject\"|\"IMPLEMENTATION\" \"portcullis\"|\"VERSION\" \"1.0\"|\
         \"SASL\" \"PLAIN\"|\"STARTTLS\"|OK \"Capability completed\"|"
    );
}

#[test]
fn limits() {
    let full = |text: &str| talk(&mut server(ALL, StartTls::Off), &mut text.into(), true);
    assert_eq!(
        full("NOOP \"789"),
        "BYE \"invalid command\"|# client sent too long command \"NOOP \\x22789\"|= Close"
    );
    assert_eq!(
        full("AUTHENTICATE \"PLAIN\" {99+}\r\ndQ=="),
        "BYE \"invalid command\"|# client sent too long command \"AUTHENTICATE ***\"|= Close"
    );
    let mut answering = server(ALL, StartTls::Off);
    say(&mut answering, "AUTHENTICATE \"PLAIN\"\r\n");
    assert_eq!(
        talk(&mut answering, &mut "\"dQ==".into(), true),
        "BYE \"invalid command\"|# client sent too long command \"***\"|= Close"
    );
    let many = say(&mut server(ALL, StartTls::Off), &"NOOP\r\n".repeat(21));
    assert!(
        many.ends_with(
            "OK \"NOOP completed\"|BYE \"invalid command\"|# client sent too many commands|= Close"
        ),
        "{many}"
    );
    let bad = say(&mut server(ALL, StartTls::Off), &"FOO\r\n".repeat(6));
    assert!(
        bad.ends_with(
            "NO \"invalid command\"|BYE \"invalid command\"|# client sent too many invalid commands|= Close"
        ),
        "{bad}"
    );
}

#[test]
fn refusals() {
    let mut server = server(ALL, StartTls::Off);
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
        tell(rejected(500, false, None)),
        "NO \"Authentication failed\"| Next"
    );
    assert_eq!(
        tell(rejected(500, false, Some("NO \"their words\"\r\n"))),
        "NO \"their words\"| Next"
    );
    assert_eq!(
        tell(rejected(454, true, None)),
        "BYE (TRYLATER) \"Temporary authentication failure\"| Close"
    );
    assert!(tell(Refusal::Unavailable).starts_with("NO (TRYLATER) "));
    assert!(tell(Refusal::Mechanism).starts_with("NO \"Unsupported "));
    let denial = |wait| Denial {
        text: b"no \"entry\"".as_slice().into(),
        wait,
        ..Denial::default()
    };
    let second = std::time::Duration::from_secs(1);
    assert_eq!(
        tell(Refusal::Denied(denial(second))),
        "NO \"no \\\"entry\\\"\"| Next"
    );
    assert_eq!(
        tell(Refusal::Denied(denial(std::time::Duration::ZERO))),
        "NO \"no \\\"entry\\\"\"| Close"
    );
    let error = Some((Bearer::Xoauth2, b"e30=".as_slice().into()));
    assert_eq!(
        tell(Refusal::Denied(Denial {
            error,
            ..denial(second)
        })),
        "\"e30=\"| Next"
    );
    assert_eq!(
        say(&mut server, "\"\"\r\nNOOP\r\n"),
        "NO \"no \\\"entry\\\"\"|OK \"NOOP completed\"|"
    );
}
