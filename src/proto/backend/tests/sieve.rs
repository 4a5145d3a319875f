//! ManageSieve.

use super::*;
use crate::proto::backend::authorized_login::Opening;
use crate::proto::backend::reply::Replies;
use crate::proto::client::then;
use crate::proto::sieve::wire::{Wire, authorized as task};

const HI: &str = "\"IMPLEMENTATION\" \"x\"\r\n\"SASL\" \"PLAIN LOGIN CRAM-MD5\"\r\nOK \"hi\"\r\n";
const OK: &str = "OK \"Logged in.\"\r\n";
const NO: &str = "NO \"no\"\r\n";
const REFERRAL: &str = "BYE (REFERRAL \"sieve://other\") \"go there\"\r\n";

fn authorized(pass: Option<&str>) -> Dialogue<authorized_login::Outcome> {
    let opening: Opening = then(
        backend_login::discovery(Box::new(Wire)),
        |(wire, found), _, _| {
            let replies: Box<dyn Replies> = wire;
            Progress::Done((replies, found))
        },
    );
    let task = pass.map_or(authorized_login::Task::NoPassword, |pass| {
        task(b"u", &secret(pass))
    });
    authorized_dialogue(opening, task)
}

#[test]
fn an_authorized_client_is_logged_in() {
    const PLAIN: &str = "AUTHENTICATE \"PLAIN\" \"AHUAcA==\"|";
    const ONLY_LOGIN: &str = "\"SASL\" \"LOGIN\"\r\nOK\r\n";
    let literal = "{12}\r\nVXNlcm5hbWU6\r\n";
    for (replies, want) in [
        (
            &[HI, OK][..],
            format!("{PLAIN} LoggedIn while sending AUTH to upstream"),
        ),
        (
            &["OK\r\n", "OK (SASL \"dg==\")\r\n"],
            format!("{PLAIN} LoggedIn while sending AUTH to upstream"),
        ),
        (
            &[HI, NO],
            format!("{PLAIN} Unexpected while sending AUTH to upstream"),
        ),
        (
            &[HI, REFERRAL],
            format!("{PLAIN} Unexpected while sending AUTH to upstream"),
        ),
        (
            &[HI, "\"\"\r\n"],
            format!("{PLAIN} Unexpected while sending AUTH to upstream"),
        ),
        (
            &[ONLY_LOGIN, literal, "\"UGFzc3dvcmQ6\"\r\n", OK],
            "AUTHENTICATE \"LOGIN\"|\"dQ==\"|\"cA==\"| LoggedIn while sending AUTH to upstream"
                .to_owned(),
        ),
        (
            &["BYE \"busy\"\r\n"],
            " Unexpected while reading response from upstream".to_owned(),
        ),
        (
            &["NO\r\n"],
            " Unexpected while reading response from upstream".to_owned(),
        ),
        (
            &[REFERRAL],
            " Unexpected while reading response from upstream".to_owned(),
        ),
        (
            &["220 smtp\r\n"],
            " Unexpected while reading response from upstream".to_owned(),
        ),
    ] {
        assert_eq!(play(authorized(Some("p")), replies).text_while(), want);
    }
    assert_eq!(play(authorized(None), &[HI]).text(), " NoPassword");
    let long = "p".repeat(2000);
    let sent = play(authorized(Some(&long)), &[HI]).text();
    assert!(
        sent.starts_with("AUTHENTICATE \"PLAIN\" {2672+}|AHUAcHBw"),
        "{sent}"
    );
}

fn of(credentials: Credentials) -> Request {
    login(credentials, Origin::Sieve)
}

/// The first request to a backend that authenticates by itself.
fn first(request: Request, replies: &[&str]) -> Played<backend_login::Outcome> {
    let opening = backend_login::discovery(Box::new(Wire));
    play(backend_dialogue(opening, request), replies)
}

#[test]
fn logins_by_what_is_announced() {
    const PLAIN: &str = "AUTHENTICATE \"PLAIN\" \"AHUAcA==\"|";
    for (replies, want) in [
        (&[HI, OK][..], format!("{PLAIN} LoggedIn")),
        (&[HI, NO], format!("{PLAIN} Refused(500)")),
        (
            &[HI, "NO (TRYLATER) {2}\r\nno\r\n"],
            format!("{PLAIN} Refused(454)"),
        ),
        (
            &[HI, "NO (AUTH-TOO-WEAK) \"no\"\r\n"],
            format!("{PLAIN} Refused(534)"),
        ),
        (&[HI, "BYE\r\n"], format!("{PLAIN} Refused(454) closing")),
        (&[HI, REFERRAL], format!("{PLAIN} Refused(454) closing")),
        (
            &[HI, "\"e30=\"\r\n", NO],
            format!("{PLAIN}\"*\"| Refused(500)"),
        ),
        (&[HI, "+ \r\n"], format!("{PLAIN} Unexpected")),
        (
            &[
                "\"SASL\" \"LOGIN\"\r\nOK\r\n",
                "\"VXNlcg==\"\r\n",
                "\"\"\r\n",
                OK,
            ],
            "AUTHENTICATE \"LOGIN\"|\"dQ==\"|\"cA==\"| LoggedIn".to_owned(),
        ),
        (
            &["\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK\r\n"],
            " NotOffered".to_owned(),
        ),
        (&["BYE\r\n"], " Unexpected".to_owned()),
    ] {
        assert_eq!(first(of(plain()), replies).text(), want, "{replies:?}");
    }
    const TOKENS: &str = "\"SASL\" \"XOAUTH2 EXTERNAL\"\r\nOK\r\n";
    assert_eq!(
        first(
            of(bearer(Bearer::Xoauth2, "t")),
            &[TOKENS, "\"e30=\"\r\n", NO]
        )
        .text(),
        "AUTHENTICATE \"XOAUTH2\" \"dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==\"|\"\"| Refused(500)"
    );
    assert_eq!(
        first(of(external("")), &[TOKENS, OK]).text(),
        "AUTHENTICATE \"EXTERNAL\" \"\"| LoggedIn"
    );
}

#[test]
fn challenges_are_relayed() {
    let challenge = || Request::Challenge(Origin::Sieve);
    for text in ["\"PDEuMkBteD4=\"\r\n", "{12}\r\nPDEuMkBteD4=\r\n"] {
        let challenged = first(challenge(), &[HI, text]);
        assert_eq!(challenged.text(), "AUTHENTICATE \"CRAM-MD5\"| <1.2@mx>");
        assert_eq!(
            again(challenged.idle(), of(cram_md5()), &[OK]).text(),
            "\"dSAwMTIz\"| LoggedIn"
        );
    }
    // A challenge that the client gave up.
    let idle = first(challenge(), &[HI, "\"PDEuMkBteD4=\"\r\n"]).idle();
    assert_eq!(
        again(idle, of(plain()), &[NO, OK]).text(),
        "\"*\"|AUTHENTICATE \"PLAIN\" \"AHUAcA==\"| LoggedIn"
    );
    for reply in ["\"!\"\r\n", OK] {
        assert_eq!(
            first(challenge(), &[HI, reply]).text(),
            "AUTHENTICATE \"CRAM-MD5\"| Unexpected"
        );
    }
}

#[test]
fn starttls_only_where_it_is_announced() {
    let play = |replies: &[&str]| play(start_tls::dialogue(Box::new(Wire)), replies).text_while();
    let offered = "\"SASL\" \"\"\r\n\"starttls\"\r\nOK\r\n";
    for (reply, end) in [
        // The backend sends its capabilities inside TLS.
        ("OK \"go\"\r\n", "Agreed \"\""),
        (NO, "Unexpected"),
    ] {
        assert_eq!(
            play(&[offered, reply]),
            format!("STARTTLS| {end} while sending STARTTLS to upstream")
        );
    }
    for (list, end) in [
        (HI, "NotOffered"),
        (NO, "NotOffered"),
        ("BYE\r\n", "Unexpected"),
    ] {
        assert_eq!(
            play(&[HI, list]),
            format!("CAPABILITY| {end} while sending CAPABILITY to upstream")
        );
    }
}

#[test]
fn the_gateways_own_capabilities_are_left_out() {
    let list =
        "\"SIEVE\" \"a b\"\r\n\"SASL\" \"PLAIN\"\r\n\"STARTTLS\"\r\n\"VERSION\" \"1.0\"\r\nOK\r\n";
    for (reply, want) in [
        (list, " \"SIEVE\" \"a b\",\"VERSION\" \"1.0\" LOGOUT"),
        ("OK\r\n", "  LOGOUT"),
        ("BYE\r\n", " Unexpected"),
    ] {
        let probe = capability_probe::dialogue(Box::new(Wire));
        assert_eq!(play(probe, &[reply]).text(), want);
    }
}
