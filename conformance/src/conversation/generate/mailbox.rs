//! Generates scripts for IMAP, POP3 and ManageSieve, which differ only in their words.

use portcullis::base::Protocol;

use super::packets::{Packets, garbage, mangled};
use super::{complete, server};
use crate::conversation::script::{Reply, Script};
use crate::rng::Rng;

/// The words of a protocol. Each list has valid and unusual forms.
pub struct Mailbox {
    pub protocol: Protocol,
    /// The methods for `imap_auth` or `pop3_auth`.
    pub methods: &'static [&'static str],
    /// The arguments of `imap_capabilities` or `pop3_capabilities`.
    pub capabilities: &'static [&'static str],
    /// The smallest value of the directive for the client buffer; `None` if nginx has no such directive.
    pub smallest_buffer: Option<usize>,
    /// The largest packet with more than one line, in bytes; 0 for no limit.
    pub largest_packet: usize,
    /// The largest argument of a command, in bytes.
    pub largest_argument: usize,
    /// What precedes a command: the tag of IMAP.
    pub prefix: fn(&mut Rng) -> String,
    pub login: fn(&mut Rng, &mut Packets),
    pub commands: Commands,
    pub replies: Replies,
}

/// Commands of the client.
pub struct Commands {
    /// The weights of the lists below, with the login after `quit`.
    pub weights: [usize; 9],
    pub capability: &'static [&'static str],
    pub noop: &'static [&'static str],
    pub quit: &'static [&'static str],
    pub starttls: &'static [&'static str],
    pub unknown: &'static [&'static str],
    /// Whole lines, without a prefix.
    pub malformed: &'static [&'static str],
    /// Whole lines that are mutated.
    pub mutated: &'static [&'static str],
    /// Commands that get a long argument.
    pub long: &'static [&'static str],
}

/// Unusual replies of the backend.
pub struct Replies {
    pub positive: &'static str,
    pub weights: [usize; 4],
    /// Single lines, without their line end.
    pub lines: &'static [&'static str],
    pub several_lines: &'static [&'static str],
    pub malformed: &'static [&'static str],
}

impl Mailbox {
    /// Generates a script.
    pub fn script(&self, rng: &mut Rng) -> Script {
        let mut packets = Packets::with_largest(self.largest_packet);
        let mut server = self.server(rng);
        if let Some(smallest) = self.smallest_buffer
            && rng.percent(10)
        {
            let size = smallest + rng.up_to(90);
            server.push(format!("{}_client_buffer {size};", self.protocol));
            packets.single = true;
        }
        for _ in 0..rng.up_to(4) {
            self.command(rng, &mut packets);
        }
        if rng.percent(85) {
            (self.login)(rng, &mut packets);
            packets.send(rng);
        }
        for _ in 0..rng.up_to(5) {
            self.command(rng, &mut packets);
        }
        let reply = |rng: &mut Rng| self.replies.reply(rng);
        complete(rng, self.protocol, server, packets, reply)
    }

    fn server(&self, rng: &mut Rng) -> Vec<String> {
        let mut lines = server::lines(rng);
        let protocol = self.protocol;
        if rng.percent(80) {
            let mut methods = rng.subset(self.methods, 50);
            if methods.is_empty() {
                methods.push("plain");
            }
            lines.push(format!("{protocol}_auth {};", methods.join(" ")));
        }
        if rng.percent(30) {
            let capabilities = rng.pick(self.capabilities);
            lines.push(format!("{protocol}_capabilities {capabilities};"));
        }
        lines
    }

    /// Adds a command, valid or not.
    pub fn command(&self, rng: &mut Rng, packets: &mut Packets) {
        let prefix = (self.prefix)(rng);
        let words = &self.commands;
        let line = match rng.weighted(&words.weights) {
            0 => prefix + rng.pick(words.capability),
            1 => prefix + rng.pick(words.noop),
            2 => prefix + rng.pick(words.quit),
            3 => return (self.login)(rng, packets),
            4 => {
                let line = prefix + rng.pick(words.starttls);
                packets.line(rng, &line);
                return packets.send(rng);
            }
            5 => prefix + rng.pick(words.unknown),
            6 => rng.pick(words.malformed).to_owned(),
            7 => {
                let line = rng.pick(words.mutated);
                let bytes = match rng.percent(85) {
                    true => mangled(rng, line),
                    false => garbage(rng),
                };
                return packets.bytes(rng, &bytes);
            }
            _ => {
                let length = rng.up_to(self.largest_argument);
                let argument = "x".repeat(length);
                format!("{prefix}{} {argument}", rng.pick(words.long))
            }
        };
        packets.line(rng, &line);
    }
}

impl Replies {
    fn reply(&self, rng: &mut Rng) -> Reply {
        let text = match rng.weighted(&self.weights) {
            0 => rng.pick(self.lines).to_owned() + "\r\n",
            1 => rng.pick(self.several_lines).to_owned(),
            2 => rng.pick(self.malformed).to_owned(),
            _ => format!("{} {}\r\n", self.positive, "long ".repeat(rng.up_to(300))),
        };
        // nginx takes the end of a packet for the end of a reply.
        let percent = if text.lines().count() > 1 { 0 } else { 20 };
        Reply {
            packets: rng.split(text.as_bytes(), percent),
            closes: rng.percent(20),
            ..Reply::default()
        }
    }
}
