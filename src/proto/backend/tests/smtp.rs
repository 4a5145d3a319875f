//! SMTP.

use super::*;
use crate::base::SessionId;
use crate::config::{ProxySmtpAuth, Xclient};
use crate::proto::backend::authorized_login::Task;
use crate::proto::backend::reply::Replies;
use crate::proto::backend::wire::Wire;
use crate::proto::login::{Envelope, Helo};
use crate::proto::smtp::opening::{Introduction, Purpose, introduce};
use crate::proto::smtp::wire;

const HI: &str = "220 hi\r\n";
const OK: &str = "250 ok\r\n";
const OFFERS: &str = "250-x\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 XCLIENT NAME ADDR\r\n";

fn helo(name: &str, extended: bool) -> Helo {
    Helo {
        name: Some(bytes(name)),
        extended,
    }
}

fn introduction(helo: Helo, xclient: Xclient, purpose: Purpose) -> Introduction {
    Introduction {
        own_name: bytes("gate"),
        address: "192.0.2.1".into(),
        host: "[UNAVAILABLE]".into(),
        port: Some(4321),
        connected: Some("[2001:db8::25]:587".parse().unwrap()),
        session: SessionId::of_connection(7),
        helo,
        xclient,
        purpose,
    }
}

fn with_name(name: &str) -> Box<dyn Wire> {
    let name = bytes(name);
    Box::new(wire::Wire { name })
}

/// A dialogue for a client that the auth server accepted.
fn authorized(
    task: Task,
    helo: Helo,
    xclient: Option<&str>,
    replies: &[&str],
) -> Played<authorized_login::Outcome> {
    let login = xclient.map(bytes);
    let purpose = Purpose::AuthorizedLogin { login };
    let wire: Box<dyn Replies> = with_name("");
    let xclient = match xclient {
        Some(_) => Xclient::On,
        None => Xclient::Off,
    };
    let opening = introduce(wire, introduction(helo, xclient, purpose));
    play(authorized_dialogue(opening, task), replies)
}

#[test]
fn xclient_in_place_of_a_login() {
    let play = |helo, xclient, replies: &[&str]| {
        authorized(Task::Nothing, helo, xclient, replies).text_while()
    };
    assert_eq!(
        play(
            helo("c", true),
            Some("us er+="),
            &[HI, OK, "220 again\r\n", OK]
        ),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 LOGIN=us+20er+2B+3D NAME=[UNAVAILABLE]|EHLO c| \
         LoggedIn while sending client HELO/EHLO to upstream"
    );
    assert_eq!(
        play(helo("c", false), Some(""), &[HI, OK, OK, OK]),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]|HELO c| \
         LoggedIn while sending client HELO/EHLO to upstream"
    );
    assert_eq!(
        play(Helo::default(), Some("u"), &[HI, OK, OK]),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 LOGIN=u NAME=[UNAVAILABLE]| \
         LoggedIn while sending XCLIENT to upstream"
    );
    for (extended, verb) in [(false, "HELO"), (true, "EHLO")] {
        assert_eq!(
            play(helo("c", extended), None, &[HI, OK]),
            format!("{verb} gate| LoggedIn while sending HELO/EHLO to upstream")
        );
    }
    for replies in [&["554 no\r\n"][..], &["garbage\r\n"], &[HI, "500 what\r\n"]] {
        let played = play(helo("c", true), Some("u"), replies);
        assert!(played.contains(" Unexpected"), "{played}");
    }
}

#[test]
fn nginx_sends_three_attributes_and_the_session_where_it_is_announced() {
    let play = |announced: &str| {
        let announced = format!("250-x\r\n250 XCLIENT {announced}\r\n");
        let replies = [HI, &announced, HI, OK];
        authorized(Task::Nothing, helo("c", true), Some("u"), &replies).text()
    };
    let three = "EHLO gate|XCLIENT ADDR=192.0.2.1 LOGIN=u NAME=[UNAVAILABLE]";
    assert_eq!(
        play("ADDR PORT DESTADDR"),
        format!("{three}|EHLO c| LoggedIn")
    );
    let id = SessionId::of_connection(7);
    let with_session = format!("{three} SESSION={id}|EHLO c| LoggedIn");
    assert_eq!(play("ADDR PORT SESSION TTL"), with_session);
}

#[test]
fn xclient_where_it_is_announced() {
    let play = |helo: Helo, login: &str, replies: &[&str]| {
        let login = Some(bytes(login));
        let introduction =
            introduction(helo, Xclient::Announced, Purpose::AuthorizedLogin { login });
        let wire: Box<dyn Replies> = with_name("");
        let opening = introduce(wire, introduction);
        play(authorized_dialogue(opening, Task::Nothing), replies).text()
    };
    let announces = |words: &str| format!("250-x\r\n250 XCLIENT {words}\r\n");
    let all = announces("NAME ADDR PROTO LOGIN");
    assert_eq!(
        play(helo("c", false), "u", &[HI, &all, HI, &all]),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 LOGIN=u NAME=[UNAVAILABLE]|EHLO c| LoggedIn"
    );
    let id = SessionId::of_connection(7);
    let all = announces("NAME ADDR PROTO HELO PORT DESTADDR DESTPORT SESSION TTL");
    assert_eq!(
        play(helo("c", true), "u", &[HI, &all, HI, OK]),
        format!(
            "EHLO gate|XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE] PORT=4321 DESTADDR=IPV6:2001:db8::25 DESTPORT=587 \
             SESSION={id}|EHLO c| LoggedIn"
        )
    );
    // EHLO follows XCLIENT even if the client sent none.
    assert_eq!(
        play(Helo::default(), "u", &[HI, &announces("ADDR"), HI, OK]),
        "EHLO gate|XCLIENT ADDR=192.0.2.1|EHLO gate| LoggedIn"
    );
    assert_eq!(
        play(helo("c", true), "u", &[HI, &announces("LOGIN"), HI, OK]),
        "EHLO gate|XCLIENT LOGIN=u|EHLO c| LoggedIn"
    );
    for none in [OK, &announces(""), &announces("PROTO")] {
        let played = play(helo("c", true), "u", &[HI, none]);
        assert_eq!(played, "EHLO gate| LoggedIn");
    }
    let played = play(helo("c", true), "", &[HI, &announces("LOGIN")]);
    assert_eq!(played, "EHLO gate| LoggedIn");
    assert_eq!(
        play(helo("c", false), "u", &[HI, "502 what\r\n", OK]),
        "EHLO gate|HELO gate| LoggedIn"
    );
    let refused = play(helo("c", true), "u", &[HI, &all, "550 no\r\n"]);
    assert!(refused.ends_with("| Unexpected"), "{refused}");
}

#[test]
fn an_authorized_client_is_logged_in() {
    let play = |how, pass: Option<_>, replies: &[&str]| {
        let task = wire::authorized(how, b"u", pass.as_ref());
        authorized(task, helo("c", true), None, replies).text_while()
    };
    let (on, pass) = (ProxySmtpAuth::On, || Some(secret("p")));
    let sending = "while sending AUTH to upstream";
    assert_eq!(
        play(on, pass(), &[HI, OK, "235 in\r\n"]),
        format!("EHLO gate|AUTH PLAIN AHUAcA==| LoggedIn {sending}")
    );
    for (how, end) in [(on, " NoPassword"), (ProxySmtpAuth::Off, " LoggedIn")] {
        assert!(play(how, None, &[HI, OK]).contains(end));
    }
    let only_login = "250-x\r\n250 AUTH LOGIN NTLM\r\n";
    let challenges = [HI, only_login, "334 a\r\n", "334 b\r\n", "235 in\r\n"];
    for how in [on, ProxySmtpAuth::Login] {
        assert_eq!(
            play(how, pass(), &challenges),
            format!("EHLO gate|AUTH LOGIN|dQ==|cA==| LoggedIn {sending}")
        );
    }
    assert!(play(ProxySmtpAuth::Plain, pass(), &[HI, only_login]).contains("AUTH PLAIN"));
    for reply in ["535 no\r\n", "334 \r\n", "250 ok\r\n"] {
        assert_eq!(
            play(on, pass(), &[HI, OK, reply]),
            format!("EHLO gate|AUTH PLAIN AHUAcA==| Unexpected {sending}")
        );
    }
}

#[test]
fn mail_of_an_authorized_client() {
    let play = |rcpt: Option<&str>, replies: &[&str]| {
        let task = Task::Mail(Envelope {
            mail: bytes("MAIL FROM:<a>"),
            rcpt: rcpt.map(bytes),
        });
        authorized(task, helo("c", true), None, replies).text_while()
    };
    let told = "EHLO gate|MAIL FROM:<a>|";
    for reply in ["550 no\r\n", "250 ok\r\n", "garbage\r\n"] {
        assert_eq!(
            play(Some("RCPT TO:<b>"), &[HI, OK, OK, reply]),
            format!("{told}RCPT TO:<b>| Answered while sending RCPT TO to upstream")
        );
    }
    for (reply, end) in [(OK, "Answered"), ("451 no\r\n", "Unexpected")] {
        assert_eq!(
            play(None, &[HI, OK, reply]),
            format!("{told} {end} while sending MAIL FROM to upstream")
        );
    }
}

fn origin(envelope: Option<Envelope>) -> Origin {
    let helo = helo("c", false);
    Origin::Smtp { helo, envelope }
}

fn of(credentials: Credentials) -> Request {
    login(credentials, origin(None))
}

/// The first request to a backend that authenticates by itself.
fn first(request: Request, xclient: bool, replies: &[&str]) -> Played<backend_login::Outcome> {
    let xclient = if xclient { Xclient::On } else { Xclient::Off };
    let introduction = introduction(helo("c", false), xclient, Purpose::BackendLogin);
    let opening = introduce(with_name("c"), introduction);
    play(backend_dialogue(opening, request), replies)
}

#[test]
fn logins_by_what_is_announced() {
    assert_eq!(
        first(of(plain()), true, &[HI, OFFERS, HI, OFFERS, "235 in\r\n"]).text(),
        "EHLO gate|XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]|EHLO c|AUTH PLAIN AHUAcA==| LoggedIn"
    );
    assert_eq!(
        first(of(plain()), false, &[HI, "250 AUTH\r\n"]).text(),
        "EHLO gate| NotOffered"
    );
    let login = "250-x\r\n250 AUTH=LOGIN\r\n";
    for (reply, end) in [
        ("535 no\r\n", "Refused(535)"),
        ("421 bye\r\n", "Refused(421) closing"),
        ("235 in\r\n", "LoggedIn"),
        ("250 what\r\n", "Unexpected"),
        ("334 \r\n", "Unexpected"),
    ] {
        assert_eq!(
            first(
                of(plain()),
                true,
                &[HI, login, "334 a\r\n", "334 b\r\n", reply]
            )
            .text_while(),
            format!("EHLO gate|AUTH LOGIN|dQ==|cA==| {end} while sending AUTH to upstream")
        );
    }
    assert_eq!(
        first(of(plain()), false, &[HI, login, "235 in\r\n"]).text(),
        "EHLO gate|AUTH LOGIN| Unexpected"
    );
}

#[test]
fn another_try_in_the_same_conversation() {
    let refused = first(of(plain()), false, &[HI, OFFERS, "535 no\r\n"]);
    assert!(refused.text().ends_with("Refused(535)"));
    let idle = refused.idle();
    assert!(idle.suits(&origin(None)));
    let other = Origin::Smtp {
        helo: helo("d", false),
        envelope: None,
    };
    assert!(!idle.suits(&other));
    assert_eq!(
        again(idle, of(plain()), &["235 in\r\n"]).text(),
        "AUTH PLAIN AHUAcA==| LoggedIn"
    );
}

#[test]
fn challenges_are_relayed() {
    let challenge = || Request::Challenge(origin(None));
    let replies = [HI, OFFERS, "334 PDEuMkBteD4=\r\n"];
    let challenged = first(challenge(), false, &replies);
    assert_eq!(challenged.text(), "EHLO gate|AUTH CRAM-MD5| <1.2@mx>");
    assert_eq!(
        again(challenged.idle(), of(cram_md5()), &["235 in\r\n"]).text(),
        "dSAwMTIz| LoggedIn"
    );
    // A challenge that the client gave up.
    let idle = first(challenge(), false, &replies).idle();
    assert_eq!(
        again(idle, of(plain()), &["501 cancelled\r\n", "235 in\r\n"]).text(),
        "*|AUTH PLAIN AHUAcA==| LoggedIn"
    );
    for (reply, end) in [
        ("504 no\r\n", "Refused(504)"),
        ("334 !\r\n", "Unexpected"),
        ("235 in\r\n", "Unexpected"),
    ] {
        assert_eq!(
            first(challenge(), false, &[HI, OFFERS, reply]).text(),
            format!("EHLO gate|AUTH CRAM-MD5| {end}")
        );
    }
    assert_eq!(
        first(challenge(), false, &[HI, OK]).text(),
        "EHLO gate| NotOffered"
    );
}

#[test]
fn mail_and_old_backends() {
    let envelope = Envelope {
        mail: bytes("MAIL FROM:<a>"),
        rcpt: None,
    };
    let mail = || login(Credentials::None, origin(Some(envelope.clone())));
    for (reply, end) in [("550 no\r\n", "Answered"), ("no\r\n", "Unexpected")] {
        assert_eq!(
            first(mail(), true, &[HI, "500 what\r\n", "250 x\r\n", reply]).text_while(),
            format!("EHLO gate|HELO gate|MAIL FROM:<a>| {end} while sending MAIL FROM to upstream")
        );
    }
    assert_eq!(
        first(of(plain()), false, &["554 no\r\n"]).text(),
        " Unexpected"
    );
}

#[test]
fn tokens_and_certificates() {
    const TOKENS: &str = "250-x\r\n250 AUTH XOAUTH2\r\n";
    let token = |token: &str| of(bearer(Bearer::Xoauth2, token));
    assert_eq!(
        first(
            token("t"),
            false,
            &[HI, TOKENS, "334 e30=\r\n", "535 no\r\n"]
        )
        .text(),
        "EHLO gate|AUTH XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHQBAQ==|| Refused(535)"
    );
    // A long token does not fit into a command.
    let long = token(&"t".repeat(2000));
    let told = first(long, false, &[HI, TOKENS, "334 \r\n", "235 in\r\n"]).text();
    assert!(
        told.starts_with("EHLO gate|AUTH XOAUTH2|dXNlcj11"),
        "{told}"
    );
    assert!(told.ends_with("| LoggedIn"));

    let play = |replies: &[&str]| first(of(external("u=")), false, replies).text_while();
    let sending = "while sending AUTH to upstream";
    let announced = "250-x\r\n250 AUTH EXTERNAL PLAIN\r\n";
    assert_eq!(
        play(&[HI, announced, "235 in\r\n"]),
        format!("EHLO gate|AUTH EXTERNAL dT0=| LoggedIn {sending}")
    );
    let xclient = "250-x\r\n250 XCLIENT LOGIN\r\n";
    for (replies, end) in [
        (&[HI, OFFERS][..], "EHLO c| LoggedIn"),
        (&[HI, "550 no\r\n"], "EHLO c| Refused(550)"),
        (&["550 no\r\n"], " Refused(550)"),
    ] {
        let told = play(&[&[HI, xclient], replies].concat());
        assert_eq!(
            told,
            format!("EHLO gate|XCLIENT LOGIN=u+3D|{end} {sending}")
        );
    }
    let told = play(&[HI, OFFERS]);
    assert!(told.starts_with("EHLO gate| NotOffered"), "{told}");
}

#[test]
fn starttls_only_where_it_is_announced() {
    let play = |replies: &[&str]| play(start_tls::dialogue(with_name("gw")), replies).text_while();
    let ready = [HI, "250-x\r\n250 starttls\r\n"];
    for (reply, end) in [
        ("220 go\r\n", "Agreed \"220 \\r\\n\""),
        ("220-go\r\n220 on\r\n", "Agreed \"220 \\r\\n\""),
        ("454 later\r\n", "Unexpected"),
        ("250 what\r\n", "Unexpected"),
    ] {
        assert_eq!(
            play(&[ready[0], ready[1], reply]),
            format!("EHLO gw|STARTTLS| {end} while sending STARTTLS to upstream")
        );
    }
    for (hello, end) in [
        ("250-x\r\n250 AUTH STARTTLS\r\n", "NotOffered"),
        // The first line is a name.
        ("250 STARTTLS\r\n", "NotOffered"),
        ("502 what\r\n", "NotOffered"),
        ("421 later\r\n", "Unexpected"),
    ] {
        assert_eq!(
            play(&[HI, hello]),
            format!("EHLO gw| {end} while sending HELO/EHLO to upstream")
        );
    }
    assert_eq!(
        play(&["554 no\r\n"]),
        " Unexpected while reading response from upstream"
    );
}

#[test]
fn the_gateways_own_capabilities_are_left_out() {
    let play =
        |replies: &[&str]| play(capability_probe::dialogue(with_name("gate")), replies).text();
    let list = "250-mail.example\r\n250-PIPELINING\r\n250-SIZE 1000 \r\n250-auth PLAIN\r\n250-AUTH=PLAIN\r\n\
        250-STARTTLS\r\n250-XCLIENT NAME ADDR\r\n250-XFORWARD NAME\r\n250-X-EXPS NTLM\r\n250-\r\n250-BAD\x01\r\n\
        250-VRFY\r\n250-HELP\r\n250-ETRN\r\n250-BURL imap\r\n250-turn\r\n250-XEXCH50\r\n250 DSN\r\n";
    for (replies, want) in [
        (&[HI, list][..], "EHLO gate| PIPELINING,SIZE 1000,DSN QUIT"),
        (&[HI, "250 alone\r\n"], "EHLO gate|  QUIT"),
        (&[HI, "502-what\r\n502 DSN\r\n"], "EHLO gate|  QUIT"),
        (&[HI, "421 later\r\n"], "EHLO gate| Unexpected"),
        (&["554 no\r\n"], " Unexpected"),
    ] {
        assert_eq!(play(replies), want);
    }
}
