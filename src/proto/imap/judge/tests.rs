//! Conversations with a backend that decides for itself.

use super::*;
use crate::proto::Judge as _;

fn origin() -> Origin {
    Origin::Imap {
        tag: b"t".as_slice().into(),
    }
}

fn login(credentials: Credentials) -> Plea {
    Plea::Login(Login {
        credentials,
        origin: origin(),
    })
}

fn plain() -> Plea {
    let (user, pass) = (b"u".as_slice().into(), Secret::new(b"p".as_slice().into()));
    login(Credentials::Plain { user, pass })
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
            (Hearing::Read, Some(reply)) => {
                assert_eq!(
                    judge.whole(reply.as_bytes()),
                    Some(reply.len()),
                    "{reply:?}"
                );
                progress = judge.advance(reply.as_bytes(), &mut out);
            }
            (Hearing::Challenge(salt), _) => {
                return format!("{told} {}", String::from_utf8_lossy(&salt));
            }
            (Hearing::Refused(no), _) => {
                let end = if no.closing { " closing" } else { "" };
                return format!("{told} Refused({}){end}", no.code);
            }
            (progress, _) => return format!("{told} {progress:?}"),
        }
    }
}

/// The same in a conversation of its own.
fn first(plea: Plea, replies: &[&str]) -> String {
    play(&mut Judge::new(), plea, replies)
}

const IR: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=CRAM-MD5] hi\r\n";

#[test]
fn logins_by_what_is_announced() {
    assert_eq!(
        first(plain(), &[IR, "* CAPABILITY X\r\nt OK in\r\n"]),
        "t AUTHENTICATE PLAIN AHUAcA==| LoggedIn"
    );
    assert_eq!(
        first(
            plain(),
            &[
                "* OK hi\r\n",
                "* CAPABILITY AUTH=PLAIN\r\ngw OK\r\n",
                "+ \r\n",
                "t OK in\r\n"
            ]
        ),
        "gw CAPABILITY|t AUTHENTICATE PLAIN|AHUAcA==| LoggedIn"
    );
    for offers in ["* CAPABILITY IMAP4\r\ngw OK\r\n", "gw BAD what\r\n"] {
        assert_eq!(
            first(
                plain(),
                &["* OK hi\r\n", offers, "+ go\r\n", "+ go\r\n", "t OK in\r\n"]
            ),
            "gw CAPABILITY|t LOGIN {1}|u {1}|p| LoggedIn"
        );
    }
    assert_eq!(
        first(plain(), &["* OK [CAPABILITY IMAP4 LOGINDISABLED] hi\r\n"]),
        " NotOffered"
    );
}

#[test]
fn refusals() {
    let after = |reply: &str| {
        let told = first(plain(), &[IR, reply]);
        told.split_once("| ").map(|(_, end)| end.to_owned())
    };
    for (reply, want) in [
        ("t NO [AUTHENTICATIONFAILED] x\r\n", "Refused(535)"),
        ("t no [UNAVAILABLE] x\r\n", "Refused(454)"),
        ("* X {3}\r\nt N\r\nt NO x\r\n", "Refused(500)"),
        ("t BAD x\r\n", "Refused(500)"),
        ("* BYE x\r\n", "Refused(454) closing"),
        ("x OK\r\n", "Unexpected"),
    ] {
        assert_eq!(after(reply).as_deref(), Some(want), "{reply:?}");
    }
    for greeting in ["* BYE x\r\n", "* PREAUTH x\r\n", "220 x\r\n"] {
        assert_eq!(first(plain(), &[greeting]), " Unexpected");
    }
    // LOGIN may be refused at each of its steps.
    let told = first(
        plain(),
        &["* OK [CAPABILITY X] hi\r\n", "+ go\r\n", "t NO x\r\n"],
    );
    assert_eq!(told, "t LOGIN {1}|u {1}| Refused(500)");
}

#[test]
fn another_try_in_the_same_conversation() {
    let mut judge = Judge::new();
    assert!(play(&mut judge, plain(), &[IR, "t NO no\r\n"]).ends_with("Refused(500)"));
    assert!(judge.suits(&origin()));
    assert_eq!(
        play(&mut judge, plain(), &["t OK in\r\n"]),
        "t AUTHENTICATE PLAIN AHUAcA==| LoggedIn"
    );
}

#[test]
fn challenges_are_relayed() {
    let mut judge = Judge::new();
    let challenge = [IR, "+ PDEuMkBteD4=\r\n"];
    assert_eq!(
        play(&mut judge, Plea::Challenge(origin()), &challenge),
        "t AUTHENTICATE CRAM-MD5| <1.2@mx>"
    );
    let (user, salt) = (b"u".as_slice().into(), b"<1.2@mx>".as_slice().into());
    let digest = Secret::new(b"0123".as_slice().into());
    let answer = login(Credentials::CramMd5 { user, salt, digest });
    assert_eq!(
        play(&mut judge, answer, &["t OK in\r\n"]),
        "dSAwMTIz| LoggedIn"
    );
    // A challenge that is given up.
    let mut judge = Judge::new();
    play(&mut judge, Plea::Challenge(origin()), &challenge);
    assert_eq!(
        play(&mut judge, plain(), &["t BAD cancelled\r\n", "t OK in\r\n"]),
        "*|t AUTHENTICATE PLAIN AHUAcA==| LoggedIn"
    );
    let none = "* OK [CAPABILITY X] hi\r\n";
    assert_eq!(first(Plea::Challenge(origin()), &[none]), " NotOffered");
}

#[test]
fn tokens_and_certificates() {
    let bearer = |mechanism| {
        login(Credentials::Bearer {
            user: b"u".as_slice().into(),
            token: Secret::new(b"t".as_slice().into()),
            mechanism,
        })
    };
    let offers = "* OK [CAPABILITY SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=EXTERNAL] hi\r\n";
    for (mechanism, name, acknowledgement) in [
        (
            sasl::Bearer::Xoauth2,
            "XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==",
            "",
        ),
        (
            sasl::Bearer::OauthBearer,
            "OAUTHBEARER bixhPXUsAWF1dGg9QmVhcmVyIHQBAQ==",
            "AQ==",
        ),
    ] {
        assert_eq!(
            first(bearer(mechanism), &[offers, "+ e30=\r\n", "t NO x\r\n"]),
            format!("t AUTHENTICATE {name}|{acknowledgement}| Refused(500)")
        );
        assert_eq!(first(bearer(mechanism), &[IR]), " NotOffered");
    }
    let external = |user: &[u8]| login(Credentials::External { user: user.into() });
    assert_eq!(
        first(external(b""), &[offers, "t OK in\r\n"]),
        "t AUTHENTICATE EXTERNAL =| LoggedIn"
    );
    let slow = "* OK [CAPABILITY AUTH=EXTERNAL] hi\r\n";
    assert_eq!(
        first(external(b""), &[slow, "+ \r\n", "t OK in\r\n"]),
        "t AUTHENTICATE EXTERNAL|| LoggedIn"
    );
}
