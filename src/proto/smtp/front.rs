//! The SMTP server that a client talks to, from the greeting to the login.

use std::sync::Arc;

use super::Settings;
use super::command::{self, Command, Verb};
use crate::config::{Method, StartTls};
use crate::proto::login::Bytes;
use crate::proto::{Credentials, Envelope, Helo, Input, Login, Note, Refusal, Step, Turn, sasl};

const OK: &[u8] = b"250 2.0.0 OK\r\n";
const BYE: &[u8] = b"221 2.0.0 Bye\r\n";
const START_TLS: &[u8] = b"220 2.0.0 Start TLS\r\n";
const CHALLENGE: &[u8] = b"334 \r\n";
const USERNAME: &[u8] = b"334 VXNlcm5hbWU6\r\n";
const PASSWORD: &[u8] = b"334 UGFzc3dvcmQ6\r\n";
const INVALID_COMMAND: &[u8] = b"500 5.5.1 Invalid command\r\n";
const INVALID_ARGUMENT: &[u8] = b"501 5.5.4 Invalid argument\r\n";
const BAD_SEQUENCE: &[u8] = b"503 5.5.1 Bad sequence of commands\r\n";
const AUTH_REQUIRED: &[u8] = b"530 5.7.1 Authentication required\r\n";
const TLS_REQUIRED: &[u8] = b"530 5.7.0 Must issue a STARTTLS command first\r\n";
const EARLY: &[u8] = b"503 5.5.0 Improper use of SMTP command pipelining\r\n";
const UNKNOWN_MECHANISM: &[u8] = b"504 5.5.4 Unrecognized authentication type\r\n";
const UNAVAILABLE: &[u8] = b"451 4.4.1 Mail server temporarily unavailable, try again later\r\n";
const INTERNAL_ERROR: &[u8] = b"451 4.3.2 Internal server error\r\n";
const LOGGED_IN: &[u8] = b"235 2.0.0 OK\r\n";

/// Where the dialogue is.
#[derive(Debug)]
enum State {
    /// Between commands.
    Start,
    /// `AUTH PLAIN` asked for its message.
    PlainAnswer,
    /// `AUTH LOGIN` asked for the user name.
    LoginUser,
    /// … and for the password.
    LoginPass { user: Bytes },
    /// `AUTH CRAM-MD5` sent its challenge.
    CramAnswer { salt: Bytes },
    /// `AUTH EXTERNAL` asked for the user name.
    ExternalAnswer,
}

/// One client's dialogue.
#[derive(Debug)]
pub struct Front {
    settings: Arc<Settings>,
    state: State,
    secure: bool,
    helo: Helo,
    mail: Option<Bytes>,
    errors: usize,
    commands: usize,
}

/// What a command came to: a step, or the reply "invalid command".
type Outcome = Result<Step, Option<Note>>;

impl Front {
    /// A dialogue that has not begun; `secure` when TLS was there from the first byte.
    pub fn new(settings: Arc<Settings>, secure: bool) -> Self {
        Front {
            settings,
            state: State::Start,
            secure,
            helo: Helo::default(),
            mail: None,
            errors: 0,
            commands: 0,
        }
    }

    /// The greeting.
    pub fn greet(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.settings.greeting);
    }

    /// The answer to a client that spoke before the greeting.
    pub fn early(&mut self, data: &[u8], out: &mut Vec<u8>) -> Turn {
        out.extend_from_slice(EARLY);
        Step::Close.noting(Note::Early(data.into()))
    }

    /// Looks at one command, if one is whole.
    pub fn advance(&mut self, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        if input.is_stuck() && memchr::memchr(b'\n', input.rest()).is_none() {
            out.extend_from_slice(INVALID_COMMAND);
            return Step::Close.noting(Note::TooLong(input.rest().into()));
        }
        let Some(line) = input.line() else {
            return Step::Read.into();
        };
        match std::mem::replace(&mut self.state, State::Start) {
            State::Start => match Command::parse(line) {
                Ok(command) => self.counted(out, |front, out| front.command(&command, line, out)),
                Err(command::Invalid) => self.invalid(out),
            },
            state => match command::answer(line) {
                Ok(answer) => self.counted(out, |front, out| front.answer(state, answer, out)),
                Err(command::Invalid) => self.invalid(out),
            },
        }
    }

    /// Runs what was parsed, unless `max_commands` is passed.
    fn counted(
        &mut self,
        out: &mut Vec<u8>,
        run: impl FnOnce(&mut Self, &mut Vec<u8>) -> Result<Turn, Option<Note>>,
    ) -> Turn {
        self.commands += 1;
        if self.commands > self.settings.max_commands {
            out.extend_from_slice(INVALID_COMMAND);
            return Step::Close.noting(Note::TooMany);
        }
        run(self, out).unwrap_or_else(|note| {
            out.extend_from_slice(INVALID_COMMAND);
            Turn {
                step: Step::Next,
                note,
            }
        })
    }

    /// A line that is no command counts as an error.
    fn invalid(&mut self, out: &mut Vec<u8>) -> Turn {
        out.extend_from_slice(INVALID_COMMAND);
        self.error()
    }

    fn error(&mut self) -> Turn {
        self.errors += 1;
        if self.errors >= self.settings.max_errors {
            Step::Close.noting(Note::TooManyInvalid)
        } else {
            Step::Next.into()
        }
    }

    fn command(
        &mut self,
        command: &Command<'_>,
        line: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Turn, Option<Note>> {
        let reply: &[u8] = match command.verb {
            Verb::Helo | Verb::Ehlo => return Ok(self.hello(command, out).into()),
            Verb::Auth => return self.auth(command, out).map(Turn::from),
            Verb::Mail => return Ok(self.mail(command, line, out)),
            Verb::Rcpt => return Ok(self.rcpt(command, out).into()),
            Verb::StartTls => {
                if self.secure || self.settings.starttls == StartTls::Off {
                    return Err(None);
                }
                self.helo.name = None;
                self.mail = None;
                out.extend_from_slice(START_TLS);
                return Ok(Step::StartTls.into());
            }
            Verb::Quit => {
                out.extend_from_slice(BYE);
                return Ok(Step::Close.into());
            }
            Verb::Rset => {
                self.mail = None;
                OK
            }
            Verb::Noop => OK,
            Verb::Refused => return Err(None),
        };
        out.extend_from_slice(reply);
        Ok(Step::Next.into())
    }

    fn hello(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Step {
        let Some(name) = command
            .only_argument()
            .filter(|_| !command.has_control_bytes())
        else {
            out.extend_from_slice(INVALID_ARGUMENT);
            return Step::Next;
        };
        self.helo.name = Some(name.into());
        self.mail = None;
        let reply = if command.verb == Verb::Helo {
            &self.settings.helo
        } else {
            self.helo.extended = true;
            if self.secure {
                &self.settings.ehlo_tls
            } else {
                &self.settings.ehlo
            }
        };
        out.extend_from_slice(reply);
        Step::Next
    }

    /// TLS must come first, and has not.
    fn must_start_tls(&self) -> bool {
        !self.secure && self.settings.starttls == StartTls::Only
    }

    fn auth(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Outcome {
        if self.must_start_tls() {
            return Err(None);
        }
        let mut arguments = command.arguments();
        let Some(mechanism) = arguments.next() else {
            out.extend_from_slice(INVALID_ARGUMENT);
            return Ok(Step::Next);
        };
        let (initial, more) = (arguments.next(), arguments.next().is_some());
        let enabled = |method| self.settings.methods.has(method);
        let (state, challenge) = match (&*mechanism.to_ascii_uppercase(), initial) {
            _ if more => return Err(None),
            (b"PLAIN", None) => (State::PlainAnswer, CHALLENGE),
            (b"LOGIN", None) => (State::LoginUser, USERNAME),
            (b"LOGIN", Some(user)) => {
                let user = sasl::user(user, "LOGIN").map_err(Some)?;
                (State::LoginPass { user }, PASSWORD)
            }
            (b"CRAM-MD5", None) if enabled(Method::CramMd5) => return Ok(Step::Challenge),
            (b"EXTERNAL", None) if enabled(Method::External) => (State::ExternalAnswer, USERNAME),
            (b"PLAIN", Some(message)) => return self.login(sasl::plain(message)),
            (b"EXTERNAL", Some(user)) if enabled(Method::External) => {
                return self.login(external(user));
            }
            _ => return Err(None),
        };
        self.state = state;
        out.extend_from_slice(challenge);
        Ok(Step::Next)
    }

    /// The client's answer to a challenge.
    fn answer(
        &mut self,
        state: State,
        text: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Turn, Option<Note>> {
        let credentials = match state {
            State::PlainAnswer => sasl::plain(text),
            State::LoginUser => {
                let user = sasl::user(text, "LOGIN").map_err(Some)?;
                self.state = State::LoginPass { user };
                out.extend_from_slice(PASSWORD);
                return Ok(Step::Next.into());
            }
            State::LoginPass { user } => {
                sasl::password(text).map(|pass| Credentials::Plain { user, pass })
            }
            State::CramAnswer { salt } => sasl::cram_md5(text, &salt),
            State::ExternalAnswer => external(text),
            State::Start => return Err(None),
        };
        self.login(credentials).map(Turn::from)
    }

    fn login(&self, credentials: Result<Credentials, Note>) -> Outcome {
        let credentials = credentials.map_err(Some)?;
        Ok(Step::Ask(Box::new(Login {
            credentials,
            helo: self.helo.clone(),
            envelope: None,
        })))
    }

    /// How the client introduced itself so far.
    pub fn helo(&self) -> &Helo {
        &self.helo
    }

    fn mail(&mut self, command: &Command<'_>, line: &[u8], out: &mut Vec<u8>) -> Turn {
        if !self.settings.methods.has(Method::None) {
            out.extend_from_slice(AUTH_REQUIRED);
            return Step::Next.noting(Note::Rejected(line.into()));
        }
        let reply = if self.must_start_tls() {
            TLS_REQUIRED
        } else if self.mail.is_some() {
            BAD_SEQUENCE
        } else if command.arguments().next().is_none() || command.has_control_bytes() {
            INVALID_ARGUMENT
        } else if self.settings.judged {
            return self.send(command.text.into(), None).into();
        } else {
            self.mail = Some(command.text.into());
            OK
        };
        out.extend_from_slice(reply);
        Step::Next.into()
    }

    fn rcpt(&mut self, command: &Command<'_>, out: &mut Vec<u8>) -> Step {
        let Some(mail) = &self.mail else {
            out.extend_from_slice(BAD_SEQUENCE);
            return Step::Next;
        };
        if command.arguments().next().is_none() || command.has_control_bytes() {
            out.extend_from_slice(INVALID_ARGUMENT);
            return Step::Next;
        }
        self.send(mail.clone(), Some(command.text.into()))
    }

    /// Mail without a login.
    fn send(&self, mail: Bytes, rcpt: Option<Bytes>) -> Step {
        Step::Ask(Box::new(Login {
            credentials: Credentials::None,
            helo: self.helo.clone(),
            envelope: Some(Envelope { mail, rcpt }),
        }))
    }

    /// The challenge for CRAM-MD5, with its angle brackets.
    pub fn challenge(&mut self, salt: Bytes, out: &mut Vec<u8>) {
        out.extend_from_slice(b"334 ");
        out.extend_from_slice(sasl::encode(&salt).as_bytes());
        out.extend_from_slice(b"\r\n");
        self.state = State::CramAnswer { salt };
    }

    /// The TLS handshake is done.
    pub fn secured(&mut self) {
        self.secure = true;
    }

    /// The login came to nothing. The step says whether the session may go on.
    pub fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) -> Turn {
        match refusal {
            Refusal::Denied { code, text } => {
                out.extend_from_slice(code.as_deref().unwrap_or(b"535 5.7.0"));
                out.extend_from_slice(b" ");
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Refusal::Judged { code, reply } => {
                match reply {
                    Some(reply) => out.extend_from_slice(reply),
                    None => out.extend_from_slice(judgement(*code).as_bytes()),
                }
                return if *code == 421 {
                    Step::Close.into()
                } else {
                    self.error()
                };
            }
            Refusal::Mechanism => out.extend_from_slice(UNKNOWN_MECHANISM),
            Refusal::Unavailable => out.extend_from_slice(UNAVAILABLE),
        }
        Step::Next.into()
    }

    /// A login that the backend accepted.
    pub fn accept(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(LOGGED_IN);
    }

    /// Something broke on our side.
    pub fn fail(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(INTERNAL_ERROR);
    }

    /// The client took too long.
    pub fn time_out(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"421 4.4.2 ");
        out.extend_from_slice(&self.settings.name);
        out.extend_from_slice(b" timeout exceeded\r\n");
    }
}

fn external(text: &[u8]) -> Result<Credentials, Note> {
    sasl::user(text, "EXTERNAL").map(|user| Credentials::External { user })
}

/// A refusal in our own words, where the backend's are not to be shown.
fn judgement(code: u16) -> String {
    match code {
        535 => "535 5.7.8 Authentication failed\r\n".into(),
        400..=499 => format!("{code} 4.7.0 Temporary authentication failure\r\n"),
        _ => format!("{code} 5.7.0 Authentication failed\r\n"),
    }
}

#[cfg(test)]
mod tests;
