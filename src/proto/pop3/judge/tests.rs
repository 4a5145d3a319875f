//! Conversations with a backend that decides for itself.

use super::*;
use crate::proto::Judge as _;

fn plea(credentials: Credentials) -> Plea {
    Plea::Login(Login {
        credentials,
        origin: Origin::Pop3,
    })
}

fn plain() -> Plea {
    let (user, pass) = (b"u".as_slice().into(), Secret::new(b"p".as_slice().into()));
    plea(Credentials::Plain { user, pass })
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
            (Hearing::Refused(no), _) => return format!("{told} Refused({})", no.code),
            (progress, _) => return format!("{told} {progress:?}"),
        }
    }
}

const HI: &str = "+OK hi\r\n";
const OK: &str = "+OK\r\n";
const ALL: &str = "+OK\r\nUSER\r\nSASL PLAIN LOGIN CRAM-MD5\r\n.\r\n";

#[test]
fn by_what_is_announced() {
    const PLAIN: &str = "CAPA|AUTH PLAIN AHUAcA==|";
    for (replies, want) in [
        (&[HI, ALL, OK][..], &*format!("{PLAIN} LoggedIn")),
        (
            &[HI, ALL, "-ERR [AUTH] no\r\n"],
            &format!("{PLAIN} Refused(535)"),
        ),
        (
            &[HI, ALL, "+ \r\n", "-ERR\r\n"],
            &format!("{PLAIN}*| Refused(500)"),
        ),
        (
            &[HI, ALL, "+ \r\n", "+ \r\n"],
            &format!("{PLAIN}*| Unexpected"),
        ),
        (
            &[HI, "-ERR what\r\n", OK, OK],
            "CAPA|USER u|PASS p| LoggedIn",
        ),
        (
            &[HI, "+OK\r\nUSER\r\nSASL LOGIN\r\n.\r\n", OK, "-ERR\r\n"],
            "CAPA|USER u|PASS p| Refused(500)",
        ),
        (
            &[HI, "+OK\r\nUSER\r\n.\r\n", "-ERR [SYS/TEMP] x\r\n"],
            "CAPA|USER u| Refused(454)",
        ),
        (
            &[HI, "+OK\r\nUSER\r\n.\r\n", "+ \r\n"],
            "CAPA|USER u| Unexpected",
        ),
        (
            &[
                HI,
                "+OK\r\nSASL LOGIN\r\n.\r\n",
                "+ VXNlcg==\r\n",
                "+\r\n",
                OK,
            ],
            "CAPA|AUTH LOGIN|dQ==|cA==| LoggedIn",
        ),
        (
            &[HI, "+OK\r\nSASL LOGIN\r\n.\r\n", OK],
            "CAPA|AUTH LOGIN| Unexpected",
        ),
        (&[HI, "+OK\r\nSASL\r\nSTLS\r\n.\r\n"], "CAPA| NotOffered"),
        (&["-ERR busy\r\n"], " Unexpected"),
        (&["220 smtp\r\n"], " Unexpected"),
        (&[HI, "* what\r\n"], "CAPA| Unexpected"),
    ] {
        assert_eq!(
            play(&mut Judge::default(), plain(), replies),
            want,
            "{replies:?}"
        );
    }
}

#[test]
fn tokens_and_certificates() {
    let bearer = |token: &str| {
        plea(Credentials::Bearer {
            user: b"u".as_slice().into(),
            token: Secret::new(token.as_bytes().into()),
            mechanism: sasl::Bearer::Xoauth2,
        })
    };
    const TOKENS: &str = "+OK\r\nUSER\r\nSASL PLAIN XOAUTH2\r\n.\r\n";
    let refused = play(
        &mut Judge::default(),
        bearer("t"),
        &[HI, TOKENS, "+ e30=\r\n", "-ERR [AUTH] no\r\n"],
    );
    assert_eq!(
        refused,
        "CAPA|AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==|| Refused(535)"
    );
    // A long token does not fit into a command.
    let told = play(
        &mut Judge::default(),
        bearer(&"t".repeat(2000)),
        &[HI, TOKENS, "+ \r\n", OK],
    );
    assert!(
        told.starts_with("CAPA|AUTH XOAUTH2|dXNlcj11") && told.ends_with("| LoggedIn"),
        "{told}"
    );
    // A token is no password.
    assert_eq!(
        play(&mut Judge::default(), bearer("t"), &[HI, ALL]),
        "CAPA| NotOffered"
    );

    let external = |user: &[u8]| plea(Credentials::External { user: user.into() });
    const CERTIFICATES: &str = "+OK\r\nSASL EXTERNAL\r\n.\r\n";
    assert_eq!(
        play(
            &mut Judge::default(),
            external(b"u"),
            &[HI, CERTIFICATES, OK]
        ),
        "CAPA|AUTH EXTERNAL dQ==| LoggedIn"
    );
    assert_eq!(
        play(
            &mut Judge::default(),
            external(b""),
            &[HI, CERTIFICATES, OK]
        ),
        "CAPA|AUTH EXTERNAL =| LoggedIn"
    );
    assert_eq!(
        play(&mut Judge::default(), external(b"u"), &[HI, ALL]),
        "CAPA| NotOffered"
    );
}

#[test]
fn a_conversation_outlives_a_refusal() {
    let mut judge = Judge::default();
    assert!(judge.suits(&Origin::Pop3));
    let no = play(&mut judge, plain(), &[HI, ALL, "-ERR [AUTH] no\r\n"]);
    assert_eq!(no, "CAPA|AUTH PLAIN AHUAcA==| Refused(535)");
    assert_eq!(
        play(&mut judge, plain(), &[OK]),
        "AUTH PLAIN AHUAcA==| LoggedIn"
    );
}

#[test]
fn a_challenge_is_relayed_or_given_up() {
    let challenge = || Plea::Challenge(Origin::Pop3);
    let mut judge = Judge::default();
    let asked = play(&mut judge, challenge(), &[HI, ALL, "+ PDEuMkBiPg==\r\n"]);
    assert_eq!(asked, "CAPA|AUTH CRAM-MD5| <1.2@b>");
    let answer = plea(Credentials::CramMd5 {
        user: b"u".as_slice().into(),
        salt: Bytes::default(),
        digest: Secret::new(b"0".as_slice().into()),
    });
    assert_eq!(play(&mut judge, answer, &[OK]), "dSAw| LoggedIn");

    let mut judge = Judge::default();
    play(&mut judge, challenge(), &[HI, ALL, "+ PDEuMkBiPg==\r\n"]);
    let other = play(&mut judge, plain(), &["-ERR given up\r\n", OK]);
    assert_eq!(other, "*|AUTH PLAIN AHUAcA==| LoggedIn");

    let mut judge = Judge::default();
    let none = play(
        &mut judge,
        challenge(),
        &[HI, "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n"],
    );
    assert_eq!(none, "CAPA| NotOffered");
    let mut judge = Judge::default();
    assert_eq!(
        play(&mut judge, challenge(), &[HI, ALL, "+ !\r\n"]),
        "CAPA|AUTH CRAM-MD5| Unexpected"
    );
}

#[test]
fn the_list_is_whole_at_its_dot() {
    let mut judge = Judge::default();
    judge.plead(plain(), &mut Vec::new());
    judge.advance(HI.as_bytes(), &mut Vec::new());
    assert_eq!(judge.whole(b"+OK\r\nUSER\r\n"), None);
    assert_eq!(judge.whole(b"+OK\r\nUSER\r\n.\r\nmore"), Some(14));
    assert_eq!(judge.whole(b"-ERR\r\n"), Some(6));
}
