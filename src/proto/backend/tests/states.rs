//! Every state of the dialogues with backends, with each class of reply of each protocol. A table lists the replies that count in
//! a state and what they lead to: the next line (`|` stands for its end) or the outcome. No other reply may count.

use super::*;
use crate::base::SessionId;
use crate::config::{ProxySmtpAuth, Xclient};
use crate::proto::backend::authorized_login::{Task, greeting};
use crate::proto::backend::wire::Wire;
use crate::proto::login::{Envelope, Helo};
use crate::proto::smtp::opening::{Introduction, Purpose, introduce};
use crate::proto::{imap, pop3, smtp};

/// Replies of all classes of all protocols; `|` stands for a line end inside a reply.
const REPLIES: [&str; 32] = [
    "220 x",
    "250 x",
    "235 x",
    "334 eA==",
    "354 x",
    "421 x",
    "454 x",
    "535 x",
    "235-x|535 x",
    "535-x|235 x",
    "* OK x",
    "* NO x",
    "* BAD x",
    "* BYE x",
    "* PREAUTH x",
    "* OK x|t OK x",
    "* PREAUTH x|t NO x",
    "t OK x",
    "t NO x",
    "t BAD x",
    "t NO [UNAVAILABLE] x",
    "gw OK x",
    "gw NO x",
    "gw BAD x",
    "y OK x",
    "+ eA==",
    "+OK x",
    "+OK x|.",
    "-ERR x",
    "-ERR [SYS/TEMP] x",
    "OK",
    "hello",
];

/// The replies that count after a script.
fn counting<O: Shown>(dialogue: impl Fn() -> Dialogue<O>, script: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for reply in REPLIES {
        let mut dialogue = dialogue();
        let mut out = Vec::new();
        for before in script {
            out.clear();
            match dialogue.advance(before.as_bytes(), &mut out) {
                Progress::Read(next) => dialogue = next,
                _ => panic!("{before:?} of {script:?} ends the dialogue"),
            }
        }
        out.clear();
        let bytes = format!("{}\r\n", reply.replace('|', "\r\n")).into_bytes();
        if dialogue.whole(&bytes) != Some(bytes.len()) {
            continue;
        }
        let result = match dialogue.advance(&bytes, &mut out) {
            Progress::Read(_) => String::from_utf8_lossy(&out).replace("\r\n", "|"),
            Progress::Done(outcome) => outcome.shown(),
            Progress::Unexpected { .. } => continue,
        };
        found.push(format!("{reply} > {result}"));
    }
    found
}

/// Compares a state with its table.
fn state<O: Shown>(dialogue: impl Fn() -> Dialogue<O>, script: &[&str], table: &[&str]) {
    let found = counting(dialogue, script);
    assert_eq!(found, table, "after {script:?}");
}

mod smtp_states {
    use super::*;

    const HI: &str = "220 x\r\n";
    const OK: &str = "250 x\r\n";

    fn wire() -> Box<dyn Wire> {
        Box::new(smtp::wire::Wire { name: bytes("c") })
    }

    fn introduction(xclient: Xclient, purpose: Purpose) -> Introduction {
        Introduction {
            own_name: bytes("gate"),
            address: "192.0.2.1".into(),
            host: "[UNAVAILABLE]".into(),
            port: Some(4321),
            connected: Some("[2001:db8::25]:587".parse().unwrap()),
            session: SessionId::of_connection(7),
            helo: Helo {
                name: Some(bytes("c")),
                extended: true,
            },
            xclient,
            purpose,
        }
    }

    fn authorized(xclient: Xclient, task: Task) -> Dialogue<authorized_login::Outcome> {
        let purpose = Purpose::AuthorizedLogin { login: None };
        let replies: Box<dyn crate::proto::backend::reply::Replies> =
            Box::new(smtp::wire::Wire::default());
        let opening = introduce(replies, introduction(xclient, purpose));
        authorized_dialogue(opening, task)
    }

    fn auth(how: ProxySmtpAuth) -> Task {
        smtp::wire::authorized(how, b"u", Some(&secret("p")))
    }

    fn request(request: Request) -> Dialogue<backend_login::Outcome> {
        let opening = introduce(wire(), introduction(Xclient::On, Purpose::BackendLogin));
        backend_dialogue(opening, request)
    }

    fn origin(envelope: Option<Envelope>) -> Origin {
        let helo = introduction(Xclient::Off, Purpose::BackendLogin).helo;
        Origin::Smtp { helo, envelope }
    }

    #[test]
    fn authorized_login() {
        let by_xclient = || authorized(Xclient::On, Task::Nothing);
        state(by_xclient, &[], &["220 x > EHLO gate|"]);
        state(
            by_xclient,
            &[HI],
            &["250 x > XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]|"],
        );
        state(
            by_xclient,
            &[HI, OK],
            &["220 x > EHLO c|", "250 x > EHLO c|"],
        );
        state(by_xclient, &[HI, OK, HI], &["250 x > LoggedIn"]);
        let by_plain = || authorized(Xclient::Off, auth(ProxySmtpAuth::On));
        state(by_plain, &[HI, OK], &["235 x > LoggedIn"]);
        let by_login = || authorized(Xclient::Off, auth(ProxySmtpAuth::Login));
        state(by_login, &[HI, OK], &["334 eA== > dQ==|"]);
        state(by_login, &[HI, OK, "334 a\r\n"], &["334 eA== > cA==|"]);
        state(
            by_login,
            &[HI, OK, "334 a\r\n", "334 a\r\n"],
            &["235 x > LoggedIn"],
        );
        let mail = || {
            let (mail, rcpt) = (bytes("MAIL a"), Some(bytes("RCPT b")));
            authorized(Xclient::Off, Task::Mail(Envelope { mail, rcpt }))
        };
        state(mail, &[HI, OK], &["250 x > RCPT b|"]);
        // As in nginx, every reply to RCPT is for the client.
        let to_rcpt = counting(mail, &[HI, OK, OK]);
        assert!(to_rcpt.iter().all(|line| line.ends_with(" > Answered")));
    }

    #[test]
    fn backend_login() {
        let offers =
            |words: &str| format!("250-x\r\n250-XCLIENT ADDR LOGIN\r\n250 AUTH {words}\r\n");
        let plain = || request(login(plain(), origin(None)));
        state(plain, &[], &["220 x > EHLO gate|"]);
        state(plain, &[HI], &["250 x > NotOffered", "535 x > HELO gate|"]);
        state(
            plain,
            &[HI, &offers("PLAIN")],
            &["220 x > EHLO c|", "250 x > EHLO c|"],
        );
        state(plain, &[HI, &offers("PLAIN"), HI], &["250 x > NotOffered"]);
        state(
            plain,
            &[HI, &offers("PLAIN"), HI, &offers("PLAIN")],
            &[
                "235 x > LoggedIn",
                "334 eA== > *|",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        state(
            plain,
            &[HI, &offers("PLAIN"), HI, &offers("PLAIN"), "334 e30=\r\n"],
            &[
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        state(
            plain,
            &[HI, &offers("LOGIN"), HI, &offers("LOGIN")],
            &[
                "334 eA== > dQ==|",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        state(
            plain,
            &[HI, &offers("LOGIN"), HI, &offers("LOGIN"), "334 a\r\n"],
            &[
                "334 eA== > cA==|",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        state(
            plain,
            &[
                HI,
                &offers("LOGIN"),
                HI,
                &offers("LOGIN"),
                "334 a\r\n",
                "334 a\r\n",
            ],
            &[
                "235 x > LoggedIn",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        let challenge = || request(Request::Challenge(origin(None)));
        let asked = [HI, &offers("CRAM-MD5"), HI, &offers("CRAM-MD5")];
        state(
            challenge,
            &asked,
            &[
                "334 eA== > x",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        let certificate = || request(login(external("u"), origin(None)));
        state(
            certificate,
            &[HI, &offers("X"), HI, &offers("X")],
            &[
                "220 x > EHLO c|",
                "250 x > EHLO c|",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        state(
            certificate,
            &[HI, &offers("X"), HI, &offers("X"), HI],
            &[
                "250 x > LoggedIn",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        let mail = || {
            let (mail, rcpt) = (bytes("MAIL a"), None);
            request(login(
                Credentials::None,
                origin(Some(Envelope { mail, rcpt })),
            ))
        };
        state(
            mail,
            &[HI, OK],
            &[
                "250 x > Answered",
                "421 x > Answered",
                "454 x > Answered",
                "535 x > Answered",
            ],
        );
        let answered = || {
            again_after(
                challenge(),
                &asked,
                "334 PDEuMkBteD4=\r\n",
                login(cram_md5(), origin(None)),
            )
        };
        state(
            answered,
            &[],
            &[
                "235 x > LoggedIn",
                "421 x > Refused(421) closing",
                "454 x > Refused(454)",
                "535 x > Refused(535)",
            ],
        );
        let cancelled = || {
            again_after(
                challenge(),
                &asked,
                "334 PDEuMkBteD4=\r\n",
                login(super::plain(), origin(None)),
            )
        };
        state(
            cancelled,
            &[],
            &["454 x > NotOffered", "535 x > NotOffered"],
        );
    }

    #[test]
    fn tls_and_capabilities() {
        let upgrade = || start_tls::dialogue(wire());
        state(upgrade, &[], &["220 x > EHLO c|"]);
        state(
            upgrade,
            &[HI],
            &["250 x > NotOffered", "535 x > NotOffered"],
        );
        state(
            upgrade,
            &[HI, "250-x\r\n250 STARTTLS\r\n"],
            &["220 x > Agreed \"220 \\r\\n\""],
        );
        let probe = || capability_probe::dialogue(wire());
        state(probe, &[], &["220 x > EHLO c|"]);
        state(probe, &[HI], &["250 x >  QUIT", "535 x >  QUIT"]);
    }
}

mod imap_states {
    use super::*;

    const HI: &str = "* OK x\r\n";

    fn wire() -> Box<dyn Wire> {
        Box::new(imap::wire::Wire::default())
    }

    fn request(request: Request) -> Dialogue<backend_login::Outcome> {
        backend_dialogue(backend_login::discovery(wire()), request)
    }

    fn origin() -> Origin {
        Origin::Imap { tag: bytes("t") }
    }

    #[test]
    fn authorized_login() {
        let authorized = || {
            let (tag, last) = (bytes("t"), "sending password to upstream");
            let login = imap::wire::login(&tag, b"u", &secret("p"), last);
            let opening = greeting(Box::new(imap::wire::Authorized { tag }));
            authorized_dialogue(opening, Task::Login(login))
        };
        state(authorized, &[], &["* OK x > t LOGIN {1}|"]);
        state(authorized, &[HI], &["+ eA== > u {1}|", "+OK x > u {1}|"]);
        state(authorized, &[HI, "+ a\r\n"], &["+ eA== > p|", "+OK x > p|"]);
        state(
            authorized,
            &[HI, "+ a\r\n", "+ a\r\n"],
            &["* OK x|t OK x > LoggedIn", "t OK x > LoggedIn"],
        );
    }

    #[test]
    fn backend_login() {
        let plain = || request(login(plain(), origin()));
        let offers = |words: &str| format!("* CAPABILITY {words}\r\ngw OK\r\n");
        state(plain, &[], &["* OK x > gw CAPABILITY|"]);
        state(
            plain,
            &[HI],
            &[
                "gw OK x > t LOGIN {1}|",
                "gw NO x > t LOGIN {1}|",
                "gw BAD x > t LOGIN {1}|",
            ],
        );
        state(
            plain,
            &[HI, &offers("IMAP4rev1")],
            &[
                "* BYE x > Refused(454) closing",
                "* PREAUTH x|t NO x > Refused(500)",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
                "+ eA== > u {1}|",
            ],
        );
        state(
            plain,
            &[HI, &offers("IMAP4rev1"), "+ a\r\n"],
            &[
                "* BYE x > Refused(454) closing",
                "* PREAUTH x|t NO x > Refused(500)",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
                "+ eA== > p|",
            ],
        );
        state(
            plain,
            &[HI, &offers("IMAP4rev1"), "+ a\r\n", "+ a\r\n"],
            &[
                "* BYE x > Refused(454) closing",
                "* OK x|t OK x > LoggedIn",
                "* PREAUTH x|t NO x > Refused(500)",
                "t OK x > LoggedIn",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
            ],
        );
        state(
            plain,
            &[HI, &offers("AUTH=PLAIN")],
            &[
                "* BYE x > Refused(454) closing",
                "* PREAUTH x|t NO x > Refused(500)",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
                "+ eA== > AHUAcA==|",
            ],
        );
        state(
            plain,
            &[HI, &offers("AUTH=PLAIN"), "+ \r\n"],
            &[
                "* BYE x > Refused(454) closing",
                "* OK x|t OK x > LoggedIn",
                "* PREAUTH x|t NO x > Refused(500)",
                "t OK x > LoggedIn",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
                "+ eA== > *|",
            ],
        );
        state(
            plain,
            &[HI, &offers("AUTH=PLAIN SASL-IR")],
            &[
                "* BYE x > Refused(454) closing",
                "* OK x|t OK x > LoggedIn",
                "* PREAUTH x|t NO x > Refused(500)",
                "t OK x > LoggedIn",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
                "+ eA== > *|",
            ],
        );
        state(
            plain,
            &[HI, &offers("AUTH=PLAIN SASL-IR"), "+ e30=\r\n"],
            &[
                "* BYE x > Refused(454) closing",
                "* PREAUTH x|t NO x > Refused(500)",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
            ],
        );
        let challenge = || request(Request::Challenge(origin()));
        let asked = [HI, &offers("AUTH=CRAM-MD5")];
        state(
            challenge,
            &asked,
            &[
                "* BYE x > Refused(454) closing",
                "* PREAUTH x|t NO x > Refused(500)",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
                "+ eA== > x",
            ],
        );
        let answered = || {
            again_after(
                challenge(),
                &asked,
                "+ PDEuMkBteD4=\r\n",
                login(cram_md5(), origin()),
            )
        };
        state(
            answered,
            &[],
            &[
                "* BYE x > Refused(454) closing",
                "* OK x|t OK x > LoggedIn",
                "* PREAUTH x|t NO x > Refused(500)",
                "t OK x > LoggedIn",
                "t NO x > Refused(500)",
                "t BAD x > Refused(500)",
                "t NO [UNAVAILABLE] x > Refused(454)",
            ],
        );
        let cancelled = || {
            again_after(
                challenge(),
                &asked,
                "+ PDEuMkBteD4=\r\n",
                login(super::plain(), origin()),
            )
        };
        state(
            cancelled,
            &[],
            &[
                "* PREAUTH x|t NO x > t LOGIN {1}|",
                "t NO x > t LOGIN {1}|",
                "t BAD x > t LOGIN {1}|",
                "t NO [UNAVAILABLE] x > t LOGIN {1}|",
            ],
        );
    }

    #[test]
    fn tls_and_capabilities() {
        let upgrade = || start_tls::dialogue(wire());
        state(upgrade, &[], &["* OK x > gw CAPABILITY|"]);
        state(
            upgrade,
            &[HI],
            &[
                "gw OK x > NotOffered",
                "gw NO x > NotOffered",
                "gw BAD x > NotOffered",
            ],
        );
        state(
            upgrade,
            &[HI, "* CAPABILITY STARTTLS\r\ngw OK\r\n"],
            &["gw OK x > Agreed \"* OK\\r\\n\""],
        );
        let probe = || capability_probe::dialogue(wire());
        state(probe, &[], &["* OK x > gw CAPABILITY|"]);
        state(probe, &[HI], &[]);
    }
}

mod pop3_states {
    use super::*;

    const HI: &str = "+OK x\r\n";

    fn request(request: Request) -> Dialogue<backend_login::Outcome> {
        backend_dialogue(
            backend_login::discovery(Box::new(pop3::wire::Wire)),
            request,
        )
    }

    #[test]
    fn authorized_login() {
        let authorized = || {
            let login = pop3::wire::login(b"u", &secret("p"), "sending password to upstream");
            let opening = greeting(Box::new(pop3::wire::Authorized));
            authorized_dialogue(opening, Task::Login(login))
        };
        state(authorized, &[], &["+OK x > USER u|"]);
        state(authorized, &[HI], &["+OK x > PASS p|"]);
        state(authorized, &[HI, HI], &["+OK x > LoggedIn"]);
    }

    #[test]
    fn backend_login() {
        let plain = || request(login(plain(), Origin::Pop3));
        let offers = |line: &str| format!("+OK\r\n{line}\r\n.\r\n");
        state(plain, &[], &["+OK x > CAPA|"]);
        state(
            plain,
            &[HI],
            &[
                "+OK x|. > NotOffered",
                "-ERR x > USER u|",
                "-ERR [SYS/TEMP] x > USER u|",
            ],
        );
        state(
            plain,
            &[HI, &offers("USER")],
            &[
                "+OK x > PASS p|",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        state(
            plain,
            &[HI, &offers("USER"), HI],
            &[
                "+OK x > LoggedIn",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        state(
            plain,
            &[HI, &offers("SASL PLAIN")],
            &[
                "+ eA== > *|",
                "+OK x > LoggedIn",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        state(
            plain,
            &[HI, &offers("SASL PLAIN"), "+ e30=\r\n"],
            &["-ERR x > Refused(500)", "-ERR [SYS/TEMP] x > Refused(454)"],
        );
        state(
            plain,
            &[HI, &offers("SASL LOGIN")],
            &[
                "+ eA== > dQ==|",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        state(
            plain,
            &[HI, &offers("SASL LOGIN"), "+ a\r\n"],
            &[
                "+ eA== > cA==|",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        state(
            plain,
            &[HI, &offers("SASL LOGIN"), "+ a\r\n", "+ a\r\n"],
            &[
                "+OK x > LoggedIn",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        let challenge = || request(Request::Challenge(Origin::Pop3));
        let asked = [HI, &offers("SASL CRAM-MD5")];
        state(
            challenge,
            &asked,
            &[
                "+ eA== > x",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        let answered = || {
            again_after(
                challenge(),
                &asked,
                "+ PDEuMkBteD4=\r\n",
                login(cram_md5(), Origin::Pop3),
            )
        };
        state(
            answered,
            &[],
            &[
                "+OK x > LoggedIn",
                "-ERR x > Refused(500)",
                "-ERR [SYS/TEMP] x > Refused(454)",
            ],
        );
        let cancelled = || {
            again_after(
                challenge(),
                &asked,
                "+ PDEuMkBteD4=\r\n",
                login(super::plain(), Origin::Pop3),
            )
        };
        state(
            cancelled,
            &[],
            &["-ERR x > NotOffered", "-ERR [SYS/TEMP] x > NotOffered"],
        );
    }

    #[test]
    fn tls_and_capabilities() {
        let upgrade = || start_tls::dialogue(Box::new(pop3::wire::Wire));
        state(upgrade, &[], &["+OK x > CAPA|"]);
        state(
            upgrade,
            &[HI],
            &[
                "+OK x|. > NotOffered",
                "-ERR x > NotOffered",
                "-ERR [SYS/TEMP] x > NotOffered",
            ],
        );
        state(
            upgrade,
            &[HI, "+OK\r\nSTLS\r\n.\r\n"],
            &["+OK x > Agreed \"+OK\\r\\n\""],
        );
        let probe = || capability_probe::dialogue(Box::new(pop3::wire::Wire));
        state(probe, &[], &["+OK x > CAPA|"]);
        state(
            probe,
            &[HI],
            &[
                "+OK x|. > USER QUIT",
                "-ERR x > USER QUIT",
                "-ERR [SYS/TEMP] x > USER QUIT",
            ],
        );
    }
}

/// Another request in the conversation that goes on after a script and a challenge.
fn again_after(
    mut dialogue: Dialogue<backend_login::Outcome>,
    script: &[&str],
    challenge: &str,
    request: Request,
) -> Dialogue<backend_login::Outcome> {
    let mut out = Vec::new();
    for reply in script {
        match dialogue.advance(reply.as_bytes(), &mut out) {
            Progress::Read(next) => dialogue = next,
            _ => panic!("{reply:?} of {script:?} ends the dialogue"),
        }
    }
    match dialogue.advance(challenge.as_bytes(), &mut out) {
        Progress::Done(backend_login::Outcome::Challenge(_, idle)) => {
            idle.request(request, &mut out).expect("a way to log in")
        }
        _ => panic!("no challenge"),
    }
}
