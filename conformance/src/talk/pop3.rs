//! POP3 clients, and the servers and backends they meet.

use super::answers::{answer, replies};
use super::conversation::{Conversation, Protocol, Reply};
use super::dice::Dice;
use super::packets::{Packets, garbage, mangled};
use super::{sasl, servers};

/// nginx has a buffer of 128 bytes for all that comes at once.
const MOST: usize = 120;

/// A conversation.
pub fn conversation(dice: &mut Dice) -> Conversation {
    let mut packets = Packets::up_to(MOST);
    let server = server(dice);
    for _ in 0..dice.up_to(4) {
        command(dice, &mut packets);
    }
    if dice.chance(85) {
        login(dice, &mut packets);
        packets.send(dice);
    }
    for _ in 0..dice.up_to(5) {
        command(dice, &mut packets);
    }
    let answers = (0..4).map(|_| answer(dice, Protocol::Pop3)).collect();
    Conversation {
        protocol: Protocol::Pop3,
        server,
        client: packets.end(dice),
        answers,
        replies: replies(dice, reply),
        backend_leaves: dice.chance(50),
    }
}

fn server(dice: &mut Dice) -> Vec<String> {
    let mut lines = servers::lines(dice);
    if dice.chance(80) {
        let mut words = dice.some(&["plain", "apop", "cram-md5", "external"], 50);
        if words.is_empty() {
            words.push("plain");
        }
        lines.push(format!("pop3_auth {};", words.join(" ")));
    }
    if dice.chance(30) {
        let words = dice.pick(&[
            "TOP UIDL",
            "TOP USER \"LOGIN-DELAY 900\" UIDL",
            "USER",
            "\"\"",
        ]);
        lines.push(format!("pop3_capabilities {words};"));
    }
    lines
}

fn login(dice: &mut Dice, packets: &mut Packets) {
    match dice.weigh(&[45, 40, 15]) {
        0 => {
            let (user, secret) = (sasl::user(dice), sasl::secret(dice));
            packets.line(dice, &format!("USER {user}"));
            if dice.chance(12) {
                command(dice, packets);
            }
            packets.line(dice, &format!("PASS {secret}"));
        }
        1 => {
            let exchange = sasl::exchange(dice);
            packets.line(dice, &format!("AUTH {}", exchange.command));
            for answer in &exchange.answers {
                packets.line(dice, answer);
            }
        }
        _ => {
            let user = sasl::user(dice);
            let digest = dice.pick(&[
                "0123456789abcdef0123456789abcdef",
                "short",
                "0123456789ABCDEF0123456789abcdef x",
            ]);
            packets.line(dice, &format!("APOP {user} {digest}"));
        }
    }
}

fn command(dice: &mut Dice, packets: &mut Packets) {
    let line = match dice.weigh(&[10, 10, 4, 16, 8, 8, 12, 5, 1]) {
        0 => dice.pick(&["CAPA", "capa", "CAPA x", "CAPA "]).to_owned(),
        1 => dice
            .pick(&["NOOP", "noop", "NOOP x", "NOOP 1 2 3 4", "NOOP "])
            .to_owned(),
        2 => dice.pick(&["QUIT", "quit", "QUIT now"]).to_owned(),
        3 => return login(dice, packets),
        4 => {
            let text = dice.pick(&["STLS", "STLS", "stls", "STLS x"]);
            packets.line(dice, text);
            return packets.send(dice);
        }
        5 => dice
            .pick(&[
                "STAT",
                "LIST",
                "RETR 1",
                "TOP 1 0",
                "RSET",
                "DELE 1",
                "UIDL",
                "XYZZY",
                "USERS",
                "USE",
                "CAP",
                "STLSX",
                "GET / HTTP/1.0",
            ])
            .to_owned(),
        6 => dice
            .pick(&[
                "",
                " ",
                "USER",
                "USER ",
                "USER a b c",
                "USER  two",
                "PASS",
                "PASS ",
                "PASS x",
                "PASS a b c d",
                "AUTH",
                "AUTH ",
                "AUTH PLAIN x y z",
                "APOP",
                "APOP x",
                "APOP x y z",
                "USER\tx",
                " NOOP",
                "NOOP\tx",
                "+OK",
            ])
            .to_owned(),
        7 => {
            let line = dice.pick(&[
                "NOOP",
                "USER u",
                "PASS p",
                "AUTH PLAIN",
                "CAPA",
                "APOP u 0123456789abcdef0123456789abcdef",
                "QUIT",
            ]);
            let bytes = match dice.chance(85) {
                true => mangled(dice, line),
                false => garbage(dice),
            };
            return packets.bytes(dice, &bytes);
        }
        _ => {
            let length = dice.up_to(MOST - 12);
            format!(
                "{} {}",
                dice.pick(&["NOOP", "USER", "PASS", "XXXX", "AUTH PLAIN"]),
                "x".repeat(length)
            )
        }
    };
    packets.line(dice, &line);
}

/// What the backend replies other than usual.
fn reply(dice: &mut Dice) -> Reply {
    let text = match dice.weigh(&[8, 3, 3, 2]) {
        0 => {
            dice.pick(&[
                "+OK",
                "+OK hello <1.2@x>",
                "-ERR no",
                "-ERR",
                "+ go",
                "+",
                "+OKAY",
                "+ok lower",
                "* OK",
            ])
            .to_owned()
                + "\r\n"
        }
        1 => dice
            .pick(&[
                "+OK one\r\n+OK two\r\n",
                "+OK\r\n-ERR\r\n",
                "-ERR [AUTH] a\r\nb\r\n",
            ])
            .to_owned(),
        2 => dice
            .pick(&[
                "garbage\r\n",
                "2\r\n",
                "\r\n",
                "x\r\n",
                "+OK no end\n",
                " +OK\r\n",
            ])
            .to_owned(),
        _ => format!("+OK {}\r\n", "long ".repeat(dice.up_to(300))),
    };
    // nginx takes a reply for whole where a packet ends
    let percent = if text.lines().count() > 1 { 0 } else { 20 };
    let packets = dice.cut(text.as_bytes(), percent);
    Reply {
        packets,
        closes: dice.chance(20),
        ..Reply::default()
    }
}
