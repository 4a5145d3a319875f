//! Turns lines into packets: line ends, several lines in a packet, lines split over packets.

use crate::conversation::script::Action;
use crate::rng::Rng;

/// Collects the client's lines.
#[derive(Debug, Default)]
pub struct Packets {
    actions: Vec<Action>,
    /// The packet that is being filled.
    current: Vec<u8>,
    /// Each line is one packet.
    pub single: bool,
    /// The largest packet with more than one line, in bytes; 0 for no limit.
    largest: usize,
}

impl Packets {
    /// Limits packets with more than one line to this many bytes; 0 for no limit.
    pub fn with_largest(largest: usize) -> Self {
        Self {
            largest,
            ..Self::default()
        }
    }

    /// Adds a line with a line end, mostly CR LF.
    pub fn line(&mut self, rng: &mut Rng, text: &str) {
        self.bytes(rng, text.as_bytes());
    }

    /// As [`Packets::line`], for any bytes.
    pub fn bytes(&mut self, rng: &mut Rng, bytes: &[u8]) {
        let end = match rng.up_to(199) {
            0..=9 => "\n",
            10 => "\r\r\n",
            11 => " \r\n",
            12 => "\r",
            13 => "",
            _ => "\r\n",
        };
        if self.largest > 0 && self.current.len() + bytes.len() + 2 > self.largest {
            self.send(rng);
        }
        self.current.extend_from_slice(bytes);
        self.current.extend_from_slice(end.as_bytes());
        if self.single || !rng.percent(30) {
            self.send(rng);
        }
    }

    /// Ends the current packet.
    pub fn send(&mut self, rng: &mut Rng) {
        let percent = if self.single { 0 } else { 12 };
        let packet = std::mem::take(&mut self.current);
        if !packet.is_empty() {
            let packets = rng.split(&packet, percent);
            self.actions.extend(packets.into_iter().map(Action::Send));
        }
    }

    /// Ends the last packet and returns the actions of the client.
    pub fn end(mut self, rng: &mut Rng) -> Vec<Action> {
        self.send(rng);
        if rng.percent(2) {
            self.actions.push(Action::HalfClose);
        }
        self.actions
    }
}

/// The line with one mutation.
pub fn mangled(rng: &mut Rng, line: &str) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    let at = rng.up_to(bytes.len());
    match rng.up_to(9) {
        0 => bytes.insert(0, b' '),
        1 => bytes.insert(at, b' '),
        2 => bytes.push(b' '),
        3 => bytes.truncate(at),
        4 if at < bytes.len() => {
            bytes.remove(at);
        }
        5 => bytes = rng.any_case(line).into_bytes(),
        6 => bytes.insert(
            at,
            *rng.pick(&[b"\"", b"\\", b"{", b"}", b"(", b"@", b"\x80", b"\xff"])
                .first()
                .unwrap_or(&b'x'),
        ),
        7 => bytes = line.replace(' ', "   ").into_bytes(),
        8 => bytes.extend_from_slice(b" more"),
        _ => bytes.insert(at, rng.byte()),
    }
    bytes
}

/// Random bytes.
pub fn garbage(rng: &mut Rng) -> Vec<u8> {
    let length = rng.up_to(30);
    (0..length).map(|_| rng.byte()).collect()
}
