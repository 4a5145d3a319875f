//! POP3.

use super::*;
use crate::proto::backend::authorized_login::Task;
use crate::proto::pop3::wire::{Authorized, Wire, login as login_steps};

const HI: &str = "+OK hi\r\n";
const OK: &str = "+OK\r\n";
const ALL: &str = "+OK\r\nUSER\r\nSASL PLAIN LOGIN CRAM-MD5\r\n.\r\n";

fn authorized(pass: Option<&str>) -> Dialogue<authorized_login::Outcome> {
    let steps = |pass| login_steps(b"u", &secret(pass), "sending password to upstream");
    let task = pass.map_or(Task::NoPassword, |pass| Task::Login(steps(pass)));
    authorized_dialogue(authorized_login::greeting(Box::new(Authorized)), task)
}

#[test]
fn an_authorized_client_is_logged_in() {
    for (replies, want) in [
        (
            &[HI, OK, OK][..],
            "USER u|PASS p| LoggedIn while sending password to upstream",
        ),
        (
            &[HI, OK, "-ERR no\r\n"],
            "USER u|PASS p| Unexpected while sending password to upstream",
        ),
        (
            &[HI, "+ \r\n"],
            "USER u| Unexpected while sending user name to upstream",
        ),
        (
            &["-ERR busy\r\n"],
            " Unexpected while reading response from upstream",
        ),
    ] {
        assert_eq!(play(authorized(Some("p")), replies).text_while(), want);
    }
    assert_eq!(play(authorized(None), &[HI]).text(), " NoPassword");
}

#[test]
fn a_refusal_is_all_that_has_arrived() {
    for (bytes, want) in [
        ("+OK hi\r\nmore", Some(8)),
        ("+OK hi", None),
        ("-ERR no\r\nmore", None),
        ("-ERR no\r\nmore\r\n", Some(15)),
        ("\r\n", None),
    ] {
        assert_eq!(authorized(None).whole(bytes.as_bytes()), want, "{bytes:?}");
    }
}

fn of(credentials: Credentials) -> Request {
    login(credentials, Origin::Pop3)
}

/// The first request to a backend that authenticates by itself.
fn first(request: Request, replies: &[&str]) -> Played<backend_login::Outcome> {
    let opening = backend_login::discovery(Box::new(Wire));
    play(backend_dialogue(opening, request), replies)
}

#[test]
fn logins_by_what_is_announced() {
    const PLAIN: &str = "CAPA|AUTH PLAIN AHUAcA==|";
    const USER: &str = "+OK\r\nUSER\r\n.\r\n";
    const LOGIN: &str = "+OK\r\nSASL LOGIN\r\n.\r\n";
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
            &[HI, USER, "-ERR [SYS/TEMP] x\r\n"],
            "CAPA|USER u| Refused(454)",
        ),
        (&[HI, USER, "+ \r\n"], "CAPA|USER u| Unexpected"),
        (
            &[HI, LOGIN, "+ VXNlcg==\r\n", "+\r\n", OK],
            "CAPA|AUTH LOGIN|dQ==|cA==| LoggedIn",
        ),
        (&[HI, LOGIN, OK], "CAPA|AUTH LOGIN| Unexpected"),
        (&[HI, "+OK\r\nSASL\r\nSTLS\r\n.\r\n"], "CAPA| NotOffered"),
        (&["-ERR busy\r\n"], " Unexpected"),
        (&["220 smtp\r\n"], " Unexpected"),
        (&[HI, "* what\r\n"], "CAPA| Unexpected"),
    ] {
        assert_eq!(first(of(plain()), replies).text(), want, "{replies:?}");
    }
    for (replies, action) in [
        (&["-ERR\r\n"][..], "reading response from upstream"),
        (&[HI, "+ \r\n"], "sending CAPA to upstream"),
        (&[HI, USER, "-ERR\r\n"], "sending user name to upstream"),
        (&[HI, USER, OK, "-ERR\r\n"], "sending AUTH to upstream"),
    ] {
        assert_eq!(first(of(plain()), replies).action, action);
    }
}

#[test]
fn tokens_and_certificates() {
    let token = |token: &str| of(bearer(Bearer::Xoauth2, token));
    const TOKENS: &str = "+OK\r\nUSER\r\nSASL PLAIN XOAUTH2\r\n.\r\n";
    assert_eq!(
        first(
            token("t"),
            &[HI, TOKENS, "+ e30=\r\n", "-ERR [AUTH] no\r\n"]
        )
        .text(),
        "CAPA|AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==|| Refused(535)"
    );
    // A long token does not fit into a command.
    let told = first(token(&"t".repeat(2000)), &[HI, TOKENS, "+ \r\n", OK]).text();
    assert!(told.starts_with("CAPA|AUTH XOAUTH2|dXNlcj11"), "{told}");
    assert!(told.ends_with("| LoggedIn"), "{told}");
    // A token is no password.
    assert_eq!(first(token("t"), &[HI, ALL]).text(), "CAPA| NotOffered");

    const CERTIFICATES: &str = "+OK\r\nSASL EXTERNAL\r\n.\r\n";
    for (user, message) in [("u", "dQ=="), ("", "=")] {
        assert_eq!(
            first(of(external(user)), &[HI, CERTIFICATES, OK]).text(),
            format!("CAPA|AUTH EXTERNAL {message}| LoggedIn")
        );
    }
    assert_eq!(
        first(of(external("u")), &[HI, ALL]).text(),
        "CAPA| NotOffered"
    );
}

#[test]
fn another_try_in_the_same_conversation() {
    let refused = first(of(plain()), &[HI, ALL, "-ERR [AUTH] no\r\n"]);
    assert_eq!(refused.text(), "CAPA|AUTH PLAIN AHUAcA==| Refused(535)");
    let idle = refused.idle();
    assert!(idle.suits(&Origin::Pop3));
    assert_eq!(
        again(idle, of(plain()), &[OK]).text(),
        "AUTH PLAIN AHUAcA==| LoggedIn"
    );
}

#[test]
fn challenges_are_relayed() {
    let challenge = || Request::Challenge(Origin::Pop3);
    let replies = [HI, ALL, "+ PDEuMkBteD4=\r\n"];
    let challenged = first(challenge(), &replies);
    assert_eq!(challenged.text(), "CAPA|AUTH CRAM-MD5| <1.2@mx>");
    assert_eq!(
        again(challenged.idle(), of(cram_md5()), &[OK]).text(),
        "dSAwMTIz| LoggedIn"
    );
    // A challenge that the client gave up.
    let idle = first(challenge(), &replies).idle();
    assert_eq!(
        again(idle, of(plain()), &["-ERR given up\r\n", OK]).text(),
        "*|AUTH PLAIN AHUAcA==| LoggedIn"
    );
    let none = "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n";
    assert_eq!(first(challenge(), &[HI, none]).text(), "CAPA| NotOffered");
    for reply in ["+ !\r\n", "+OK\r\n"] {
        assert_eq!(
            first(challenge(), &[HI, ALL, reply]).text(),
            "CAPA|AUTH CRAM-MD5| Unexpected"
        );
    }
}

#[test]
fn the_list_is_whole_at_its_dot() {
    let opening = backend_login::discovery(Box::new(Wire));
    let dialogue = backend_dialogue(opening, of(plain()));
    let Progress::Read(asked) = dialogue.advance(HI.as_bytes(), &mut Vec::new()) else {
        panic!("capabilities are not asked for");
    };
    assert_eq!(asked.whole(b"+OK\r\nUSER\r\n"), None);
    assert_eq!(asked.whole(b"+OK\r\nUSER\r\n.\r\nmore"), Some(14));
    assert_eq!(asked.whole(b"-ERR\r\n"), Some(6));
}

#[test]
fn stls_only_where_it_is_announced() {
    let play = |replies: &[&str]| play(start_tls::dialogue(Box::new(Wire)), replies).text_while();
    let list = "+OK\r\nTOP\r\nstls\r\n.\r\n";
    for (reply, end) in [
        ("+OK go\r\n", "Agreed \"+OK\\r\\n\""),
        ("-ERR no\r\n", "Unexpected"),
    ] {
        assert_eq!(
            play(&[HI, list, reply]),
            format!("CAPA|STLS| {end} while sending STLS to upstream")
        );
    }
    for (list, end) in [
        ("+OK\r\nUSER\r\nSASL STLS\r\n.\r\n", "NotOffered"),
        ("-ERR what\r\n", "NotOffered"),
        ("* what\r\n", "Unexpected"),
    ] {
        assert_eq!(
            play(&[HI, list]),
            format!("CAPA| {end} while sending CAPA to upstream")
        );
    }
    assert_eq!(
        play(&["-ERR no\r\n"]),
        " Unexpected while reading response from upstream"
    );
}

#[test]
fn the_gateways_own_capabilities_are_left_out() {
    let list = "+OK\r\nTOP\r\nuser\r\nSASL PLAIN\r\nSTLS\r\nEXPIRE 60\r\n.\r\n";
    for (replies, want) in [
        (&[HI, list][..], "CAPA| USER,TOP,EXPIRE 60 QUIT"),
        (&[HI, "+OK\r\n.\r\n"], "CAPA| USER QUIT"),
        (&[HI, "-ERR what\r\n"], "CAPA| USER QUIT"),
        (&[HI, "* what\r\n"], "CAPA| Unexpected"),
        (&["-ERR busy\r\n"], " Unexpected"),
    ] {
        let probe = capability_probe::dialogue(Box::new(Wire));
        assert_eq!(play(probe, replies).text(), want);
    }
}
