//! From lines to packets: line ends, bursts, cuts.

use super::conversation::Act;
use super::dice::Dice;

/// Gathers the client's lines.
#[derive(Debug, Default)]
pub struct Packets {
    acts: Vec<Act>,
    open: Vec<u8>,
    /// Each line is a packet of its own, whole.
    pub single: bool,
    most: usize,
}

impl Packets {
    /// A packet with more than one line has at most so many bytes.
    pub fn up_to(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    /// A line with an end, mostly the right one.
    pub fn line(&mut self, dice: &mut Dice, text: &str) {
        self.bytes(dice, text.as_bytes());
    }

    /// The same for bytes that are no text.
    pub fn bytes(&mut self, dice: &mut Dice, bytes: &[u8]) {
        let end = match dice.up_to(199) {
            0..=9 => "\n",
            10 => "\r\r\n",
            11 => " \r\n",
            12 => "\r",
            13 => "",
            _ => "\r\n",
        };
        let most = self.most;
        if most > 0 && self.open.len() + bytes.len() + 2 > most {
            self.send(dice);
        }
        self.open.extend_from_slice(bytes);
        self.open.extend_from_slice(end.as_bytes());
        if self.single || !dice.chance(30) {
            self.send(dice);
        }
    }

    /// Ends the packet at hand.
    pub fn send(&mut self, dice: &mut Dice) {
        let percent = if self.single { 0 } else { 12 };
        let open = std::mem::take(&mut self.open);
        if !open.is_empty() {
            let packets = dice.cut(&open, percent);
            self.acts.extend(packets.into_iter().map(Act::Send));
        }
    }

    /// All of it.
    pub fn end(mut self, dice: &mut Dice) -> Vec<Act> {
        self.send(dice);
        if dice.chance(2) {
            self.acts.push(Act::HalfClose);
        }
        self.acts
    }
}

/// A line with something done to it.
pub fn mangled(dice: &mut Dice, line: &str) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    let at = dice.up_to(bytes.len());
    match dice.up_to(9) {
        0 => bytes.insert(0, b' '),
        1 => bytes.insert(at, b' '),
        2 => bytes.push(b' '),
        3 => bytes.truncate(at),
        4 if at < bytes.len() => {
            bytes.remove(at);
        }
        5 => bytes = dice.any_case(line).into_bytes(),
        6 => bytes.insert(
            at,
            *dice
                .pick(&[b"\"", b"\\", b"{", b"}", b"(", b"@", b"\x80", b"\xff"])
                .first()
                .unwrap_or(&b'x'),
        ),
        7 => bytes = line.replace(' ', "   ").into_bytes(),
        8 => bytes.extend_from_slice(b" more"),
        _ => bytes.insert(at, dice.byte()),
    }
    bytes
}

/// Bytes that mean nothing.
pub fn garbage(dice: &mut Dice) -> Vec<u8> {
    let length = dice.up_to(30);
    (0..length).map(|_| dice.byte()).collect()
}
