//! Parses case files.
//!
//! Header lines come first (`key = value`, `m| ` and `s| ` lines of configuration, `#` comments), then one line per wire line:
//! `C>` and `S<` for what the client sends and reads, `A<` and `A>` for the auth server, `U<` and `U>` for the backend.

use std::ops::Range;
use std::time::Duration;

use super::{Action, Case, Event, Header, PACKET_GAP, Peer, PeerAddress, TIMEOUT};
use crate::escape;
use crate::template::Template;

impl Case {
    /// Parses the file of the case `dialogue/<protocol>/…`.
    ///
    /// # Errors
    /// As [`Case::parse`].
    pub fn of(name: &str, text: &str) -> Result<Self, String> {
        let mut case = Self::parse(text)?;
        let protocol = name.split('/').nth(1).unwrap_or("smtp");
        case.header.protocol = protocol.to_owned();
        Ok(case)
    }

    /// Parses a case file; the protocol stays empty.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut case = Self::default();
        let mut packet: Option<Packet> = None;
        for (number, line) in text.lines().enumerate() {
            let error = |reason: String| format!("line {}: {reason}: {line}", number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(message) = line.strip_prefix("L| ") {
                case.log.push(message.to_owned());
                continue;
            }
            let Some((peer, sends, rest)) = direction(line) else {
                if !case.events.is_empty() || packet.is_some() {
                    return Err(error("not an event".to_owned()));
                }
                case.header.parse(line).map_err(error)?;
                continue;
            };
            match text_of(rest) {
                Some(text) => {
                    let bytes = escape::decode(text).map_err(error)?;
                    match &mut packet {
                        Some(packet) if packet.peer == peer && packet.sends == sends => {
                            packet.add(&bytes, number);
                        }
                        _ => {
                            case.events.extend(packet.take().map(Packet::event));
                            packet = Some(Packet {
                                peer,
                                sends,
                                bytes,
                                lines: number..number + 1,
                            });
                        }
                    }
                }
                None => {
                    case.events.extend(packet.take().map(Packet::event));
                    let action = keyword(peer, sends, rest).map_err(error)?;
                    case.events.push(Event {
                        peer,
                        action,
                        lines: number..number + 1,
                    });
                }
            }
        }
        case.events.extend(packet.map(Packet::event));
        if case.events.is_empty() {
            return Err("no events".to_owned());
        }
        Ok(case)
    }
}

/// Consecutive lines of one direction: one packet.
struct Packet {
    peer: Peer,
    sends: bool,
    bytes: Vec<u8>,
    lines: Range<usize>,
}

impl Packet {
    fn add(&mut self, bytes: &[u8], number: usize) {
        self.bytes.extend_from_slice(bytes);
        self.lines.end = number + 1;
    }

    fn event(self) -> Event {
        let template = Template::new(&self.bytes);
        let action = if self.sends {
            Action::Send(template)
        } else {
            Action::Expect(template)
        };
        Event {
            peer: self.peer,
            action,
            lines: self.lines,
        }
    }
}

impl Header {
    fn parse(&mut self, line: &str) -> Result<(), String> {
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
            ("auth", value) => self.auth = PeerAddress::parse(value)?,
            ("backend", value) => self.backend = PeerAddress::parse(value)?,
            ("oracle", "older") => self.oracle_older = true,
            _ => return Err("unknown option".to_owned()),
        }
        Ok(())
    }
}

impl PeerAddress {
    fn parse(value: &str) -> Result<Self, String> {
        match value {
            "ipv6" => Ok(Self::Ipv6),
            "unix" => Ok(Self::Unix),
            "refused" => Ok(Self::Refused),
            _ => Err("unknown option".to_owned()),
        }
    }
}

/// The peer, whether it sends, and the rest of the line.
fn direction(line: &str) -> Option<(Peer, bool, &str)> {
    let prefix = line.get(..2)?;
    let found = Peer::ALL.into_iter().find_map(|peer| match prefix {
        prefix if prefix == peer.send_prefix() => Some((peer, true)),
        prefix if prefix == peer.read_prefix() => Some((peer, false)),
        _ => None,
    });
    found.map(|(peer, sends)| (peer, sends, &line[2..]))
}

fn text_of(rest: &str) -> Option<&str> {
    if rest.is_empty() {
        Some("")
    } else {
        rest.strip_prefix(' ')
    }
}

fn keyword(peer: Peer, sends: bool, rest: &str) -> Result<Action, String> {
    let (word, argument) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_client = peer == Peer::Client;
    Ok(match (sends, word) {
        (true, "BYTES") => Action::SendBytewise(Template::new(&escape::decode(argument)?)),
        (true, "EOF") => Action::HalfClose,
        (true, "CLOSE") => Action::Close,
        (true, "RESET") => Action::Reset,
        (true, "FLUSH") => Action::Wait(PACKET_GAP),
        (true, "WAIT") => Action::Wait(milliseconds(argument)?),
        (true, "CONNECT") if is_client => Action::Connect,
        (true, "TLS") if is_client => {
            Action::StartTls((!argument.is_empty()).then(|| argument.to_owned()))
        }
        (false, "EOF") if argument.is_empty() => Action::ExpectEof(TIMEOUT),
        (false, "EOF") => Action::ExpectEof(milliseconds(argument)?),
        (false, "GONE") => Action::ExpectEofAfterAny,
        (false, "NONE") => Action::ExpectNothing,
        _ => return Err("unknown keyword".to_owned()),
    })
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().map(Duration::from_millis);
    number.map_err(|_| format!("{text} is not a number of milliseconds"))
}

#[cfg(test)]
mod tests {
    use super::{Action, Case, Peer, TIMEOUT, Template};

    #[test]
    fn consecutive_lines_of_one_direction_are_one_packet() {
        let case = Case::parse(
            "# what\nlisten = ssl\ns| xclient off;\n\nS< 220 x\nC> NOOP\n\nC> QUIT\\n\\c\nS<EOF\n",
        )
        .unwrap();
        assert_eq!(case.header.listen, "ssl");
        assert_eq!(case.header.server, ["xclient off;"]);
        assert_eq!(case.events.len(), 3);
        assert_eq!(
            case.events[1].action,
            Action::Send(Template::new(b"NOOP\r\nQUIT\n"))
        );
        assert_eq!(case.events[1].lines, 5..8);
        assert_eq!(
            (case.events[2].peer, &case.events[2].action),
            (Peer::Client, &Action::ExpectEof(TIMEOUT))
        );
    }

    #[test]
    fn errors_name_the_line() {
        assert!(
            Case::parse("S< 220\nlisten = ssl\n")
                .unwrap_err()
                .starts_with("line 2")
        );
        assert!(Case::parse("S<WHAT\n").unwrap_err().starts_with("line 1"));
        assert!(Case::parse("\n").is_err());
    }
}
