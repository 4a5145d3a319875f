//! SCRAM: the gateway relays the messages of both sides.

use super::*;
use crate::proto::backend::wire::Wire;
use crate::proto::login::{Helo, Response};
use crate::proto::sasl::scram::Scram;
use crate::proto::{imap, pop3, sieve, smtp};

/// A protocol as the backend of these tests speaks it.
struct Backend {
    wire: fn() -> Box<dyn Wire>,
    origin: fn() -> Origin,
    /// The capabilities, with and without initial responses.
    offers: [&'static [&'static str]; 2],
    /// The bytes before AUTH.
    before: &'static str,
    command: &'static str,
    mechanism: &'static str,
    /// A message of the client, and a message of the backend without its line end.
    forms: [fn(&str) -> String; 2],
    accepted: &'static str,
    refused: &'static str,
}

fn backends() -> [Backend; 4] {
    let bare = |message: &str| message.to_owned();
    let string = |message: &str| format!("\"{message}\"");
    let plus = |message: &str| format!("+ {message}");
    [
        Backend {
            wire: || Box::new(smtp::wire::Wire { name: bytes("gw") }),
            origin: || Origin::Smtp {
                helo: Helo::default(),
                envelope: None,
            },
            offers: [&[
                "220 b\r\n",
                "250-b\r\n250 AUTH SCRAM-SHA-1 SCRAM-SHA-256\r\n",
            ]; 2],
            before: "EHLO gw|",
            command: "AUTH",
            mechanism: "SCRAM-SHA-256",
            forms: [bare, |message| format!("334 {message}")],
            accepted: "235 2.7.0 in\r\n",
            refused: "535 5.7.8 wrong\r\n",
        },
        Backend {
            wire: || Box::new(imap::wire::Wire::default()),
            origin: || Origin::Imap { tag: bytes("t") },
            offers: [
                &["* OK [CAPABILITY SASL-IR AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256] hi\r\n"],
                &["* OK [CAPABILITY AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256] hi\r\n"],
            ],
            before: "",
            command: "t AUTHENTICATE",
            mechanism: "SCRAM-SHA-256",
            forms: [bare, plus],
            accepted: "t OK in\r\n",
            refused: "t NO [AUTHENTICATIONFAILED] wrong\r\n",
        },
        Backend {
            wire: || Box::new(pop3::wire::Wire),
            origin: || Origin::Pop3,
            offers: [&[
                "+OK b\r\n",
                "+OK\r\nSASL SCRAM-SHA-1 SCRAM-SHA-256\r\n.\r\n",
            ]; 2],
            before: "CAPA|",
            command: "AUTH",
            mechanism: "SCRAM-SHA-256",
            forms: [bare, plus],
            accepted: "+OK in\r\n",
            refused: "-ERR [AUTH] wrong\r\n",
        },
        Backend {
            wire: || Box::new(sieve::wire::Wire),
            origin: || Origin::Sieve,
            offers: [&["\"SASL\" \"SCRAM-SHA-1 SCRAM-SHA-256\"\r\nOK\r\n"]; 2],
            before: "",
            command: "AUTHENTICATE",
            mechanism: "\"SCRAM-SHA-256\"",
            forms: [string, string],
            accepted: "OK (SASL \"dj14eA==\") \"in\"\r\n",
            refused: "NO \"wrong\"\r\n",
        },
    ]
}

const FIRST: &str = "biwsbj11LHI9YWJj";

impl Backend {
    fn first(&self, offers: &[&str], replies: &[&str]) -> Played<backend_login::Outcome> {
        let credentials = Credentials::Scram {
            user: bytes("u"),
            message: bytes(FIRST),
            mechanism: Scram::Sha256,
        };
        let opening = backend_login::discovery((self.wire)());
        let dialogue = backend_dialogue(opening, login(credentials, (self.origin)()));
        play(dialogue, &[offers, replies].concat())
    }

    /// A challenge with this text.
    fn says(&self, text: &str) -> String {
        format!("{}\r\n", self.forms[1](text))
    }

    /// What the backend gets where the client says this.
    fn gets(&self, text: &str) -> String {
        format!("{}|", self.forms[0](text))
    }

    /// The command with the client's first message.
    fn asks(&self) -> String {
        let Backend {
            before,
            command,
            mechanism,
            ..
        } = self;
        format!("{before}{command} {mechanism} {}", self.gets(FIRST))
    }

    /// The conversation after the backend's first message.
    fn begun(&self) -> Idle {
        let played = self.first(self.offers[0], &[&self.says("cj1hYmM=")]);
        assert_eq!(played.text(), format!("{} cj1hYmM=", self.asks()));
        played.idle()
    }

    fn respond(&self, idle: Idle, line: &str, reply: &str) -> Played<backend_login::Outcome> {
        let response = Response {
            line: secret(line),
            origin: (self.origin)(),
        };
        again(idle, Request::Response(response), &[reply])
    }
}

#[test]
fn messages_are_relayed() {
    for backend in backends() {
        let last = backend.respond(backend.begun(), "Yz1iaXdz", &backend.says("dj14eA=="));
        assert_eq!(last.text(), backend.gets("Yz1iaXdz") + " dj14eA==");
        let end = backend.respond(last.idle(), "", backend.accepted);
        assert_eq!(end.text(), backend.gets("") + " LoggedIn");
        // The completion may carry the backend's last message.
        let end = backend.respond(backend.begun(), "Yz1iaXdz", backend.accepted);
        assert_eq!(end.text(), backend.gets("Yz1iaXdz") + " WithReply");
    }
}

#[test]
fn the_first_message_follows_an_empty_challenge() {
    let [_, imap, ..] = backends();
    let replies = [&*imap.says(""), &imap.says("cj1hYmM=")];
    assert_eq!(
        imap.first(imap.offers[1], &replies).text(),
        format!("t AUTHENTICATE SCRAM-SHA-256|{FIRST}| cj1hYmM=")
    );
}

#[test]
fn refusals_at_each_step() {
    for backend in backends() {
        let refused = |played: Played<backend_login::Outcome>, sent: &str| {
            let text = played.text();
            let code = text.strip_prefix(&format!("{sent} Refused("));
            assert!(code.is_some(), "{text}");
            played.idle()
        };
        let first = backend.first(backend.offers[0], &[backend.refused]);
        refused(first, &backend.asks());
        let final_refused = backend.respond(backend.begun(), "Yz1iaXdz", backend.refused);
        // The conversation goes on with another login.
        let idle = refused(final_refused, &backend.gets("Yz1iaXdz"));
        assert!(idle.suits(&(backend.origin)()));
        let last = backend.respond(backend.begun(), "Yz1iaXdz", &backend.says("dj14eA=="));
        refused(
            backend.respond(last.idle(), "", backend.refused),
            &backend.gets(""),
        );
        // The client cancels.
        refused(
            backend.respond(backend.begun(), "*", backend.refused),
            &backend.gets("*"),
        );
        let last = backend.respond(backend.begun(), "Yz1iaXdz", &backend.says("dj14eA=="));
        refused(
            backend.respond(last.idle(), "*", backend.refused),
            &backend.gets("*"),
        );
    }
}

#[test]
fn replies_that_are_not_allowed() {
    for backend in backends() {
        let unexpected = |played: Played<backend_login::Outcome>| {
            assert!(played.text().ends_with(" Unexpected"), "{}", played.text());
        };
        // A backend that accepts before the client has proved anything, or after it has cancelled.
        unexpected(backend.first(backend.offers[0], &[backend.accepted]));
        unexpected(backend.respond(backend.begun(), "*", backend.accepted));
        unexpected(backend.respond(backend.begun(), "*", &backend.says("dj14eA==")));
        // Messages that are none.
        for text in ["", "cj1hYm M=", "a\rb", "a\0b", "r=abc,s=x"] {
            unexpected(backend.first(backend.offers[0], &[&backend.says(text)]));
        }
        // A third message.
        let last = backend.respond(backend.begun(), "Yz1iaXdz", &backend.says("dj14eA=="));
        unexpected(backend.respond(last.idle(), "", &backend.says("dj14eA==")));
    }
}

#[test]
fn another_login_cancels_the_exchange() {
    let [_, imap, ..] = backends();
    let replies = ["t BAD cancelled\r\n"];
    let played = again(imap.begun(), login(plain(), (imap.origin)()), &replies);
    assert_eq!(played.text(), "*|t LOGIN {1}| Open");
}

#[test]
fn long_messages_to_managesieve_are_literals() {
    let [.., sieve] = backends();
    let long = "a".repeat(1025);
    let played = sieve.respond(sieve.begun(), &long, sieve.refused);
    let want = format!("{{1025+}}|{long}| Refused(500)");
    assert_eq!(played.text(), want);
}

#[test]
fn the_mechanism_must_be_announced() {
    let [_, imap, ..] = backends();
    for offers in [
        "* OK [CAPABILITY SASL-IR AUTH=SCRAM-SHA-1] hi\r\n",
        "* OK [CAPABILITY SASL-IR AUTH=SCRAM-SHA-256-PLUS] hi\r\n",
    ] {
        assert_eq!(imap.first(&[offers], &[]).text(), " NotOffered");
    }
}
