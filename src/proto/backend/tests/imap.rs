//! IMAP.

use super::*;
use crate::proto::backend::authorized_login::Task;
use crate::proto::imap::wire::{Authorized, Wire, login as login_steps};

#[test]
fn an_authorized_client_is_logged_in() {
    let play = |replies: &[&str]| {
        let tag = bytes("t1");
        let steps = login_steps(
            &tag,
            b"joe",
            &secret("s {9}"),
            "sending password to upstream",
        );
        let opening = authorized_login::greeting(Box::new(Authorized { tag }));
        let task = Task::Login(steps);
        let played = play(authorized_dialogue(opening, task), replies);
        match &played.end {
            End::Unexpected(shown) => format!("{} {}: {shown:?}", played.sent, played.action),
            _ => played.text(),
        }
    };
    let begin = ["* OK hi\r\n", "+ go\r\n", "+\r\r\n"];
    let through = |last: &str| play(&[&begin[..], &[last]].concat());
    let told = "t1 LOGIN {3}|joe {5}|s {9}|";
    assert_eq!(through("t1 OK in\r\n"), format!("{told} LoggedIn"));
    assert_eq!(
        through("* X\r\n* Y {7}\r\nt1 OK\r\n\r\nt1 OK in\r\n"),
        format!("{told} LoggedIn")
    );
    let action = "sending password to upstream";
    for (last, shown) in [
        ("* X\r\nt1 NO [X] y\r\n", "NO [X] y\r\n"),
        ("* BYE\r\n", "* BYE\r\n"),
        ("t2 OK\r\n", "t2 OK\r\n"),
        // As in nginx, case matters.
        ("t1 ok in\r\n", "ok in\r\n"),
    ] {
        assert_eq!(through(last), format!("{told} {action}: {shown:?}"));
    }
    assert_eq!(
        play(&["* OK hi\r\n", "t1 BAD x\r\n"]),
        "t1 LOGIN {3}| sending LOGIN command to upstream: \"t1 BAD x\\r\\n\""
    );
    assert_eq!(
        play(&["* OK hi\r\n", "+ go\r\n", "* X\r\n"]),
        "t1 LOGIN {3}|joe {5}| sending user name to upstream: \"* X\\r\\n\""
    );
    assert_eq!(
        play(&["* PREAUTH hi\r\n"]),
        " reading response from upstream: \"* PREAUTH hi\\r\\n\""
    );
}

fn origin() -> Origin {
    Origin::Imap { tag: bytes("t") }
}

fn of(credentials: Credentials) -> Request {
    login(credentials, origin())
}

/// The first request to a backend that authenticates by itself.
fn first(request: Request, replies: &[&str]) -> Played<backend_login::Outcome> {
    let opening = backend_login::discovery(Box::new(Wire::default()));
    play(backend_dialogue(opening, request), replies)
}

const IR: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=CRAM-MD5] hi\r\n";

#[test]
fn logins_by_what_is_announced() {
    assert_eq!(
        first(of(plain()), &[IR, "* CAPABILITY X\r\nt OK in\r\n"]).text_while(),
        "t AUTHENTICATE PLAIN AHUAcA==| LoggedIn while sending AUTH to upstream"
    );
    let offers = "* CAPABILITY AUTH=PLAIN\r\ngw OK\r\n";
    assert_eq!(
        first(
            of(plain()),
            &["* OK hi\r\n", offers, "+ \r\n", "t ok in\r\n"]
        )
        .text(),
        "gw CAPABILITY|t AUTHENTICATE PLAIN|AHUAcA==| LoggedIn"
    );
    for offers in ["* CAPABILITY IMAP4\r\ngw OK\r\n", "gw BAD what\r\n"] {
        let replies = ["* OK hi\r\n", offers, "+ go\r\n", "+ go\r\n", "t OK in\r\n"];
        assert_eq!(
            first(of(plain()), &replies).text_while(),
            "gw CAPABILITY|t LOGIN {1}|u {1}|p| LoggedIn while sending AUTH to upstream"
        );
    }
    // The command LOGIN replaces AUTHENTICATE LOGIN.
    for none in ["LOGINDISABLED", "LOGINDISABLED AUTH=LOGIN"] {
        let greeting = format!("* OK [CAPABILITY IMAP4 {none}] hi\r\n");
        assert_eq!(first(of(plain()), &[&greeting]).text(), " NotOffered");
    }
    assert_eq!(
        first(of(plain()), &["* OK hi\r\n", "t OK\r\n"]).text_while(),
        "gw CAPABILITY| Unexpected while reading response from upstream"
    );
}

#[test]
fn refusals() {
    for (reply, end) in [
        ("t NO [AUTHENTICATIONFAILED] x\r\n", "Refused(535)"),
        ("t no [UNAVAILABLE] x\r\n", "Refused(454)"),
        ("* X {3}\r\nt N\r\nt NO x\r\n", "Refused(500)"),
        ("t BAD x\r\n", "Refused(500)"),
        ("* BYE x\r\n", "Refused(454) closing"),
        ("x OK\r\n", "Unexpected"),
    ] {
        assert_eq!(
            first(of(plain()), &[IR, reply]).text(),
            format!("t AUTHENTICATE PLAIN AHUAcA==| {end}")
        );
    }
    for greeting in ["* BYE x\r\n", "* PREAUTH x\r\n", "220 x\r\n"] {
        assert_eq!(first(of(plain()), &[greeting]).text(), " Unexpected");
    }
    // LOGIN may be refused at each of its steps; it may not be accepted before the password.
    for (reply, end) in [("t NO x\r\n", "Refused(500)"), ("t OK x\r\n", "Unexpected")] {
        let replies = ["* OK [CAPABILITY X] hi\r\n", "+ go\r\n", reply];
        assert_eq!(
            first(of(plain()), &replies).text_while(),
            format!("t LOGIN {{1}}|u {{1}}| {end} while sending user name to upstream")
        );
    }
}

#[test]
fn another_try_in_the_same_conversation() {
    let refused = first(of(plain()), &[IR, "t NO no\r\n"]);
    assert!(refused.text().ends_with("Refused(500)"));
    let idle = refused.idle();
    assert!(idle.suits(&origin()));
    let other = login(plain(), Origin::Imap { tag: bytes("t2") });
    assert_eq!(
        again(idle, other, &["t2 OK in\r\n"]).text(),
        "t2 AUTHENTICATE PLAIN AHUAcA==| LoggedIn"
    );
}

#[test]
fn challenges_are_relayed() {
    let challenge = || Request::Challenge(origin());
    let replies = [IR, "+ PDEuMkBteD4=\r\n"];
    let challenged = first(challenge(), &replies);
    assert_eq!(challenged.text(), "t AUTHENTICATE CRAM-MD5| <1.2@mx>");
    assert_eq!(
        again(challenged.idle(), of(cram_md5()), &["t OK in\r\n"]).text(),
        "dSAwMTIz| LoggedIn"
    );
    // A challenge that the client gave up.
    let idle = first(challenge(), &replies).idle();
    assert_eq!(
        again(idle, of(plain()), &["t BAD cancelled\r\n", "t OK in\r\n"]).text(),
        "*|t AUTHENTICATE PLAIN AHUAcA==| LoggedIn"
    );
    let none = "* OK [CAPABILITY X] hi\r\n";
    assert_eq!(first(challenge(), &[none]).text(), " NotOffered");
}

#[test]
fn tokens_and_certificates() {
    let offers = "* OK [CAPABILITY SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=EXTERNAL] hi\r\n";
    for (mechanism, name, acknowledgement) in [
        (
            Bearer::Xoauth2,
            "XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==",
            "",
        ),
        (
            Bearer::OauthBearer,
            "OAUTHBEARER bixhPXUsAWF1dGg9QmVhcmVyIHQBAQ==",
            "AQ==",
        ),
    ] {
        let token = || of(bearer(mechanism, "t"));
        assert_eq!(
            first(token(), &[offers, "+ e30=\r\n", "t NO x\r\n"]).text(),
            format!("t AUTHENTICATE {name}|{acknowledgement}| Refused(500)")
        );
        assert_eq!(first(token(), &[IR]).text(), " NotOffered");
    }
    assert_eq!(
        first(of(external("")), &[offers, "t OK in\r\n"]).text(),
        "t AUTHENTICATE EXTERNAL =| LoggedIn"
    );
    let slow = "* OK [CAPABILITY AUTH=EXTERNAL] hi\r\n";
    assert_eq!(
        first(of(external("")), &[slow, "+ \r\n", "t OK in\r\n"]).text(),
        "t AUTHENTICATE EXTERNAL|| LoggedIn"
    );
}

#[test]
fn starttls_only_where_it_is_announced() {
    let play = |replies: &[&str]| {
        play(start_tls::dialogue(Box::new(Wire::default())), replies).text_while()
    };
    let told = "* OK [CAPABILITY IMAP4rev1 StartTLS] hi\r\n";
    let agreed = "Agreed \"* OK\\r\\n\" while sending STARTTLS to upstream";
    assert_eq!(
        play(&[told, "* X\r\ngw OK [CAPABILITY Y] go\r\n"]),
        format!("gw STARTTLS| {agreed}")
    );
    let list = "* CAPABILITY IMAP4rev1 STARTTLS\r\ngw OK\r\n";
    for greeting in ["* OK hi\r\n", "* OK [CAPABILITY IMAP4rev1] hi\r\n"] {
        assert_eq!(
            play(&[greeting, list, "gw OK go\r\n"]),
            format!("gw CAPABILITY|gw STARTTLS| {agreed}")
        );
    }
    for refusal in ["gw NO x\r\n", "gw BAD x\r\n", "* BYE\r\n", "x OK\r\n"] {
        assert_eq!(
            play(&[told, refusal]),
            "gw STARTTLS| Unexpected while sending STARTTLS to upstream"
        );
    }
    assert_eq!(
        play(&["* OK hi\r\n", "* CAPABILITY AUTH=STARTTLS\r\ngw OK\r\n"]),
        "gw CAPABILITY| NotOffered while sending CAPABILITY to upstream"
    );
    for greeting in ["* PREAUTH hi\r\n", "* BYE\r\n"] {
        assert_eq!(
            play(&[greeting]),
            " Unexpected while reading response from upstream"
        );
    }
}

#[test]
fn the_gateways_own_capabilities_are_left_out() {
    let play = |replies: &[&str]| {
        play(
            capability_probe::dialogue(Box::new(Wire::default())),
            replies,
        )
        .text()
    };
    let greeting = "* OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN] hi\r\n";
    let answer = "* CAPABILITY IMAP4 STARTTLS ID\r\ngw OK done\r\n";
    for (replies, want) in [
        (&[greeting][..], " IMAP4rev1,IDLE gw LOGOUT"),
        (
            &["* OK hi\r\n", answer],
            "gw CAPABILITY| IMAP4,ID gw LOGOUT",
        ),
        (&["* BYE\r\n"], " Unexpected"),
        (
            &["* OK hi\r\n", "gw BAD what\r\n"],
            "gw CAPABILITY| Unexpected",
        ),
        (&["* OK hi\r\n", "x OK\r\n"], "gw CAPABILITY| Unexpected"),
    ] {
        assert_eq!(play(replies), want);
    }
}
