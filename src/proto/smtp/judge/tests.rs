//! Conversations with a backend that decides for itself.

use super::*;
use crate::proto::smtp::opening::Xclient;
use crate::proto::{Envelope, Judge as _};

fn judge(xclient: Xclient) -> Judge {
    Judge::new(Introduction {
        own_name: b"gate".as_slice().into(),
        address: "192.0.2.1".into(),
        host: "[UNAVAILABLE]".into(),
        helo: Helo {
            name: Some(b"c".as_slice().into()),
            extended: false,
        },
        login: None,
        xclient,
        learns: true,
    })
}

fn plain() -> Plea {
    let (user, pass) = (b"u".as_slice().into(), Secret::new(b"p".as_slice().into()));
    login(Credentials::Plain { user, pass }, None)
}

fn origin(envelope: Option<Envelope>) -> Origin {
    let helo = Helo::default();
    Origin::Smtp { helo, envelope }
}

fn login(credentials: Credentials, envelope: Option<Envelope>) -> Plea {
    Plea::Login(Login {
        credentials,
        origin: origin(envelope),
    })
}

/// Pleads, plays the backend, shows what it was told and how it ended.
fn play(judge: &mut Judge, plea: Plea, replies: &[&str]) -> String {
    let mut out = Vec::new();
    let mut progress = judge.plead(plea, &mut out);
    let mut told = String::new();
    let mut replies = replies.iter();
    loop {
        told.push_str(&String::from_utf8_lossy(&out).replace("\r\n", "|"));
        out.clear();
        match (progress, replies.next()) {
            (Hearing::Read, Some(reply)) => progress = judge.advance(reply.as_bytes(), &mut out),
            (Hearing::Challenge(salt), _) => {
                return format!("{told} {}", String::from_utf8_lossy(&salt));
            }
            (Hearing::Refused(no), _) => return format!("{told} Refused({})", no.code),
            (progress, _) => return format!("{told} {progress:?}"),
        }
    }
}

const HI: &str = "220 hi\r\n";
const OFFERS: &str = "250-x\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 XCLIENT NAME ADDR\r\n";

#[test]
fn logins_by_what_is_announced() {
    assert_eq!(
        play(
            &mut judge(Xclient::Announced),
            plain(),
            &[HI, OFFERS, HI, OFFERS, "235 in\r\n"]
        ),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]|EHLO c|AUTH PLAIN AHUAcA==| LoggedIn"
    );
    assert_eq!(
        play(&mut judge(Xclient::Off), plain(), &[HI, "250 AUTH\r\n"]),
        "EHLO gate| NotOffered"
    );
    assert_eq!(
        play(
            &mut judge(Xclient::Announced),
            plain(),
            &[
                HI,
                "250-x\r\n250 AUTH=LOGIN\r\n",
                "334 a\r\n",
                "334 b\r\n",
                "535 no\r\n"
            ]
        ),
        "EHLO gate|AUTH LOGIN|dQ==|cA==| Refused(535)"
    );
}

#[test]
fn another_try_in_the_same_conversation() {
    let mut judge = judge(Xclient::Off);
    assert!(play(&mut judge, plain(), &[HI, OFFERS, "535 no\r\n"]).ends_with("Refused(535)"));
    assert_eq!(
        play(&mut judge, plain(), &["235 in\r\n"]),
        "AUTH PLAIN AHUAcA==| LoggedIn"
    );
}

#[test]
fn challenges_are_relayed() {
    let mut judge = judge(Xclient::Off);
    assert_eq!(
        play(
            &mut judge,
            Plea::Challenge(origin(None)),
            &[HI, OFFERS, "334 PDEuMkBteD4=\r\n"]
        ),
        "EHLO gate|AUTH CRAM-MD5| <1.2@mx>"
    );
    let (user, salt) = (b"u".as_slice().into(), b"<1.2@mx>".as_slice().into());
    let digest = Secret::new(b"0123".as_slice().into());
    let login = login(Credentials::CramMd5 { user, salt, digest }, None);
    assert_eq!(
        play(&mut judge, login, &["235 in\r\n"]),
        "dSAwMTIz| LoggedIn"
    );
}

#[test]
fn a_challenge_that_was_given_up() {
    let mut judge = judge(Xclient::Off);
    play(
        &mut judge,
        Plea::Challenge(origin(None)),
        &[HI, OFFERS, "334 PDEuMkBteD4=\r\n"],
    );
    assert_eq!(
        play(&mut judge, plain(), &["501 cancelled\r\n", "235 in\r\n"]),
        "*|AUTH PLAIN AHUAcA==| LoggedIn"
    );
}

#[test]
fn mail_and_old_backends() {
    let envelope = Envelope {
        mail: b"MAIL FROM:<a>".as_slice().into(),
        rcpt: None,
    };
    assert_eq!(
        play(
            &mut judge(Xclient::Announced),
            login(Credentials::None, Some(envelope)),
            &[HI, "500 what\r\n", "250 x\r\n", "550 no\r\n"]
        ),
        "EHLO gate|HELO gate|MAIL FROM:<a>| Answered"
    );
    assert_eq!(
        play(&mut judge(Xclient::Off), plain(), &["554 no\r\n"]),
        " Unexpected"
    );
}

#[test]
fn tokens_and_certificates() {
    let bearer = |token: &str| {
        let credentials = Credentials::Bearer {
            user: b"u".as_slice().into(),
            token: Secret::new(token.as_bytes().into()),
            mechanism: sasl::Bearer::Xoauth2,
        };
        login(credentials, None)
    };
    const TOKENS: &str = "250-x\r\n250 AUTH XOAUTH2\r\n";
    assert_eq!(
        play(
            &mut judge(Xclient::Off),
            bearer("t"),
            &[HI, TOKENS, "334 e30=\r\n", "535 no\r\n"]
        ),
        "EHLO gate|AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==|| Refused(535)"
    );
    // A long token does not fit into a command.
    let told = play(
        &mut judge(Xclient::Off),
        bearer(&"t".repeat(2000)),
        &[HI, TOKENS, "334 \r\n", "235 in\r\n"],
    );
    assert!(
        told.starts_with("EHLO gate|AUTH XOAUTH2|dXNlcj11"),
        "{told}"
    );
    assert!(told.ends_with("| LoggedIn"));

    let external = || {
        let user = b"u=".as_slice().into();
        login(Credentials::External { user }, None)
    };
    assert_eq!(
        play(
            &mut judge(Xclient::Off),
            external(),
            &[HI, "250-x\r\n250 AUTH EXTERNAL PLAIN\r\n", "235 in\r\n"]
        ),
        "EHLO gate|AUTH EXTERNAL dT0=| LoggedIn"
    );
    assert_eq!(
        play(
            &mut judge(Xclient::Off),
            external(),
            &[HI, "250-x\r\n250 XCLIENT LOGIN\r\n", HI, OFFERS]
        ),
        "EHLO gate|XCLIENT LOGIN=u+3D|EHLO c| LoggedIn"
    );
    assert_eq!(
        play(&mut judge(Xclient::Off), external(), &[HI, OFFERS]),
        "EHLO gate| NotOffered"
    );
}
