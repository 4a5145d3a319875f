//! IMAP clients, and the servers and backends they meet.

use super::answers::{answer, replies};
use super::conversation::{Conversation, Protocol, Reply};
use super::dice::Dice;
use super::packets::{Packets, garbage, mangled};
use super::{sasl, servers};

/// A conversation.
pub fn conversation(dice: &mut Dice) -> Conversation {
    let mut packets = Packets::default();
    let mut server = server(dice);
    if dice.chance(10) {
        let size = 24 + dice.up_to(90);
        server.push(format!("imap_client_buffer {size};"));
        packets.single = true;
    }
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
    let answers = (0..4).map(|_| answer(dice, Protocol::Imap)).collect();
    Conversation {
        protocol: Protocol::Imap,
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
        let mut words = dice.some(&["plain", "login", "cram-md5", "external"], 50);
        if words.is_empty() {
            words.push("plain");
        }
        lines.push(format!("imap_auth {};", words.join(" ")));
    }
    if dice.chance(30) {
        let words = dice.pick(&["IMAP4rev1", "IMAP4rev1 IDLE \"X Y\"", "\"\""]);
        lines.push(format!("imap_capabilities {words};"));
    }
    lines
}

fn tag(dice: &mut Dice) -> String {
    match dice.weigh(&[60, 10, 3, 2]) {
        0 => format!("a{}", dice.up_to(99)),
        1 => dice.pick(&["A.1", "x_y-z", "0", "tag"]).to_owned(),
        2 => "t".repeat(30 + dice.up_to(4)),
        _ => dice
            .pick(&["a+b", "*", "+", "a(b", "", "\u{e9}", "a\"b"])
            .to_owned(),
    }
}

fn login(dice: &mut Dice, packets: &mut Packets) {
    let tag = tag(dice);
    if dice.chance(45) {
        let exchange = sasl::exchange(dice);
        packets.line(dice, &format!("{tag} AUTHENTICATE {}", exchange.command));
        for answer in &exchange.answers {
            let answer = match dice.chance(4) {
                true => format!("\"{answer}\""),
                false => answer.clone(),
            };
            packets.line(dice, &answer);
        }
        return;
    }
    let mut words = vec![sasl::user(dice), sasl::secret(dice)];
    if dice.chance(4) {
        words.truncate(dice.up_to(1));
    } else if dice.chance(4) {
        words.push("more".to_owned());
    }
    let mut line = format!("{tag} LOGIN");
    for word in &words {
        line.push(' ');
        line = string(dice, packets, line, word);
    }
    packets.line(dice, &line);
}

/// Writes a word in one of IMAP's forms behind what is already in the line; a literal ends the line and begins another.
fn string(dice: &mut Dice, packets: &mut Packets, mut line: String, word: &str) -> String {
    let form = if word.is_empty() {
        1
    } else {
        dice.weigh(&[40, 30, 20, 8])
    };
    match form {
        0 => line.push_str(word),
        1 => {
            line.push('"');
            line.push_str(&word.replace('\\', "\\\\").replace('"', "\\\""));
            line.push('"');
            if dice.chance(3) {
                line.pop();
            }
        }
        form => {
            let sign = if form == 3 { "+" } else { "" };
            let length = match dice.chance(94) {
                true => word.len().to_string(),
                false => dice
                    .pick(&[
                        "1",
                        "2",
                        "9",
                        "007",
                        "x",
                        "",
                        "-1",
                        "99999999999999999999",
                        "1 ",
                    ])
                    .to_owned(),
            };
            packets.line(dice, &format!("{line}{{{length}{sign}}}"));
            return word.to_owned();
        }
    }
    line
}

fn command(dice: &mut Dice, packets: &mut Packets) {
    let tag = tag(dice);
    let line = match dice.weigh(&[10, 10, 4, 16, 8, 8, 8, 3, 1]) {
        0 => format!(
            "{tag} {}",
            dice.pick(&["CAPABILITY", "capability", "CAPABILITY x", "CAPABILITY  "])
        ),
        1 => format!(
            "{tag} {}",
            dice.pick(&[
                "NOOP",
                "noop",
                "NOOP x",
                "NOOP \"a b\" c",
                "NOOP 1 2 3 4",
                "NOOP ",
                "NOOP \""
            ])
        ),
        2 => format!("{tag} {}", dice.pick(&["LOGOUT", "logout now", "LOGOUT"])),
        3 => return login(dice, packets),
        4 => {
            let text = format!("{tag} {}", dice.pick(&["STARTTLS", "STARTTLS", "starttls"]));
            packets.line(dice, &text);
            return packets.send(dice);
        }
        5 => format!(
            "{tag} {}",
            dice.pick(&[
                "ID NIL",
                "SELECT INBOX",
                "IDLE",
                "LOGI x y",
                "LOGINX",
                "LOGOUTS",
                "NOO",
                "ENABLE x",
                "XYZZY {3+}",
                "XYZZY {3}",
                "LOGIN {3+} x",
                "X \"",
                "AUTHENTICATEX"
            ])
        ),
        6 => dice
            .pick(&[
                "",
                " ",
                "NOOP",
                "a1",
                "a1 ",
                "a1  NOOP",
                " a1 NOOP",
                "GET / HTTP/1.0",
                "a1\tNOOP",
                "a1 NOOP\t",
                "* NOOP",
                "+ NOOP",
                "DONE",
                "a1 AUTHENTICATE",
                "a1 AUTHENTICATE ",
                "a1 LOGIN",
                "a1 LOGIN ",
                "a1 LOGIN \"\" x",
                "a1 LOGIN {1}",
                "a1 NOOP {1}",
            ])
            .to_owned(),
        7 => {
            let line = dice.pick(&[
                "a1 NOOP",
                "a1 LOGIN u p",
                "a1 LOGIN \"u\" \"p\"",
                "a1 LOGIN {1}",
                "a1 CAPABILITY",
                "a1 AUTHENTICATE PLAIN",
                "a1 LOGOUT",
            ]);
            let bytes = match dice.chance(85) {
                true => mangled(dice, line),
                false => garbage(dice),
            };
            return packets.bytes(dice, &bytes);
        }
        _ => {
            let length = dice.up_to(3000);
            format!(
                "{tag} {} {}",
                dice.pick(&["NOOP", "LOGIN", "XXXX", "AUTHENTICATE PLAIN"]),
                "x".repeat(length)
            )
        }
    };
    packets.line(dice, &line);
}

/// What the backend replies other than usual.
fn reply(dice: &mut Dice) -> Reply {
    let text = match dice.weigh(&[8, 5, 3, 2]) {
        0 => {
            dice.pick(&[
                "* OK",
                "* OK hello",
                "* PREAUTH hello",
                "* BYE no",
                "* NO",
                "* BAD",
                "+ go",
                "+",
                "+OK",
                "a1 OK",
                "a1 NO no",
                "a1 BAD x",
                "* CAPABILITY IMAP4rev1",
            ])
            .to_owned()
                + "\r\n"
        }
        1 => dice
            .pick(&[
                "* OK one\r\n* OK two\r\n",
                "* OK in\r\n+ go\r\n",
                "* X\r\na1 OK x\r\n",
                "a1 NO\r\n* BYE\r\n",
            ])
            .to_owned(),
        2 => dice
            .pick(&[
                "garbage\r\n",
                "2\r\n",
                "\r\n",
                "x\r\n",
                "* OK no end\n",
                "* ok lower\r\n",
                "*OK\r\n",
            ])
            .to_owned(),
        _ => format!("* OK {}\r\n", "long ".repeat(dice.up_to(300))),
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
