//! The protocol code with random clients and backends: it terminates without a panic, its output does not depend on how the input is
//! split, and the output is not much larger than the input. It uses no sockets and no nginx.

use std::ops::ControlFlow;
use std::sync::Arc;

use portcullis::base::{Protocol, SessionId};
use portcullis::config::Server;
use portcullis::proto::backend::backend_login::{self, Idle, Request};
use portcullis::proto::client::{Dialogue, Progress, then};
use portcullis::proto::dialogues::Authorization;
use portcullis::proto::{ClientHost, Input, Login, Refusal, Settings, Step, dialogues};
use portcullis_conformance::case::Header;
use portcullis_conformance::conversation::generate;
use portcullis_conformance::conversation::script::Script;
use portcullis_conformance::gateway::{Program, configuration};
use portcullis_conformance::memory;
use portcullis_conformance::rng::Rng;
use portcullis_conformance::template::Values;
use portcullis_conformance::workdir::WorkDir;

const SEED: u64 = 20;
const COUNT: u64 = 400;
/// The size of the client's buffer: small, so that it is sometimes full.
const BUFFER: usize = 256;
/// The client as its backend sees it.
fn client() -> ClientHost<'static> {
    ClientHost {
        address: "192.0.2.1",
        name: "[UNAVAILABLE]",
        port: None,
        connected: None,
        session: SessionId::of_connection(1),
        identification: None,
    }
}

/// A server with all methods enabled.
fn server(protocol: Protocol, workdir: &WorkDir) -> Arc<Server> {
    let methods = match protocol {
        Protocol::Smtp => {
            "smtp_auth plain login cram-md5 external xoauth2 oauthbearer none scram-sha-1 scram-sha-256;"
        }
        Protocol::Imap => {
            "imap_auth plain login cram-md5 external xoauth2 oauthbearer scram-sha-1 scram-sha-256;"
        }
        Protocol::Pop3 => {
            "pop3_auth plain apop cram-md5 external xoauth2 oauthbearer scram-sha-1 scram-sha-256;"
        }
        Protocol::Sieve => {
            "sieve_auth plain login cram-md5 external xoauth2 oauthbearer scram-sha-1 scram-sha-256;"
        }
    };
    let header = Header {
        protocol: protocol.to_string(),
        server: vec![
            methods.to_owned(),
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
        root: workdir.root_text(),
        ..Values::default()
    };
    let text = configuration(&Program::InMemory, &header, &values);
    memory::server(&text, &workdir.root).expect("a valid configuration")
}

/// The bytes that a client sends: those of a script, with random bytes inserted.
fn client_input(script: &Script, rng: &mut Rng) -> Vec<u8> {
    let mut bytes = script.sent();
    for _ in 0..rng.up_to(3) {
        let at = rng.up_to(bytes.len());
        let inserted = (0..rng.up_to(6)).map(|_| rng.byte()).collect::<Vec<_>>();
        bytes.splice(at..at, inserted);
    }
    bytes
}

/// The output of a server dialogue, and the logins that it asked to authenticate.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    logins: Vec<Login>,
    notes: Vec<String>,
    closed: bool,
}

/// Feeds a server dialogue piece by piece, as a session does, and refuses every login.
fn run_server(server: &Server, pieces: &[Vec<u8>]) -> Output {
    let mut dialogue = Settings::of(server).server(false, None);
    let mut output = Output::default();
    let mut buffer: Vec<u8> = Vec::new();
    let length: usize = pieces.iter().map(Vec::len).sum();
    let mut steps = 0;
    let mut input = pieces.iter().flatten().copied();
    let mut lengths: Vec<usize> = pieces.iter().rev().map(Vec::len).collect();
    while let Some(left) = lengths.pop() {
        let room = BUFFER - buffer.len();
        buffer.extend(input.by_ref().take(left.min(room)));
        if left > room {
            lengths.push(left - room);
        }
        loop {
            steps += 1;
            assert!(steps <= 4 * length + 64, "no end of {pieces:?}");
            let mut input = Input::new(&buffer, buffer.len() >= BUFFER);
            let before = output.bytes.len();
            let turn = dialogue.advance(&mut input, &mut output.bytes);
            assert!(
                output.bytes.len() - before <= 2 * BUFFER + 1024,
                "too much output of one step"
            );
            let taken = input.taken();
            buffer.drain(..taken);
            output.notes.extend(turn.note.map(|note| note.to_string()));
            match turn.step {
                Step::Next | Step::Identified(_) => {}
                Step::Read => break,
                Step::StartTls => dialogue.secured(),
                Step::Challenge(_) => {
                    dialogue.challenge(b"<1.2@mx.example>".as_slice().into(), &mut output.bytes);
                }
                Step::Authenticate(login) => {
                    output.logins.push(*login);
                    dialogue.refuse(&Refusal::Unavailable, &mut output.bytes);
                }
                Step::Respond(_) => {
                    dialogue.refuse(&Refusal::Unavailable, &mut output.bytes);
                }
                Step::Quit | Step::Close => {
                    output.closed = true;
                    return output;
                }
            }
        }
    }
    assert!(
        output.bytes.len() <= 300 * length + 1024,
        "too much output for {length} bytes"
    );
    output
}

impl Output {
    /// All of it in a form that can be compared.
    fn shown(&self) -> (String, Vec<String>, String, bool) {
        (
            String::from_utf8_lossy(&self.bytes).into_owned(),
            self.notes.clone(),
            format!("{:?}", self.logins),
            self.closed,
        )
    }
}

fn single_bytes(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.iter().map(|&byte| vec![byte]).collect()
}

#[test]
fn server_dialogues_do_not_depend_on_splits() {
    let workdir = WorkDir::with_own_pki(0).expect("a working directory");
    for protocol in Protocol::ALL {
        let server = server(protocol, &workdir);
        let mut logins = 0;
        for number in 0..COUNT {
            let mut rng = Rng::new(SEED, number);
            let script = generate::script(protocol, SEED, number);
            let bytes = client_input(&script, &mut rng);
            let whole = run_server(&server, std::slice::from_ref(&bytes));
            for pieces in [rng.split(&bytes, 100), single_bytes(&bytes)] {
                let split = run_server(&server, &pieces);
                assert_eq!(split.shown(), whole.shown(), "{pieces:?}");
            }
            logins += whole.logins.len();
        }
        assert!(logins > 100, "only {logins} logins in {protocol}");
    }
}

/// The bytes that a backend sends: common replies, the unusual ones of a script, and random bytes.
fn backend_input(protocol: Protocol, script: &Script, rng: &mut Rng) -> Vec<u8> {
    let common: &[&str] = match protocol {
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
        Protocol::Sieve => &[
            "\"SASL\" \"PLAIN CRAM-MD5\"\r\n\"SIEVE\" {3}\r\na b\r\nOK \"a\"\r\n",
            "\"\"\r\n",
            "{12}\r\nPDEuMkBhPg==\r\n",
            "OK\r\n",
            "OK (SASL \"\") {1}\r\nx\r\n",
            "NO (TRYLATER) \"no\"\r\n",
            "BYE\r\n",
        ],
    };
    let mut bytes = common[0].as_bytes().to_vec();
    for _ in 0..6 {
        bytes.extend_from_slice(rng.pick(common).as_bytes());
        if rng.percent(10) {
            bytes.extend((0..rng.up_to(9)).map(|_| rng.byte()));
        }
    }
    for reply in script.replies.values() {
        bytes.splice(0..0, reply.packets.concat());
    }
    bytes
}

/// Feeds a dialogue with a backend piece by piece; returns its output and its outcome.
fn run_client<O>(
    pieces: &[Vec<u8>],
    mut dialogue: Dialogue<O>,
    shown: impl Fn(O) -> String,
) -> (String, String) {
    let (mut output, mut buffer) = (Vec::new(), Vec::new());
    let text = |output: &[u8]| String::from_utf8_lossy(output).into_owned();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(end) = dialogue.whole(&buffer) {
            assert!(0 < end && end <= buffer.len());
            let reply: Vec<u8> = buffer.drain(..end).collect();
            let before = output.len();
            let progress = dialogue.advance(&reply, &mut output);
            assert!(output.len() - before <= 2048, "too much output of one step");
            match progress {
                Progress::Read(next) => dialogue = next,
                Progress::Done(outcome) => return (text(&output), shown(outcome)),
                Progress::Unexpected { .. } => return (text(&output), "Unexpected".to_owned()),
            }
        }
    }
    (text(&output), String::new())
}

#[test]
fn dialogues_with_backends_do_not_depend_on_splits() {
    let workdir = WorkDir::with_own_pki(1).expect("a working directory");
    for protocol in Protocol::ALL {
        let server = server(protocol, &workdir);
        for number in 0..COUNT {
            let mut rng = Rng::new(SEED, number);
            let script = generate::script(protocol, SEED, number);
            let client = run_server(&server, &[script.sent()]);
            let bytes = backend_input(protocol, &script, &mut rng);
            let splits = [
                vec![bytes.clone()],
                rng.split(&bytes, 100),
                single_bytes(&bytes),
            ];
            for login in client.logins {
                let mut results = splits
                    .each_ref()
                    .map(|pieces| authorized_login(&server, &login, pieces));
                if protocol == Protocol::Pop3 {
                    // As in nginx a refusal is everything that has arrived, so it depends on the packets.
                    for (_, outcome) in &mut results {
                        *outcome = outcome.replace("Unexpected", "");
                    }
                }
                assert!(results.iter().all(|one| *one == results[0]), "{results:?}");
                let results = splits
                    .each_ref()
                    .map(|pieces| backend_login(&server, &login, pieces));
                assert!(results.iter().all(|one| *one == results[0]), "{results:?}");
            }
        }
    }
}

fn authorized_login(server: &Server, login: &Login, pieces: &[Vec<u8>]) -> (String, String) {
    let user = login.credentials.user().into();
    let pass = login.credentials.password().cloned();
    let login = login.clone();
    let authorization = Authorization {
        login,
        user,
        pass,
        smtp_auth: Some(true),
    };
    let opening = authorization.opening(server, client());
    let task = authorization.task(server);
    let dialogue = then(opening, |opened, _, out| match task.begin(opened, out) {
        ControlFlow::Continue(dialogue) => Progress::Read(dialogue),
        ControlFlow::Break(outcome) => Progress::Done(outcome),
    });
    run_client(pieces, dialogue, |outcome| format!("{outcome:?}"))
}

fn backend_login(server: &Server, login: &Login, pieces: &[Vec<u8>]) -> (String, String) {
    use backend_login::Outcome::{Accepted, Challenge, Message, NotOffered, Refused};
    let request = Request::Login(login.clone());
    let opening = dialogues::backend_opening(server, client(), &login.origin);
    let dialogue = then(opening, |opened, _, out| {
        let idle = Idle::new(opened, request.origin().helo().cloned());
        match idle.request(request, out) {
            Ok(dialogue) => Progress::Read(dialogue),
            Err(idle) => Progress::Done(NotOffered(idle)),
        }
    });
    run_client(pieces, dialogue, |outcome| match outcome {
        Challenge(text, _) => format!("{text:?}"),
        Message(_, message, _) => format!("{message:?}"),
        Accepted(accepted, _) => format!("{accepted:?}"),
        Refused(rejection, _) => format!("{rejection:?}"),
        NotOffered(_) => "NotOffered".to_owned(),
    })
}
