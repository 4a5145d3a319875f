//! SMTP clients, and the servers and backends they meet.

use super::answers::{answer, replies};
use super::conversation::{Conversation, Protocol, Reply};
use super::dice::Dice;
use super::packets::{Packets, garbage, mangled};
use super::sasl;
use super::servers;

/// A conversation.
pub fn conversation(dice: &mut Dice) -> Conversation {
    let mut packets = Packets::default();
    let mut server = server(dice);
    if dice.chance(10) {
        let size = 16 + dice.up_to(90);
        server.push(format!("smtp_client_buffer {size};"));
        packets.single = true;
    }
    let mails = server.iter().any(|line| line.contains("none"));
    if dice.chance(70) {
        let line = hello(dice, "EHLO");
        packets.line(dice, &line);
    }
    let early = dice.up_to(4);
    for _ in 0..early {
        command(dice, &mut packets, mails);
    }
    if dice.chance(80) {
        login(dice, &mut packets, mails);
        packets.send(dice);
    }
    for _ in 0..dice.up_to(6) {
        command(dice, &mut packets, mails);
    }
    let answers = (0..4).map(|_| answer(dice, Protocol::Smtp)).collect();
    Conversation {
        protocol: Protocol::Smtp,
        server,
        client: packets.end(dice),
        answers,
        replies: replies(dice, reply),
        backend_leaves: dice.chance(50),
    }
}

fn server(dice: &mut Dice) -> Vec<String> {
    let mut lines = servers::lines(dice);
    if dice.chance(85) {
        let mut words = dice.some(&["plain", "login", "cram-md5", "external"], 45);
        if words.is_empty() || dice.chance(35) {
            words.push("none");
        }
        lines.push(format!("smtp_auth {};", words.join(" ")));
    }
    if dice.chance(40) {
        lines.push(format!(
            "smtp_capabilities {};",
            dice.pick(&[
                "PIPELINING",
                "\"SIZE 1000\" 8BITMIME",
                "PIPELINING \"SIZE 5\" \"X Y  Z\" x",
                "\"\""
            ])
        ));
    }
    if dice.chance(60) {
        lines.push(format!("xclient {};", dice.pick(&["on", "off", "off"])));
    }
    if dice.chance(35) {
        lines.push("proxy_smtp_auth on;".to_owned());
    }
    lines
}

fn login(dice: &mut Dice, packets: &mut Packets, mails: bool) {
    if mails && dice.chance(60) {
        for line in [mail(dice), rcpt(dice)] {
            packets.line(dice, &line);
        }
        return;
    }
    let exchange = sasl::exchange(dice);
    packets.line(dice, &format!("AUTH {}", exchange.command));
    for answer in &exchange.answers {
        packets.line(dice, answer);
    }
}

fn hello(dice: &mut Dice, verb: &str) -> String {
    let name = dice.pick(&[
        "client.example",
        "x",
        "[127.0.0.1]",
        "client.example",
        "a_b",
        "\u{e9}.example",
    ]);
    format!("{verb} {name}")
}

fn mail(dice: &mut Dice) -> String {
    dice.pick(&[
        "MAIL FROM:<a@example.com>",
        "MAIL FROM:<>",
        "MAIL  FROM:<a@example.com>  SIZE=10 BODY=8BITMIME",
        "mail from: <x>",
        "MAIL x",
        "MAIL FROM:<a@example.com> AUTH=<>  ",
    ])
    .to_owned()
}

fn rcpt(dice: &mut Dice) -> String {
    dice.pick(&[
        "RCPT TO:<b@example.com>",
        "RCPT TO:<b@example.com>",
        "rcpt to:<c@example.com>  NOTIFY=NEVER",
        "RCPT x",
    ])
    .to_owned()
}

/// Any command, any number of them being none.
fn command(dice: &mut Dice, packets: &mut Packets, mails: bool) {
    let line = match dice.weigh(&[10, 8, 10, 8, 8, 8, 12, 3, 3, 4, 5, 4, 2, 4, 2, 1]) {
        0 => hello(dice, "EHLO"),
        1 => hello(dice, "HELO"),
        2 => dice
            .pick(&["NOOP", "NOOP", "NOOP x", "noop", "NOOP\tx"])
            .to_owned(),
        3 => dice.pick(&["RSET", "RSET", "RSET now"]).to_owned(),
        4 => mail(dice),
        5 => rcpt(dice),
        6 => return login(dice, packets, mails),
        7 => dice.pick(&["QUIT", "quit", "QUIT now"]).to_owned(),
        8 => {
            let text = dice.pick(&["STARTTLS", "STARTTLS", "starttls", "STARTTLS now"]);
            packets.line(dice, text);
            return packets.send(dice);
        }
        9 => dice.pick(&["VRFY x", "EXPN", "HELP", "help me"]).to_owned(),
        10 => dice
            .pick(&[
                "DATA",
                "BDAT 10 LAST",
                "ETRN x",
                "XCLIENT ADDR=1.2.3.4",
                "GET / HTTP/1.0",
                "STARTTL",
                "STARTTLSX",
                "NOOPX",
                "MAI",
                "HELOO x",
                "",
                "QUITQUIT",
                ".",
                "A LOGIN x y",
            ])
            .to_owned(),
        11 => dice
            .pick(&[
                "EHLO", "HELO", "EHLO a b", "HELO  a", "EHLO a ", "MAIL", "MAIL ", "RCPT", "AUTH",
                "AUTH ", "RCPT  ", "EHLO  ",
            ])
            .to_owned(),
        12 => format!(
            "{} {}",
            dice.pick(&["NOOP", "MAIL", "RCPT", "EHLO", "AUTH PLAIN"]),
            vec!["x"; 9 + dice.up_to(5)].join(" ")
        ),
        13 => {
            let line = dice.pick(&[
                "EHLO client.example",
                "NOOP",
                "MAIL FROM:<a@example.com>",
                "RCPT TO:<b@example.com>",
                "AUTH LOGIN",
                "QUIT",
                "RSET",
            ]);
            let bytes = mangled(dice, line);
            return packets.bytes(dice, &bytes);
        }
        14 => {
            let bytes = garbage(dice);
            return packets.bytes(dice, &bytes);
        }
        _ => {
            let length = dice.up_to(3000);
            format!(
                "{} {}",
                dice.pick(&["NOOP", "EHLO", "MAIL", "XXXX", "AUTH PLAIN"]),
                "x".repeat(length)
            )
        }
    };
    packets.line(dice, &line);
}

/// What the backend replies other than usual.
fn reply(dice: &mut Dice) -> Reply {
    let code = dice.pick(&[
        "220", "250", "235", "251", "334", "354", "421", "450", "500", "535", "550", "554",
    ]);
    let text = match dice.weigh(&[30, 20, 8, 4, 4, 3, 3, 3]) {
        0 => format!("{code} 5.7.1 the backend says so\r\n"),
        1 => format!("{code}-first\r\n{code}-second\r\n{code} third\r\n"),
        2 => format!(
            "{code}-one\r\n{} other\r\n",
            dice.pick(&["250", "550", "220"])
        ),
        3 => format!("{code}\r\n"),
        4 => format!("{code}{}\r\n", dice.pick(&["x", " ", "\t.", "- ", "0 ok"])),
        5 => dice
            .pick(&[
                "garbage\r\n",
                "+OK\r\n",
                "2\r\n",
                "\r\n",
                "25 x\r\n",
                " 250 x\r\n",
                "\r\n250 ok\r\n",
            ])
            .to_owned(),
        6 => format!("{code} {}\r\n", "long ".repeat(dice.up_to(300))),
        _ => format!("{code} no line end\n"),
    };
    let packets = dice.cut(text.as_bytes(), 20);
    Reply {
        packets,
        closes: dice.chance(20),
        ..Reply::default()
    }
}
