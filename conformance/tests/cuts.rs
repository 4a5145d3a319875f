//! The pure dialogues with random clients and backends: no panic, no endless loop, little said for much heard, and the same said
//! however the bytes are cut. No socket, no nginx.

use std::path::Path;
use std::sync::Arc;

use portcullis::config::Server;
use portcullis::proto::backend::backend_login::{self, Request};
use portcullis::proto::client::{Dialogue, Progress};
use portcullis::proto::{ClientHost, Input, Login, Refusal, Settings, Step, dialogues};
use portcullis_conformance::case::Header;
use portcullis_conformance::gateway::{Program, configuration};
use portcullis_conformance::memory;
use portcullis_conformance::place::Place;
use portcullis_conformance::talk::conversation;
use portcullis_conformance::talk::conversation::{Conversation, Protocol};
use portcullis_conformance::talk::dice::Dice;
use portcullis_conformance::template::Values;

const SEED: u64 = 20;
const ROUNDS: u64 = 400;
/// The client's buffer: small, so that it is full now and then.
const BUFFER: usize = 256;
const CLIENT: ClientHost<'_> = ClientHost {
    address: "192.0.2.1",
    name: "[UNAVAILABLE]",
};

/// A server with all that can be switched on.
fn server(protocol: Protocol, place: &Place) -> Arc<Server> {
    let name = protocol.name();
    let header = Header {
        protocol: name.to_owned(),
        server: vec![
            match protocol {
                Protocol::Smtp => {
                    "smtp_auth plain login cram-md5 external xoauth2 oauthbearer none;"
                }
                Protocol::Imap => "imap_auth plain login cram-md5 external xoauth2 oauthbearer;",
                Protocol::Pop3 => "pop3_auth plain apop cram-md5 external xoauth2 oauthbearer;",
            }
            .to_owned(),
            "starttls on; max_errors 1000; max_commands 1000;".to_owned(),
            "ssl_certificate @ROOT@/pki/cert.pem; ssl_certificate_key @ROOT@/pki/key.pem;"
                .to_owned(),
        ],
        ..Header::default()
    };
    let values = Values {
        listen_addr: "127.0.0.1".to_owned(),
        listen_port: 2525,
        auth_port: 9000,
        root: place.root_text(),
        ..Values::default()
    };
    let text = configuration(&Program::InMemory, &header, &values);
    memory::server(&text, &place.root).expect("a good configuration")
}

/// A client's bytes: those of a conversation, with some that mean nothing among them.
fn client(talk: &Conversation, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = talk.sent();
    for _ in 0..dice.up_to(3) {
        let at = dice.up_to(bytes.len());
        let noise = (0..dice.up_to(6)).map(|_| dice.byte()).collect::<Vec<_>>();
        bytes.splice(at..at, noise);
    }
    bytes
}

/// What a front said, and the logins it wanted to be checked.
#[derive(Default)]
struct Said {
    out: Vec<u8>,
    logins: Vec<Login>,
    notes: Vec<String>,
    closed: bool,
}

/// Feeds a front piece by piece, as a session does; every login is refused.
fn converse(server: &Server, pieces: &[Vec<u8>]) -> Said {
    let mut front = Settings::of(server).server(false, None);
    let mut said = Said::default();
    let mut held: Vec<u8> = Vec::new();
    let length: usize = pieces.iter().map(Vec::len).sum();
    let mut turns = 0;
    let mut coming = pieces.iter().flatten().copied();
    let mut ends: Vec<usize> = pieces.iter().map(Vec::len).collect();
    ends.reverse();
    while let Some(left) = ends.pop() {
        let room = BUFFER - held.len();
        held.extend(coming.by_ref().take(left.min(room)));
        if left > room {
            ends.push(left - room);
        }
        loop {
            turns += 1;
            assert!(turns <= 4 * length + 64, "no end of {pieces:?}");
            let mut input = Input::new(&held, held.len() >= BUFFER);
            let before = said.out.len();
            let turn = front.advance(&mut input, &mut said.out);
            assert!(
                said.out.len() - before <= 2 * BUFFER + 1024,
                "too much is said"
            );
            let taken = input.taken();
            held.drain(..taken);
            said.notes.extend(turn.note.map(|note| note.to_string()));
            match turn.step {
                Step::Next => {}
                Step::Read => break,
                Step::StartTls => front.secured(),
                Step::Challenge(_) => {
                    front.challenge(b"<1.2@mx.example>".as_slice().into(), &mut said.out);
                }
                Step::Authenticate(login) => {
                    said.logins.push(*login);
                    front.refuse(&Refusal::Unavailable, &mut said.out);
                }
                Step::Close => {
                    said.closed = true;
                    return said;
                }
            }
        }
    }
    assert!(
        said.out.len() <= 300 * length + 1024,
        "much is said for little"
    );
    said
}

fn shown(said: &Said) -> (String, Vec<String>, String, bool) {
    let out = String::from_utf8_lossy(&said.out).into_owned();
    (
        out,
        said.notes.clone(),
        format!("{:?}", said.logins),
        said.closed,
    )
}

fn bytewise(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.iter().map(|&byte| vec![byte]).collect()
}

#[test]
fn a_front_says_the_same_however_its_client_is_cut() {
    let place =
        Place::new(0, &Path::new(env!("CARGO_MANIFEST_DIR")).join("pki")).expect("a folder");
    for protocol in Protocol::ALL {
        let server = server(protocol, &place);
        let mut logins = 0;
        for number in 0..ROUNDS {
            let mut dice = Dice::new(SEED, number);
            let bytes = client(&conversation(protocol, SEED, number), &mut dice);
            let whole = converse(&server, std::slice::from_ref(&bytes));
            for pieces in [dice.cut(&bytes, 100), bytewise(&bytes)] {
                let cut = converse(&server, &pieces);
                assert_eq!(shown(&cut), shown(&whole), "{pieces:?}");
            }
            logins += whole.logins.len();
        }
        assert!(logins > 100, "only {logins} logins in {}", protocol.name());
    }
}

/// A backend's bytes: usual replies and unusual ones, and some that mean nothing.
fn backend(protocol: Protocol, talk: &Conversation, dice: &mut Dice) -> Vec<u8> {
    let usual: &[&str] = match protocol {
        Protocol::Smtp => &[
            "220 a\r\n",
            "250-a\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 XCLIENT ADDR\r\n",
            "334 \r\n",
            "235 ok\r\n",
            "250 ok\r\n",
            "535 no\r\n",
        ],
        Protocol::Imap => &[
            "* OK a\r\n",
            "* CAPABILITY IMAP4 AUTH=PLAIN AUTH=CRAM-MD5\r\n",
            "+ \r\n",
            "a OK a\r\n",
            "a NO no\r\n",
            "+ PDEuMkBhPg==\r\n",
        ],
        Protocol::Pop3 => &[
            "+OK a <1.2@a>\r\n",
            "+OK\r\nSASL PLAIN\r\n.\r\n",
            "+ \r\n",
            "+OK\r\n",
            "-ERR no\r\n",
        ],
    };
    let mut bytes = usual[0].as_bytes().to_vec();
    for _ in 0..6 {
        bytes.extend_from_slice(dice.pick(usual).as_bytes());
        if dice.chance(10) {
            bytes.extend((0..dice.up_to(9)).map(|_| dice.byte()));
        }
    }
    for reply in talk.replies.values() {
        bytes.splice(0..0, reply.packets.concat());
    }
    bytes
}

/// Feeds replies piece by piece to a dialogue; what it sent, and how it ended.
fn hear<O>(
    pieces: &[Vec<u8>],
    mut dialogue: Dialogue<O>,
    shown: impl Fn(O) -> String,
) -> (String, String) {
    let (mut told, mut held) = (Vec::new(), Vec::new());
    let text = |told: &[u8]| String::from_utf8_lossy(told).into_owned();
    for piece in pieces {
        held.extend_from_slice(piece);
        while let Some(end) = dialogue.whole(&held) {
            assert!(0 < end && end <= held.len());
            let reply: Vec<u8> = held.drain(..end).collect();
            let before = told.len();
            let progress = dialogue.advance(&reply, &mut told);
            assert!(told.len() - before <= 2048, "too much is said");
            match progress {
                Progress::Read(next) => dialogue = next,
                Progress::Done(outcome) => return (text(&told), shown(outcome)),
                Progress::Unexpected { .. } => return (text(&told), "Unexpected".to_owned()),
            }
        }
    }
    (text(&told), String::new())
}

#[test]
fn a_login_says_the_same_however_its_backend_is_cut() {
    let place =
        Place::new(1, &Path::new(env!("CARGO_MANIFEST_DIR")).join("pki")).expect("a folder");
    for protocol in Protocol::ALL {
        let server = server(protocol, &place);
        for number in 0..ROUNDS {
            let mut dice = Dice::new(SEED, number);
            let talk = conversation(protocol, SEED, number);
            let client = converse(&server, &[talk.sent()]);
            let bytes = backend(protocol, &talk, &mut dice);
            let cuts = [vec![bytes.clone()], dice.cut(&bytes, 100), bytewise(&bytes)];
            for login in client.logins {
                let mut heard = cuts
                    .each_ref()
                    .map(|pieces| authorized(&server, &login, pieces));
                if protocol == Protocol::Pop3 {
                    // as in nginx a refusal is all that has come, so its end is the end of a packet
                    for (_, over) in &mut heard {
                        *over = over.replace("Unexpected", "");
                    }
                }
                assert!(heard.iter().all(|one| *one == heard[0]), "{heard:?}");
                let heard = cuts
                    .each_ref()
                    .map(|pieces| by_backend(&server, &login, pieces));
                assert!(heard.iter().all(|one| *one == heard[0]), "{heard:?}");
            }
        }
    }
}

fn authorized(server: &Server, login: &Login, pieces: &[Vec<u8>]) -> (String, String) {
    let user = login.credentials.user().into();
    let pass = login.credentials.password().cloned();
    let login = login.clone();
    let dialogue = dialogues::authorized_login(server, CLIENT, login, user, pass, Some(true));
    hear(pieces, dialogue, |outcome| format!("{outcome:?}"))
}

fn by_backend(server: &Server, login: &Login, pieces: &[Vec<u8>]) -> (String, String) {
    use backend_login::Outcome::{Accepted, Challenge, NotOffered, Refused};
    let dialogue = dialogues::backend_login(server, CLIENT, Request::Login(login.clone()));
    hear(pieces, dialogue, |outcome| match outcome {
        Challenge(text, _) => format!("{text:?}"),
        Accepted(accepted) => format!("{accepted:?}"),
        Refused(rejection, _) => format!("{rejection:?}"),
        NotOffered(_) => "NotOffered".to_owned(),
    })
}
