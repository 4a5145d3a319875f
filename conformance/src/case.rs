//! A dialogue case: who says what, in order. Pure; the runner over sockets and a runner without them read the same events.
//!
//! Header lines come first (`key = value`, `m| ` and `s| ` lines of configuration, `#` comments), then one line per wire line:
//! `C>` and `S<` for what the client sends and reads, `A>` and `A<` for the auth server, `U>` and `U<` for the backend.

use std::time::Duration;

use crate::escape;
use crate::template::Template;

/// One of the three parties around the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Client,
    Auth,
    Backend,
}

/// One step of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The peer sends these bytes in one write.
    Send(Template),
    /// The same, one byte in a packet.
    SendBytewise(Template),
    /// The peer reads exactly this.
    Expect(Template),
    /// The peer reads nothing for a moment.
    ExpectNothing,
    /// The gateway closes the connection within this time, and says nothing before.
    ExpectEnd(Duration),
    /// The gateway closes; what it says before is not looked at (a TLS alert is up to the library).
    ExpectGone,
    /// The peer shuts its sending side.
    HalfClose,
    /// The peer closes.
    Close,
    /// The client connects anew.
    Connect,
    /// The client begins a TLS handshake, with this certificate of `pki/` if asked for one.
    Tls(Option<String>),
    /// Nobody does anything; only where the protocol is about time, or to part two packets.
    Wait(Duration),
}

/// A step, by whom, and which lines of the file (from 0, end exclusive) say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub peer: Peer,
    pub act: Act,
    pub lines: std::ops::Range<usize>,
}

/// What the header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What is spoken: the folder of the case.
    pub protocol: String,
    /// Lines for `mail {}` (`m| `).
    pub mail: Vec<String>,
    /// Lines for `server {}` (`s| `).
    pub server: Vec<String>,
    /// Further parameters of `listen` (`listen = ssl`).
    pub listen: String,
    /// Level of the error log (`log = error`); info if not said.
    pub log: Option<String>,
    /// `auth = refused`: nobody listens there.
    pub auth_refused: bool,
    /// `backend = refused`: nobody listens there.
    pub backend_refused: bool,
    /// `oracle = older`: the installable nginx differs, the text is from the specification.
    pub oracle_older: bool,
}

/// A parsed dialogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    pub header: Header,
    pub events: Vec<Event>,
    /// What the error log says at the end (`L| `); empty if it is not looked at.
    pub log: Vec<String>,
}

/// How long a peer waits for the gateway before the case fails.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Two packets are parted by this much silence: enough for the gateway to have read the first one.
pub const PACKET_GAP: Duration = Duration::from_millis(30);

impl Case {
    /// Reads the file of the case `dialogue/<protocol>/…`.
    ///
    /// # Errors
    /// As [`Case::parse`].
    pub fn of(name: &str, text: &str) -> Result<Self, String> {
        let mut case = Self::parse(text)?;
        let protocol = name.split('/').nth(1).unwrap_or("smtp");
        case.header.protocol = protocol.to_owned();
        Ok(case)
    }

    /// Reads a case file, whatever it speaks.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut case = Self::default();
        let mut group: Option<Group> = None;
        for (number, line) in text.lines().enumerate() {
            let fault = |why: String| format!("line {}: {why}: {line}", number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(message) = line.strip_prefix("L| ") {
                case.log.push(message.to_owned());
                continue;
            }
            let Some((peer, sends, rest)) = direction(line) else {
                if !case.events.is_empty() || group.is_some() {
                    return Err(fault("not an event".to_owned()));
                }
                case.header.read(line).map_err(fault)?;
                continue;
            };
            match text_of(rest) {
                Some(text) => {
                    let bytes = escape::decode(text).map_err(fault)?;
                    match &mut group {
                        Some(group) if group.peer == peer && group.sends == sends => {
                            group.add(&bytes, number)
                        }
                        _ => {
                            case.events.extend(group.take().map(Group::end));
                            group = Some(Group {
                                peer,
                                sends,
                                bytes,
                                lines: number..number + 1,
                            });
                        }
                    }
                }
                None => {
                    case.events.extend(group.take().map(Group::end));
                    let act = keyword(peer, sends, rest).map_err(fault)?;
                    case.events.push(Event {
                        peer,
                        act,
                        lines: number..number + 1,
                    });
                }
            }
        }
        case.events.extend(group.map(Group::end));
        if case.events.is_empty() {
            return Err("nobody says anything".to_owned());
        }
        Ok(case)
    }
}

struct Group {
    peer: Peer,
    sends: bool,
    bytes: Vec<u8>,
    lines: std::ops::Range<usize>,
}

impl Group {
    fn add(&mut self, bytes: &[u8], number: usize) {
        self.bytes.extend_from_slice(bytes);
        self.lines.end = number + 1;
    }

    fn end(self) -> Event {
        let template = Template::new(&self.bytes);
        let act = if self.sends {
            Act::Send(template)
        } else {
            Act::Expect(template)
        };
        Event {
            peer: self.peer,
            act,
            lines: self.lines,
        }
    }
}

impl Header {
    fn read(&mut self, line: &str) -> Result<(), String> {
        if let Some(line) = line.strip_prefix("m| ") {
            self.mail.push(line.to_owned());
            return Ok(());
        }
        if let Some(line) = line.strip_prefix("s| ") {
            self.server.push(line.to_owned());
            return Ok(());
        }
        match line
            .split_once(" = ")
            .ok_or("neither an option nor an event")?
        {
            ("listen", value) => self.listen = value.to_owned(),
            ("log", value) => self.log = Some(value.to_owned()),
            ("auth", "refused") => self.auth_refused = true,
            ("backend", "refused") => self.backend_refused = true,
            ("oracle", "older") => self.oracle_older = true,
            _ => return Err("unknown option".to_owned()),
        }
        Ok(())
    }
}

/// The two letters that say who does what to whom: the peer, whether it sends, and the rest of the line.
fn direction(line: &str) -> Option<(Peer, bool, &str)> {
    let (peer, sends) = match line.get(..2)? {
        "C>" => (Peer::Client, true),
        "S<" => (Peer::Client, false),
        "A<" => (Peer::Auth, true),
        "A>" => (Peer::Auth, false),
        "U<" => (Peer::Backend, true),
        "U>" => (Peer::Backend, false),
        _ => return None,
    };
    Some((peer, sends, &line[2..]))
}

/// The letters that stand before what this peer reads.
pub fn reads(peer: Peer) -> &'static str {
    match peer {
        Peer::Client => "S<",
        Peer::Auth => "A>",
        Peer::Backend => "U>",
    }
}

fn text_of(rest: &str) -> Option<&str> {
    if rest.is_empty() {
        Some("")
    } else {
        rest.strip_prefix(' ')
    }
}

fn keyword(peer: Peer, sends: bool, rest: &str) -> Result<Act, String> {
    let (word, argument) = rest.split_once(' ').unwrap_or((rest, ""));
    let client = peer == Peer::Client;
    Ok(match (sends, word) {
        (true, "BYTES") => Act::SendBytewise(Template::new(&escape::decode(argument)?)),
        (true, "EOF") => Act::HalfClose,
        (true, "CLOSE") => Act::Close,
        (true, "FLUSH") => Act::Wait(PACKET_GAP),
        (true, "WAIT") => Act::Wait(milliseconds(argument)?),
        (true, "CONNECT") if client => Act::Connect,
        (true, "TLS") if client => Act::Tls((!argument.is_empty()).then(|| argument.to_owned())),
        (false, "EOF") if argument.is_empty() => Act::ExpectEnd(PATIENCE),
        (false, "EOF") => Act::ExpectEnd(milliseconds(argument)?),
        (false, "GONE") => Act::ExpectGone,
        (false, "NONE") => Act::ExpectNothing,
        _ => return Err("unknown keyword".to_owned()),
    })
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().map(Duration::from_millis);
    number.map_err(|_| format!("{text} is no number of milliseconds"))
}

#[cfg(test)]
mod tests {
    use super::{Act, Case, PATIENCE, Peer};
    use crate::template::Template;

    #[test]
    fn lines_of_one_direction_are_one_packet() {
        let case = Case::parse(
            "# what\nlisten = ssl\ns| xclient off;\n\nS< 220 x\nC> NOOP\n\nC> QUIT\\n\\c\nS<EOF\n",
        )
        .unwrap();
        assert_eq!(case.header.listen, "ssl");
        assert_eq!(case.header.server, ["xclient off;"]);
        assert_eq!(case.events.len(), 3);
        assert_eq!(
            case.events[1].act,
            Act::Send(Template::new(b"NOOP\r\nQUIT\n"))
        );
        assert_eq!(case.events[1].lines, 5..8);
        assert_eq!(
            (case.events[2].peer, &case.events[2].act),
            (Peer::Client, &Act::ExpectEnd(PATIENCE))
        );
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        assert!(
            Case::parse("S< 220\nlisten = ssl\n")
                .unwrap_err()
                .starts_with("line 2")
        );
        assert!(Case::parse("S<WHAT\n").unwrap_err().starts_with("line 1"));
        assert!(Case::parse("\n").is_err());
    }
}
