//! Conversations: the backend's replies, and all that it was told.

use super::*;
use crate::proto::Back as _;
use crate::proto::Helo;
use crate::proto::smtp::opening::Xclient;

fn introduction(helo: Helo, login: &str, xclient: bool) -> Introduction {
    Introduction {
        own_name: b"gate".as_slice().into(),
        address: "192.0.2.1".into(),
        host: "[UNAVAILABLE]".into(),
        helo,
        login: Some(login.as_bytes().into()),
        xclient: if xclient {
            Xclient::Always
        } else {
            Xclient::Off
        },
        learns: false,
    }
}

fn said(name: &str, extended: bool) -> Helo {
    Helo {
        name: Some(name.as_bytes().into()),
        extended,
    }
}

/// Plays the backend; returns what it was told, and how it ended.
fn play(mut back: Back, replies: &[&str]) -> String {
    let mut told = String::new();
    for reply in replies {
        let mut out = Vec::new();
        let progress = back.advance(reply.as_bytes(), &mut out);
        told.push_str(&String::from_utf8_lossy(&out).replace("\r\n", "|"));
        if !matches!(progress, Progress::Read) {
            return format!("{told} {progress:?} {}", back.action());
        }
    }
    told
}

const OK: &str = "250 ok\r\n";

#[test]
fn vouching() {
    let back = Back::vouching(introduction(said("c", true), "us er+=", true));
    assert_eq!(
        play(back, &["220 hi\r\n", OK, "220 again\r\n", OK]),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 LOGIN=us+20er+2B+3D NAME=[UNAVAILABLE]|EHLO c| \
         LoggedIn sending client HELO/EHLO to upstream"
    );
    let back = Back::vouching(introduction(said("c", false), "", true));
    assert_eq!(
        play(back, &["220 hi\r\n", OK, OK, OK]),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]|HELO c| \
         LoggedIn sending client HELO/EHLO to upstream"
    );
    let back = Back::vouching(introduction(Helo::default(), "u", true));
    assert!(play(back, &["220 hi\r\n", OK, OK]).contains("LoggedIn"));
    let back = Back::vouching(introduction(said("c", false), "u", false));
    assert_eq!(
        play(back, &["220 hi\r\n", OK]),
        "HELO gate| LoggedIn sending HELO/EHLO to upstream"
    );
    let back = Back::vouching(introduction(said("c", true), "u", false));
    assert!(play(back, &["220 hi\r\n", OK]).starts_with("EHLO gate| LoggedIn"));
}

#[test]
fn logging_in() {
    let pass = || Some(Secret::new(b"p".as_slice().into()));
    let back = |how, pass| {
        Back::logging_in(
            introduction(said("c", true), "", false),
            how,
            b"u".as_slice().into(),
            pass,
        )
    };
    let on = ProxySmtpAuth::On;
    assert_eq!(
        play(back(on, pass()), &["220 hi\r\n", OK, "235 in\r\n"]),
        "EHLO gate|AUTH PLAIN AHUAcA==| LoggedIn sending AUTH to upstream"
    );
    assert!(play(back(on, None), &["220 hi\r\n", OK]).contains("NoPassword"));
    let exchange = "250-x\r\n250 AUTH LOGIN NTLM\r\n";
    assert_eq!(
        play(
            back(on, pass()),
            &[
                "220 hi\r\n",
                exchange,
                "334 a\r\n",
                "334 b\r\n",
                "235 in\r\n"
            ]
        ),
        "EHLO gate|AUTH LOGIN|dQ==|cA==| LoggedIn sending AUTH to upstream"
    );
    assert!(
        play(
            back(ProxySmtpAuth::Plain, pass()),
            &["220 hi\r\n", exchange]
        )
        .contains("AUTH PLAIN")
    );
    assert!(play(back(on, pass()), &["220 hi\r\n", OK, "535 no\r\n"]).contains("Unexpected"));
}

#[test]
fn sending() {
    let back = || {
        let envelope = Envelope {
            mail: b"MAIL FROM:<a>".as_slice().into(),
            rcpt: Some(b"RCPT TO:<b>".as_slice().into()),
        };
        Back::sending(introduction(said("c", true), "", false), envelope)
    };
    assert_eq!(
        play(back(), &["220 hi\r\n", OK, OK, "550 no\r\n"]),
        "EHLO gate|MAIL FROM:<a>|RCPT TO:<b>| Answered sending RCPT TO to upstream"
    );
    assert!(play(back(), &["220 hi\r\n", OK, "451 no\r\n"]).contains("Unexpected"));
}

#[test]
fn unexpected() {
    for replies in [
        &["554 no\r\n"][..],
        &["garbage\r\n"],
        &["220 hi\r\n", "500 what\r\n"],
    ] {
        let back = Back::vouching(introduction(said("c", true), "u", true));
        assert!(play(back, replies).contains("Unexpected"), "{replies:?}");
    }
}
